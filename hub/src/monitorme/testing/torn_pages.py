"""Pages of a SQLite file that a broken disk has destroyed."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = 4096
"""The size of a page, in bytes, unless a file says otherwise."""


def pages_of(path: Path, table: str, *, kind: str = "%") -> list[int]:
    """Return the numbers of a table's pages, its root first; of all kinds unless told.

    `kind` is what SQLite's dbstat says: `internal`, `leaf` or `overflow`. Skips the test
    where SQLite was built without `dbstat`.
    """
    sql = "select pageno from dbstat where name=? and pagetype like ?"
    with closing(sqlite3.connect(path)) as db:
        try:
            return [number for (number,) in db.execute(sql, (table, kind))]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat")


def overwrite(path: Path, pages: Iterable[int], give: Callable[[int], bytes]) -> None:
    """Write over pages what `give` gives for a number of bytes."""
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(give(PAGE))


def noise(size: int) -> bytes:
    """Return what no page looks like."""
    return b"\xa5" * size
