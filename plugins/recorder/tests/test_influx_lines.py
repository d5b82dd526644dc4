"""Lines of InfluxDB's line protocol: what they say, and that both ways say the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ContractError
from monitorme_recorder.influx import blocks, schema
from monitorme_recorder.influx.lines import LineWriters, careful_writer, writer_of
from monitorme_recorder.records import LogRecord, Stream

CATALOGUE = Catalogue.load()
AT_MS = 1_750_000_000_000


def stream(vital: str, boot: str = "b1") -> Stream:
    return Stream("ward-a", "bed-01", vital, "d-17", boot)


def line_of(reading: Reading, vital: str, received_ms: int = AT_MS + 12) -> list[str]:
    record = LogRecord(1, reading.seq, received_ms, reading.to_json())
    writer = LineWriters(CATALOGUE).of(stream(vital, reading.boot))
    return writer.write(record).split("\n")


def reading(value: ReadingValue, seq: int = 4711, **changes: object) -> Reading:
    fields = {"quality": "good", "time_ms": AT_MS, **changes}
    return Reading(device="d-17", boot="b1", seq=seq, value=value, **fields)  # type: ignore[arg-type]  # of the test's making


def test_a_number_is_a_float_with_its_name_and_its_delay() -> None:
    at = AT_MS * 1_000_000 + (4711 + schema.shift_of("b1")) % 1_000_000
    assert line_of(reading(72.0), "heart_rate") == [
        "heart_rate,bed=bed-01,device=d-17,ward=ward-a "
        f'value=72.0,seq=4711,delay_ms=12,boot="b1" {at}'
    ]


def test_a_composite_value_has_a_field_for_each_component() -> None:
    value = {"systolic": 120.0, "diastolic": 80.0}
    (line,) = line_of(reading(value), "blood_pressure")
    assert " systolic=120.0,diastolic=80.0,seq=4711," in line


def test_a_state_is_a_string() -> None:
    (line,) = line_of(reading("asleep"), "sleep_state")
    assert ' state="asleep",seq=' in line


def test_an_invalid_reading_has_a_reason_and_no_value() -> None:
    (line,) = line_of(reading(None, quality="invalid", reason="lead_off"), "heart_rate")
    assert "value=" not in line
    assert ',quality="invalid",reason="lead_off" ' in line


def test_an_implausible_number_is_kept_apart_from_the_numbers() -> None:
    (line,) = line_of(reading(900.0), "heart_rate")
    assert " sent_value=900.0,seq=" in line
    assert 'quality="invalid",reason="out_of_range"' in line


def test_a_clock_that_is_ahead_is_charted_at_receipt_and_remembered() -> None:
    (line,) = line_of(reading(72.0, time_ms=AT_MS + 60_000), "heart_rate", AT_MS)
    assert f'delay_ms=-60000,boot="b1",device_ms={AT_MS + 60_000},quality=' in line
    assert int(line.rsplit(" ", 1)[1]) // 1_000_000 == AT_MS


def test_a_waveform_is_a_line_a_lead() -> None:
    block: ReadingValue = {
        "II": Lead(250.0, "mV", 0.005, [1, -2, 3]),
        "aVR +": Lead(250.0, 'm"V', 0.005, [40_000], offset=-1.5),
    }
    first, second = line_of(reading(block), "ecg")
    assert first.startswith(
        "ecg,bed=bed-01,device=d-17,lead=II,ward=ward-a rate_hz=250"
    )
    assert 'samples=3,encoding="i16le-b64",data="AQD+/wMA"' in first
    assert ",lead=aVR\\ +,ward=" in second
    assert (
        'unit="m\\"V",scale=0.005,offset=-1.5,samples=1,encoding="i32le-b64"' in second
    )


def test_a_long_block_is_cut_where_influxdb_would_refuse_it() -> None:
    lead = Lead(5000.0, "mV", 1.0, list(range(-25_000, 25_000)))
    text = blocks.fields_of(lead)
    pieces = re.findall(r'data(?:_\d+)?="([^"]*)"', text)
    assert len(pieces) == 3
    assert all(len(piece) < 65_536 for piece in pieces)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=50))
def test_samples_come_back_as_they_were(samples: list[int]) -> None:
    assert blocks.unpack(*blocks.pack(samples)) == samples


def test_two_readings_in_one_millisecond_do_not_share_a_timestamp() -> None:
    (first,), (second,) = (line_of(reading(72.0, seq=n), "heart_rate") for n in (1, 2))
    assert first.rsplit(" ", 1)[1] != second.rsplit(" ", 1)[1]


def test_a_clock_that_begins_anew_at_every_boot_overwrites_nothing() -> None:
    one = Reading("d-17", "b1", 5, AT_MS, 70.0, "good")
    other = Reading("d-17", "b2", 5, AT_MS, 90.0, "good")
    (first,), (second,) = (line_of(r, "heart_rate") for r in (one, other))
    assert first.rsplit(" ", 1)[1] != second.rsplit(" ", 1)[1]


def test_a_component_called_like_a_field_of_ours_gets_a_name_of_its_own() -> None:
    assert schema.field_of("seq") == "seq_"
    assert schema.field_of("sent_value") == "sent_value_"
    assert schema.field_of("systolic") == "systolic"


def test_a_vital_that_the_catalogue_has_no_more_has_no_line() -> None:
    with pytest.raises(ContractError, match="phlogiston"):
        line_of(reading(1.0), "phlogiston")


VALUES = {
    "heart_rate": st.floats(-500, 1000),
    "oxygen_saturation": st.floats(allow_nan=False, allow_infinity=False),
    "ecg": st.dictionaries(
        st.sampled_from(["II", "V1", "aVR"]),
        st.builds(
            Lead,
            st.floats(1, 1000),
            st.text(max_size=5),
            st.floats(-10, 10),
            st.lists(st.integers(-70_000, 70_000), min_size=1, max_size=9),
        ),
        min_size=1,
    ),
}


@pytest.mark.parametrize("vital", sorted(VALUES))
@given(data=st.data())
def test_the_short_way_says_what_the_long_way_says(
    vital: str, data: st.DataObject
) -> None:
    value = data.draw(st.one_of(st.none(), VALUES[vital]))
    quality = data.draw(st.sampled_from(["good", "questionable"]))
    one = Reading(
        "d-17",
        data.draw(st.sampled_from(["b1", "b2"])),
        data.draw(st.integers(1, 2**53 - 1)),
        data.draw(st.integers(0, 2**43)),
        value,
        "invalid" if value is None else quality,  # type: ignore[arg-type]  # drawn
        "lead_off" if value is None else None,
    )
    received_ms = one.time_ms + data.draw(st.integers(-20_000, 200_000))
    there = stream(vital, one.boot)
    shift_ms = data.draw(st.sampled_from([0, 0, 7_000, -90_000]))
    record = LogRecord(1, one.seq, max(0, received_ms), one.to_json(), shift_ms)
    short = writer_of(there, CATALOGUE[vital])(record)
    assert short == careful_writer(there, CATALOGUE[vital])(record)


def test_a_corrected_clock_is_charted_corrected_and_remembered() -> None:
    record = LogRecord(1, 5, AT_MS + 7_012, reading(72.0, seq=5).to_json(), 7_000)
    line = LineWriters(CATALOGUE).of(stream("heart_rate")).write(record)
    assert f"device_ms={AT_MS}" in line
    assert int(line.rsplit(" ", 1)[1]) // 1_000_000 == AT_MS + 7_000
