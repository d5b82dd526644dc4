"""zlib's format, by ISA-L: a quarter of zlib's time for as few bytes (docs/adr/0029).

Whatever reads zlib or gzip reads what is packed here, and the other way round.
"""

import zlib
from typing import Final

from isal import isal_zlib

_LEVEL: Final = 1
_GZIP: Final = 31
"""The size of the window, by which zlib is told to begin as gzip does."""
# Its types call it an exception, not a kind of exception.
_Error: Final[type[Exception]] = isal_zlib.IsalError  # type: ignore[assignment]


def pack(data: bytes) -> bytes:
    """Return bytes packed, with a checksum."""
    return isal_zlib.compress(data, _LEVEL)


def unpack(data: bytes) -> bytes:
    """Return what was packed; raises ValueError where it is damaged."""
    try:
        return isal_zlib.decompress(data)
    except _Error as error:
        raise ValueError(str(error)) from error


def gzip(data: bytes) -> bytes:
    """Return bytes as gzip has them."""
    packer = isal_zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(data) + packer.flush()
