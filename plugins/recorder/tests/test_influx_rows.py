"""What InfluxDB answers while it takes a point in: rows that are not whole yet."""

from typing import Any

import pytest

from monitorme.contract.readings import Lead
from monitorme_recorder.influx import blocks, rows

NUMBER: dict[str, Any] = {
    "time": 1_000_000_000,
    "device": "d-1",
    "boot": "b1",
    "seq": 7,
    "delay_ms": 20,
    "value": 72.0,
    "quality": None,
    "reason": None,
}
ENCODING, DATA = blocks.pack([1, -2, 3])
BLOCK: dict[str, Any] = {
    **{name: part for name, part in NUMBER.items() if name != "value"},
    "lead": "II",
    "rate_hz": 250.0,
    "unit": "mV",
    "scale": 0.005,
    "offset": 0.0,
    "samples": 3,
    "encoding": ENCODING,
    "data": DATA,
}


def read(*found: dict[str, Any]) -> list[Any]:
    points = [rows.Point("a_vital", row) for row in found]
    return [one.kept.value for one in rows.readings("ward-a", "bed-01", points)]


def test_whole_rows_are_readings() -> None:
    assert read(NUMBER) == [72.0]
    assert read(BLOCK) == [{"II": Lead(250.0, "mV", 0.005, [1, -2, 3])}]
    without = {**NUMBER, "value": None, "quality": "invalid", "reason": "lead_off"}
    assert read(without) == [None], "a reading without a value is one"


@pytest.mark.parametrize(
    ("whole", "missing"),
    [
        *[(NUMBER, name) for name in ("boot", "seq", "delay_ms", "value")],
        *[(BLOCK, name) for name in ("seq", "delay_ms", "rate_hz", "scale", "data")],
    ],
)
def test_a_row_that_lacks_a_field_is_passed_over(
    whole: dict[str, Any], missing: str
) -> None:
    later = {**whole, "time": 2_000_000_000, "seq": 8}
    assert len(read({**whole, missing: None}, later)) == 1
