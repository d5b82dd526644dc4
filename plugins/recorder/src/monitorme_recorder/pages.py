"""The pages of a SQLite file and of its write-ahead log, read without SQLite.

SQLite reads nothing below a torn page, and nothing of a write-ahead log behind a torn
frame. Here every page is looked at by itself, in every version that is still there; what
it says is believed only where it proves itself (zlib's checksum, a reading's own name).
The format: https://sqlite.org/fileformat2.html, sections 1.3, 1.5, 1.6 and 4.1.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from monitorme_recorder.hours import companions
from monitorme_recorder.write_ahead import WriteAhead, mapped

USUAL_PAGE: Final = 4096
"""The size of a page where the file does not say it any more."""
_MAGIC: Final = b"SQLite format 3\x00"
_LONGEST_CHAIN: Final = 65_536
"""Pages of one value: more is a circle that noise has made."""


class Image(NamedTuple):
    """One version of a page: in the write-ahead log, or in the file itself."""

    is_ahead: bool
    start: int
    """The offset of its first byte."""


class Pages:
    """All versions of all pages; raises OSError where the file cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._file = mapped(path)
        self._ahead = mapped(companions(path)[0])
        self.size = self._page_size()
        # Reserved bytes at each page's end: none, unless the file says so.
        reserved = self._file[20] if self._file[:16] == _MAGIC else 0
        self.usable = self.size - reserved
        self.write_ahead = WriteAhead(self._ahead, self.size)
        self._frames: dict[int, list[int]] = {}
        for frame in self.write_ahead.frames:
            self._frames.setdefault(frame.page, []).append(frame.start)

    def close(self) -> None:
        """Close the files."""
        for one in (self._file, self._ahead):
            if isinstance(one, mmap.mmap):
                one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def images(self, *, only_ahead: bool = False) -> Iterator[Image]:
        """Return every version of every page but the first, the newest of each first.

        With `only_ahead`, of the pages of which the write-ahead log has one.
        """
        numbers = sorted(number for number in self._frames if number > 1)
        for number in numbers:
            for start in reversed(self._frames[number]):
                yield Image(True, start)
        pages = len(self._file) // self.size
        for number in numbers if only_ahead else range(2, pages + 1):
            if number <= pages:
                yield Image(False, (number - 1) * self.size)

    def is_copied_beyond(self, torn: int) -> bool:
        """Say whether the file has pages from behind a place in the write-ahead log.

        SQLite, which knows nothing of what is behind, would mix them with older ones.
        """
        for number, starts in self._frames.items():
            own = self._image(number, is_newest=False)
            if own is None or starts[-1] < torn:
                continue
            alike = [
                one for one in starts if self.read(Image(True, one)) == self.read(own)
            ]
            if alike and alike[0] > torn:
                return True
        return False

    def kind(self, image: Image) -> int:
        """Return a page's first byte, which says what it is."""
        return (self._ahead if image.is_ahead else self._file)[image.start]

    def read(self, image: Image) -> bytes:
        """Return a page's bytes, but for what is reserved."""
        source = self._ahead if image.is_ahead else self._file
        return source[image.start : image.start + self.usable]

    def chain(self, first: int, length: int, *, is_newest: bool) -> bytes:
        """Return what overflows from a cell; less where a page cannot be had.

        `is_newest` takes each page's newest version, else the file's own.
        """
        parts: list[bytes] = []
        number, missing, passed = first, length, 0
        while missing > 0 and number and passed < _LONGEST_CHAIN:
            image = self._image(number, is_newest=is_newest)
            if image is None:
                break
            page = self.read(image)
            parts.append(page[4 : 4 + missing])
            missing -= len(parts[-1])
            number = int.from_bytes(page[:4], "big")
            passed += 1
        return b"".join(parts)

    def _image(self, number: int, *, is_newest: bool) -> Image | None:
        if is_newest and number in self._frames:
            return Image(True, self._frames[number][-1])
        start = (number - 1) * self.size
        return Image(False, start) if start + self.size <= len(self._file) else None

    def _page_size(self) -> int:
        said = int.from_bytes(self._file[16:18], "big")
        said = 65_536 if said == 1 else said
        is_sane = said >= 512 and said & (said - 1) == 0
        return said if is_sane and self._file[:16] == _MAGIC else USUAL_PAGE
