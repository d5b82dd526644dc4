"""The records inside a frame of StayHealthy's protocol."""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from monitorme.contract.readings import Lead, QualityWord, ReadingValue
from monitorme_firmware_bridge.decoder import Measurement, Name, Refusal

QUALITIES: Final[tuple[QualityWord, ...]] = ("good", "questionable", "invalid")
REASONS: Final = (
    *("", "lead_off", "probe_off", "no_signal", "out_of_range"),
    *("motion", "low_perfusion", "demo"),
)
_RECORD: Final = struct.Struct(">BBBBQH")
_NUMBER: Final = struct.Struct(">i")
_WAVE: Final = struct.Struct(">IIiH")


class Malformed(ValueError):
    """The checksum fits, but the content does not."""


class Cursor:
    """Reads a payload from its start to its end; raises Malformed beyond it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether everything has been read."""
        return self._at == len(self._data)

    def take(self, form: struct.Struct) -> tuple[Any, ...]:  # as struct has it
        """Return the next values of a form."""
        return form.unpack(self.chunk(form.size))

    def chunk(self, count: int) -> bytes:
        """Return the next bytes."""
        if count > len(self._data) - self._at:
            raise Malformed("cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        """Return the next byte."""
        return self.chunk(1)[0]

    def counted(self) -> bytes:
        """Return the bytes behind a byte that says how many they are."""
        return self.chunk(self.byte())

    def text(self) -> str:
        """Return the UTF-8 text behind a byte that says how long it is."""
        try:
            return self.counted().decode()
        except UnicodeDecodeError as error:
            raise Malformed("not UTF-8") from error

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.chunk(len(self._data) - self._at)


def read_record(
    payload: Cursor, name: Name, vitals: Mapping[int, str]
) -> Measurement | Refusal:
    """Return what a record says; raises Malformed where its length cannot be right.

    A value that cannot be read is an invalid measurement, so that its seq is no gap;
    a vital that is unknown here is refused.
    """
    code, quality_code, reason_code, form, time_ms, length = payload.take(_RECORD)
    data = payload.chunk(length)
    if code not in vitals:
        return Refusal(f"unknown_vital_{code}", data, name)
    vital, reason = vitals[code], _reason(reason_code)
    quality, reason = _quality(quality_code, reason)
    if quality == "invalid":
        why = reason or "no_signal"
        return Measurement(vital, None, "invalid", why, time_ms, name)
    try:
        value = _value(form, Cursor(data))
    except Malformed:
        return Measurement(vital, None, "invalid", "malformed", time_ms, name)
    return Measurement(vital, value, quality, reason, time_ms, name)


def _reason(code: int) -> str | None:
    return (REASONS[code] if code < len(REASONS) else f"reason_{code}") or None


def _quality(code: int, reason: str | None) -> tuple[QualityWord, str | None]:
    """Return a quality; one of a later firmware is not to be trusted as good."""
    if code < len(QUALITIES):
        return QUALITIES[code], reason
    return "questionable", reason or f"quality_{code}"


def _value(form: int, data: Cursor) -> ReadingValue:
    if form not in _FORMS:
        raise Malformed(f"unknown form {form}")
    value = _FORMS[form](data)
    if not data.is_at_end:
        raise Malformed("more than a value")
    return value


def _number(data: Cursor) -> float:
    (thousandths,) = data.take(_NUMBER)
    return float(thousandths / 1000)


def _word(data: Cursor) -> str:
    try:
        return data.rest().decode()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error


def _parts(data: Cursor) -> dict[str, float | Lead]:
    parts: dict[str, float | Lead] = {}
    while not data.is_at_end:
        name = data.text()
        parts[name] = _number(data)
    return parts


def _leads(data: Cursor) -> dict[str, float | Lead]:
    leads: dict[str, float | Lead] = {}
    while not data.is_at_end:
        name, unit = data.text(), data.text()
        rate_mhz, scale_billionths, offset_thousandths, count = data.take(_WAVE)
        samples = data.take(struct.Struct(f">{count}h"))
        leads[name] = Lead(
            rate_mhz / 1000,
            unit,
            scale_billionths / 1e9,
            list(samples),
            offset_thousandths / 1000,
        )
    return leads


_FORMS: Final[Mapping[int, Callable[[Cursor], ReadingValue]]] = {
    1: _number,
    2: _word,
    3: _parts,
    4: _leads,
}
