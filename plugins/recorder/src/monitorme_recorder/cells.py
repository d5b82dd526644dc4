"""Rows of a SQLite file, cell by cell, from the pages that hold them.

A page names its cells itself, so that a row is found whatever became of the tree above it.
Which table it is of shows by the types of its columns. The format:
https://sqlite.org/fileformat2.html, sections 1.6 and 2.1.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from monitorme_recorder.pages import Image, Pages

Value = int | float | str | bytes | None

_TABLE_LEAF: Final = 0x0D
_INDEX_LEAF: Final = 0x0A
_INDEX_INNER: Final = 0x02
_INT_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LONGEST_HEADER: Final = 256
_LONGEST_ROW: Final = 1 << 28


class Cell(NamedTuple):
    """A row where it lies: its key, the letters of its columns, and its bytes' place."""

    image: Image
    row: int
    """The row's number; 0 in a table without."""
    letters: str
    """A letter a column: n null, i integer, r real, t text, b blob."""
    start: int
    """Offset in the page at which its bytes begin."""
    length: int
    """Bytes in all, with those that overflow into other pages."""
    local: int
    """Bytes in the page."""


def cells(pages: Pages, *, only_ahead: bool = False) -> Iterator[Cell]:
    """Return every cell of every version of every page; one that is torn is left out."""
    for image in pages.images(only_ahead=only_ahead):
        if pages.kind(image) in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
            yield from _cells_of(pages, image)


def values(pages: Pages, cell: Cell) -> Iterator[list[Value]]:
    """Return a cell's columns, in each version that can be put together."""
    page = pages.read(cell.image)
    local = page[cell.start : cell.start + cell.local]
    if cell.local == cell.length:
        yield from _decoded(local)
        return
    end = cell.start + cell.local
    first = int.from_bytes(page[end : end + 4], "big")
    for is_newest in (True, False):
        rest = pages.chain(first, cell.length - cell.local, is_newest=is_newest)
        yield from _decoded(local + rest)


def _cells_of(pages: Pages, image: Image) -> Iterator[Cell]:
    page = pages.read(image)
    kind = page[0]
    begins = 12 if kind == _INDEX_INNER else 8
    count = int.from_bytes(page[3:5], "big")
    if begins + 2 * count > len(page):
        return
    for (start,) in struct.iter_unpack(">H", page[begins : begins + 2 * count]):
        cell = _cell(pages, image, page, start, kind)
        if cell is not None:
            yield cell


def _cell(
    pages: Pages, image: Image, page: bytes, start: int, kind: int
) -> Cell | None:
    row = 0
    try:
        at = start + 4 if kind == _INDEX_INNER else start
        length, at = _varint(page, at)
        if kind == _TABLE_LEAF:
            row, at = _varint(page, at)
        if not 2 <= length <= _LONGEST_ROW:
            return None
        local = _local(length, pages.usable, is_table=kind == _TABLE_LEAF)
        types, _ = _types(page, at)
    except (IndexError, ValueError):
        return None
    return Cell(image, row, "".join(map(_letter, types)), at, length, local)


def _local(length: int, usable: int, *, is_table: bool) -> int:
    """Return how many bytes of a row are in its own page."""
    most = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
    if length <= most:
        return length
    least = (usable - 12) * 32 // 255 - 23
    wanted = least + (length - least) % (usable - 4)
    return wanted if wanted <= most else least


def _types(data: bytes, at: int) -> tuple[list[int], int]:
    """Return the types of a record's columns, and where its values begin."""
    size, here = _varint(data, at)
    end = at + size
    if not 2 <= size <= _LONGEST_HEADER or end > len(data):
        raise ValueError("no record")
    found = []
    while here < end:
        one, here = _varint(data, here)
        found.append(one)
    return found, end


def _letter(kind: int) -> str:
    if kind == 0:
        return "n"
    if kind == 7:
        return "r"
    if kind <= 9:
        return "i"
    return "t" if kind % 2 else "b"


def _decoded(data: bytes) -> Iterator[list[Value]]:
    """Return the columns of a record; nothing where it is not whole."""
    try:
        types, at = _types(data, 0)
        found: list[Value] = []
        for kind in types:
            value, at = _value(data, at, kind)
            found.append(value)
        if at <= len(data):
            yield found
    except (IndexError, ValueError, struct.error):
        return


def _value(data: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind == 7:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind in _INT_BYTES:
        end = at + _INT_BYTES[kind]
        return int.from_bytes(data[at:end], "big", signed=True), end
    if kind < 12:
        raise ValueError("no type")
    end = at + (kind - 12) // 2
    return (data[at:end].decode() if kind % 2 else data[at:end]), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 1 to 9 bytes, and where it ends."""
    value = 0
    for position in range(8):
        byte = data[at + position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + position + 1
    return value << 8 | data[at + 8], at + 9


def is_shape(letters: str, shape: Sequence[str]) -> bool:
    """Say whether a row's columns may be those of a table: letters each may have."""
    return len(letters) == len(shape) and all(
        letter in allowed for letter, allowed in zip(letters, shape, strict=True)
    )
