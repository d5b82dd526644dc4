"""The state of analysis on disk, so that a restart goes on where it ended."""

import logging
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from monitorme.contract.topics import BedId
from monitorme.errors import StorageError
from monitorme_analysis.bed import BedState

log = logging.getLogger(__name__)

FILE_NAME: Final = "state.json"


def save(folder: Path, beds: dict[BedId, BedState]) -> None:
    """Write all beds down, atomically; raises StorageError."""
    path = folder / FILE_NAME
    part = path.with_suffix(".part")
    try:
        part.write_bytes(_adapter().dump_json({str(b): s for b, s in beds.items()}))
        part.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def load(folder: Path) -> dict[BedId, BedState]:
    """Return the beds as they were written down; a damaged file begins anew."""
    path = folder / FILE_NAME
    try:
        states = _adapter().validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.error("state cannot be read, beginning anew file=%s: %s", path, error)
        return {}
    return {BedId(*name.split("/")): state for name, state in states.items()}


def _adapter() -> TypeAdapter[dict[str, BedState]]:
    return TypeAdapter(dict[str, BedState])
