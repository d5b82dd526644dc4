"""Real recordings through the whole running system, compared with what they justify."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Browser, expect

from monitorme.contract.payloads import Event, decode
from monitorme.testing import needs

from .conftest import System, eventually

pytestmark = [pytest.mark.broker, pytest.mark.data, pytest.mark.slow]

SPEED = 20
BEDS = 12
ON_S, OFF_S, LOW, DEADBAND = 6.0, 5.0, 93.0, 1.0
HTTP = urllib3.PoolManager(retries=False)

# Time runs 20 times faster, and the delays with it.
LIMITS = f"""
[plugins.analysis.limits.adult.oxygen_saturation]
awake = {{ low = {LOW} }}
on_delay_s = {ON_S / SPEED}
off_delay_s = {OFF_S / SPEED}
deadband = {DEADBAND}
[plugins.analysis.limits.adult.heart_rate]
awake = {{ }}
[plugins.analysis.limits.adult.respiratory_rate]
awake = {{ }}
"""


def saturations(path: Path) -> list[tuple[float, float]]:
    """Return seconds and saturation of a recording, straight from its file."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    given = [(float(row["Time [s]"]), row["SpO2"]) for row in rows]
    return [(at, float(v)) for at, v in given if v not in ("", "NaN") and float(v) > 0]


def justified_alarms(values: list[tuple[float, float]]) -> int:
    """Count the alarms that a recording justifies, by the definition alone."""
    alarms, is_on = 0, False
    low_since: float | None = None
    back_since: float | None = None
    for at_s, value in values:
        if not is_on:
            if value <= LOW and low_since is None:
                low_since = at_s
            # A value stands until the next one, which may be a better one.
            if low_since is not None and at_s - low_since >= ON_S:
                is_on, back_since = True, None
                alarms += 1
            elif value > LOW:
                low_since = None
        if is_on:
            is_back = value >= LOW + DEADBAND
            back_since = (
                (at_s if back_since is None else back_since) if is_back else None
            )
            if back_since is not None and at_s - back_since >= OFF_S:
                is_on, low_since = False, None
    return alarms


def events(system: System, bed: str) -> list[Event]:
    url = system.url("recorder", "history")
    answer = HTTP.request("GET", f"{url}/v1/beds/ward-a/{bed}/events?limit=10000")
    found = [one for one in json.loads(answer.data) if one["kind"] == "event"]
    return [decode(Event, json.dumps(one["payload"]).encode()) for one in found]


@pytest.mark.browser
def test_bidmc_patients_as_beds_of_a_ward(
    make_system: Callable[..., System],
    tmp_path: Path,
    browser: Browser,  # the fixture
) -> None:
    needs.program("mosquitto")
    paths = sorted(needs.data("bidmc").glob("*_Numerics.csv"))[:BEDS]
    system = make_system(more=LIMITS)
    beds = [f"bed-{number:02}" for number in range(1, BEDS + 1)]
    system.admit(*beds)
    ledger = tmp_path / "ledger.jsonl"
    command = system.sim(
        *("replay", *map(str, paths), "--speed", str(SPEED), "--ledger", str(ledger))
    )
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto(system.url("nurse_station", "page"))
    subprocess.run(
        command, check=True, timeout=120, stdout=system.log, stderr=system.log
    )

    compared = system.verify(ledger)
    assert (compared["lost"], compared["doubled"], compared["altered"]) == (0, 0, 0)
    assert compared["made"] == sum(
        3 * len(path.read_text().splitlines()[1:]) for path in paths
    )
    for bed, path in zip(beds, paths, strict=True):
        last = [value for _, value in saturations(path)][-1]
        shown = page.locator(
            f'.sector[data-bed="{bed}"] [data-vital="oxygen_saturation"] .value'
        )
        expect(shown).to_contain_text(f"{last:.0f}")
    page.close()

    expected = {
        bed: justified_alarms(saturations(path))
        for bed, path in zip(beds, paths, strict=True)
    }
    assert sum(expected.values()) > 0, "the recordings hold something to find"

    def found() -> dict[str, int]:
        return {
            bed: sum(
                one.kind == "alarm_raised"
                and one.details["code"] == "oxygen_saturation_low"
                for one in events(system, bed)
            )
            for bed in beds
        }

    eventually(lambda: found() == expected, f"alarms {expected}, not {found()}", 15)


def test_mit_bih_records_as_ecg(
    make_system: Callable[..., System], tmp_path: Path
) -> None:
    needs.program("mosquitto")
    folder = needs.data("mitdb")
    records = [folder / name for name in ("100", "208")]
    system = make_system()
    system.admit("bed-01", "bed-02")
    ledger = tmp_path / "ledger.jsonl"
    arguments = ("--speed", "100", "--seconds", "6", "--ledger", str(ledger))
    command = system.sim("replay", *map(str, records), *arguments)
    subprocess.run(
        command, check=True, timeout=120, stdout=system.log, stderr=system.log
    )
    compared = system.verify(ledger)
    assert compared["made"] > 2_000
    assert (compared["lost"], compared["doubled"], compared["altered"]) == (0, 0, 0)
    url = system.url("recorder", "history")
    path = f"{url}/v1/beds/ward-a/bed-01/history?vital=ecg&limit=5"
    block = json.loads(HTTP.request("GET", path).data)["readings"][0]["value"]
    assert {len(lead["samples"]) for lead in block.values()} == {360}
    assert "MLII" in block
