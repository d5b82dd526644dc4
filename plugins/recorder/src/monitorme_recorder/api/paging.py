"""Where a page ended, as a word that the next question gives back."""

import re

from fastapi import HTTPException

from monitorme_recorder.history_store import Position

_FORM = re.compile(r"(\d{1,16})\.([a-z0-9-]{1,64})\.([a-z0-9-]{1,64})\.(\d{1,16})")


def cursor_of(position: Position) -> str:
    """Return a position as a cursor."""
    return ".".join(str(part) for part in position)


def position_of(cursor: str | None) -> Position | None:
    """Return the position that a cursor names; refuses what is none."""
    if cursor is None:
        return None
    found = _FORM.fullmatch(cursor)
    if found is None or not cursor.isascii():
        raise HTTPException(
            400, "after: give back `next` of the page before, unchanged"
        )
    at_ms, device, boot, seq = found.groups()
    return Position(int(at_ms), device, boot, int(seq))
