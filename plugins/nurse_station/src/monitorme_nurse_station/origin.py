"""Who may ask: pages that came from here, and nobody whom another site has sent.

Loopback alone does not keep others out: any page that the same browser has open could
reach it, directly or by a name that points here.
"""

from urllib.parse import urlsplit

from fastapi import HTTPException, WebSocketException
from fastapi.requests import HTTPConnection

from monitorme.errors import ListenRefused
from monitorme.loopback import require_loopback

REFUSAL = "the station's page is for this machine only"


def only_from_here(connection: HTTPConnection) -> None:
    """Refuse a request that another site's page makes."""
    headers = connection.headers
    if is_from_here(headers.get("host", ""), headers.get("origin")):
        return
    if connection.scope["type"] == "websocket":
        raise WebSocketException(1008, REFUSAL)
    raise HTTPException(403, REFUSAL)


def is_from_here(host: str, origin: str | None) -> bool:
    """Say whether a request names this machine, and no other site as its origin."""
    try:
        require_loopback(urlsplit(f"//{host}").hostname or "")
        return origin is None or urlsplit(origin).netloc == host
    except (ListenRefused, ValueError):
        return False
