"""SQLite's write-ahead log, frame by frame, read without SQLite.

Each frame has a page, and a checksum over all frames up to it. SQLite ends at the first
whose checksum is wrong, as a transaction that was cut off by a crash is to count for
nothing. A page that the disk has destroyed ends it as well, with all that was confirmed
behind it: that is still there, and is found here.
The format: https://sqlite.org/fileformat2.html, section 4.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_MAGIC: Final = 0x377F0682
"""The last bit says how checksums take the bytes of a word: set for big first."""
HEAD: Final = 32
FRAME_HEAD: Final = 24
_WORD: Final = 0xFFFFFFFF


class Frame(NamedTuple):
    """A frame of the newest round: the page it has, and where."""

    page: int
    head: int
    is_commit: bool

    @property
    def start(self) -> int:
        """The offset of the page's first byte."""
        return self.head + FRAME_HEAD


class WriteAhead:
    """The frames of the newest round; those of earlier ones are in the file long since."""

    def __init__(self, data: "mmap.mmap | bytes", page_size: int) -> None:
        self.data = data
        self._size = page_size
        step = FRAME_HEAD + page_size
        self._heads = range(HEAD, len(data) - step + 1, step)
        self.frames = list(self._found())

    def torn_at(self) -> int | None:
        """Return where the first frame is that is not as it was written.

        None where nothing that was committed lies at or behind it: that is how a crash
        leaves a log, and no disk has to have failed.
        """
        if not self.frames:
            return None
        torn = self._first_wrong()
        is_lost = any(one.is_commit and one.head >= torn for one in self.frames)
        is_last = self.frames[-1].head == torn
        return torn if is_lost and not is_last else None

    def _found(self) -> Iterator[Frame]:
        data, salts = self.data, self._salts()
        for head in self._heads:
            page, pages = struct.unpack_from(">II", data, head)
            if page and data[head + 8 : head + 16] == salts:
                yield Frame(page, head, bool(pages))

    def _salts(self) -> bytes:
        data = self.data
        if self._has_head:
            return data[16:24]
        # Its own head is torn: the first frames are of the newest round.
        seen = [data[head + 8 : head + 16] for head in self._heads[:8]]
        return max(seen, key=seen.count, default=b"")

    @property
    def _has_head(self) -> bool:
        return int.from_bytes(self.data[:4], "big") | 1 == _MAGIC | 1

    def _first_wrong(self) -> int:
        """Return where the first frame is whose checksum is wrong; else the end."""
        data = self.data
        if not self._has_head:
            return HEAD
        order = ">" if int.from_bytes(data[:4], "big") & 1 else "<"
        words = struct.Struct(f"{order}{(8 + self._size) // 4}I")
        salts, sums = data[16:24], struct.unpack(">II", data[24:32])
        for head in self._heads:
            body = data[head + FRAME_HEAD : head + FRAME_HEAD + self._size]
            sums = _sums(sums, words.unpack(data[head : head + 8] + body))
            if data[head + 8 : head + 16] != salts or sums != struct.unpack(
                ">II", data[head + 16 : head + 24]
            ):
                return head
        return len(data)


def _sums(sums: tuple[int, int], words: tuple[int, ...]) -> tuple[int, int]:
    first, second = sums
    pairs = iter(words)
    for one, other in zip(pairs, pairs, strict=True):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return first, second


def mapped(path: Path) -> "mmap.mmap | bytes":
    """Return a file's bytes; none where there is none."""
    if not path.exists() or not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
