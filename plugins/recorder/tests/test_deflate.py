"""What is packed is zlib's and gzip's own format, whoever packed it."""

import gzip
import random
import zlib

import pytest

from monitorme_recorder import deflate

TEXT = random.Random(4).randbytes(500) * 40


def test_zlib_reads_what_is_packed_and_the_other_way_round() -> None:
    packed = deflate.pack(TEXT)
    assert len(packed) < len(TEXT) / 10
    assert zlib.decompress(packed) == TEXT
    assert deflate.unpack(zlib.compress(TEXT, 9)) == TEXT
    assert gzip.decompress(deflate.gzip(TEXT)) == TEXT


@pytest.mark.parametrize("at", [0, 1, 40, -1])
def test_damage_is_told(at: int) -> None:
    packed = bytearray(deflate.pack(TEXT))
    packed[at] ^= 0x5A
    with pytest.raises(ValueError, match=r"Error|incomplete"):
        deflate.unpack(bytes(packed))


@pytest.mark.parametrize("length", [0, 5, -1])
def test_half_is_told(length: int) -> None:
    with pytest.raises(ValueError, match=r"Error|incomplete"):
        deflate.unpack(deflate.pack(TEXT)[:length])
