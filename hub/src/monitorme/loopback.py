"""Listening only where this machine alone can reach, until the work on trust."""

import ipaddress

from monitorme.errors import ListenRefused


def require_loopback(host: str) -> str:
    """Return `host` if it is loopback, else raise ListenRefused."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise ListenRefused(
        f"refusing to listen on {host}: without TLS and sign-in anybody there could "
        "read patients' data; use 127.0.0.1"
    )
