"""What the cells of a line say, apart from when and where.

Recordings repeat themselves: cells are read when they are first seen, and looked up from
then on, whatever they say.
"""

from math import isfinite
from typing import Final

import msgspec

from monitorme.contract.readings import Lead, ReadingValue, check_kind
from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme.errors import ContractError

QUALITIES: Final = ("good", "questionable", "invalid")
NO_VALUE: Final = "no_value"
"""The reason of a reading whose value a recording does not hold."""
NO_VALUE_WORDS: Final = frozenset(
    {"", "nan", "na", "n/a", "null", "none", "-", "--", "---"}
)
ZERO_IS_NO_VALUE: Final = frozenset({"heart_rate", "respiratory_rate"})
"""Monitors write 0 for these where they have none, and 0 is within what is plausible."""
KEPT_AT_MOST: Final = 50_000
"""So many different cells are remembered; what a file holds beyond is read each time."""
_DECODER: Final = msgspec.json.Decoder(dict[str, float | Lead])

Named = tuple[str, str, str, str]
"""The cells of a line: vital, value, quality, reason."""
Said = tuple[str, str, ReadingValue, str, str | None]
"""What they say: vital, component, value, quality, reason."""


class Cells(dict[Named, Said]):
    """What cells say, by their text; raises ValueError where they make no sense."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._names: dict[str, tuple[str, str, Vital]] = {}

    def __missing__(self, cells: Named) -> Said:
        """Read cells that are seen for the first time."""
        said = self._read(*cells)
        # An object belongs to one reading alone, and comes but once.
        if len(self) < KEPT_AT_MOST and not isinstance(said[2], dict):
            self[cells] = said
        return said

    def _read(self, name: str, cell: str, quality: str, reason: str) -> Said:
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = self._named(name.strip())
        vital, component, entry = known
        quality = quality.strip() or "good"
        if quality not in QUALITIES:
            raise ValueError(f"quality {quality!r} is none of {', '.join(QUALITIES)}")
        value = None
        if quality != "invalid":
            value = _value(cell, vital, component, entry)
        if value is not None:
            return vital, component, value, quality, None
        return vital, component, None, "invalid", reason.strip() or NO_VALUE

    def _named(self, name: str) -> tuple[str, str, Vital]:
        vital, _, component = name.partition(".")
        entry = self._catalogue.get(vital)
        if entry is None:
            raise ValueError(
                f"no vital {name!r}; there are {', '.join(self._catalogue)}"
            )
        if component and component not in entry.components:
            raise ValueError(f"{vital} has no component {component!r}")
        return vital, component, entry


def _value(cell: str, vital: str, component: str, entry: Vital) -> ReadingValue:
    """Return the value in a cell, None where it holds none; raises ValueError."""
    if entry.kind is VitalKind.NUMERIC or component:
        return _number(cell, vital)
    cell = cell.strip()
    if cell.lower() in NO_VALUE_WORDS:
        return None
    value: ReadingValue = cell
    if entry.kind is not VitalKind.STATE:
        try:
            value = _DECODER.decode(cell)
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{vital} needs a JSON object, or a name as {vital}.part: {error}"
            ) from None
    try:
        check_kind(value, entry)
    except ContractError as error:
        raise ValueError(f"{cell[:40]!r}: {error}") from None
    return value


def _number(cell: str, vital: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        if cell.strip().lower() in NO_VALUE_WORDS:
            return None
        raise ValueError(f"{cell[:40]!r} is no number") from None
    if not isfinite(number) or (not number and vital in ZERO_IS_NO_VALUE):
        return None
    return number
