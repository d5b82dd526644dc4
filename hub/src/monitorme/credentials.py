"""Credentials of services and devices, derived from one secret of the site.

The password of a client is HMAC-SHA256(secret, client id), in hex. So the broker checks
it without a database, and nobody can speak as somebody else. A client of another machine
gets its password from the technician (`MONITORME_PASSWORD`).
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from monitorme.errors import ConfigError, StorageError

SECRET_BYTES: Final = 32
PASSWORD_VARIABLE: Final = "MONITORME_PASSWORD"


def load_secret(path: Path) -> bytes:
    """Return the site's secret, made at first use; only its owner can read it."""
    try:
        if not path.exists():
            _create(path)
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise StorageError(f"cannot use the secret {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not a secret of 32 bytes in hex") from error
    if len(secret) != SECRET_BYTES:
        raise ConfigError(f"{path} is not a secret of {SECRET_BYTES} bytes in hex")
    return secret


def password_for(secret: bytes, client_id: str) -> str:
    """Return the password of a client."""
    return hmac.new(secret, client_id.encode(), hashlib.sha256).hexdigest()


def is_password(secret: bytes, client_id: str, password: str) -> bool:
    """Say, in constant time, whether a password is that of a client."""
    return hmac.compare_digest(
        password_for(secret, client_id).encode(), password.encode()
    )


def password_on(data: Path, client_id: str) -> str | None:
    """Return a client's password: from the environment, or by the data folder's secret.

    None where there is neither: the broker then has to do without.
    """
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    path = data / "secret"
    return password_for(load_secret(path), client_id) if path.exists() else None


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(SECRET_BYTES) + "\n")
    try:
        os.link(part, path)  # unlike a rename, it never replaces another's secret
    except FileExistsError:
        pass
    finally:
        part.unlink()
