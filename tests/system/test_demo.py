"""The main job: the demo without a person, and a ninth vital by its catalogue alone."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from monitorme.bus import BusSettings, connect
from monitorme.contract.topics import BedId, ConditionTopic, VitalTopic
from monitorme.plugin import wall_clock_ms
from monitorme.samples import sample_files
from monitorme.testing import needs

from ..conftest import ARTIFACTS
from .conftest import MONITORME, System, eventually

pytestmark = pytest.mark.slow

NINTH = """
[capnometry]
label = "EtCO2"
name = "end-tidal carbon dioxide"
kind = "numeric"
unit = "mm[Hg]"
cadence_ms = 1000
stale_after_ms = 4000
plausible = [0.0, 150.0]
"""


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_a_demo_settles_with_nothing_lost(tmp_path: Path, broker: str) -> None:
    if broker == "mosquitto":
        needs.program("mosquitto")
    report = tmp_path / "report.json"
    answer = subprocess.run(
        [
            *(*MONITORME, "demo", "--seconds", "25", "--report", str(report)),
            *("--broker", broker, "--no-open"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["sent"] > 1_500
    assert found["sent"] == found["recorded"]
    # What comes before the station is there is not shown: a second on a slow machine.
    assert found["shown"] >= found["sent"] * 0.95
    assert (found["lost"], found["doubled"], found["altered"]) == (0, 0, 0)
    assert found["alarms_raised"] > 0
    assert found["latency_ms"]["p50"] > 0
    assert set(found["processor_s"]) >= {"recorder", "analysis", "broker", "device_sim"}


@pytest.mark.browser
@pytest.mark.broker
def test_a_ninth_vital_goes_from_device_to_screen_by_catalogue_alone(
    make_system: Callable[..., System],
    tmp_path: Path,
    browser: Browser,  # the fixture
) -> None:
    needs.program("mosquitto")
    catalogue = tmp_path / "vitals.toml"
    catalogue.write_text(sample_files()["vitals.toml"] + NINTH, encoding="utf-8")
    limits = "[plugins.analysis.limits.adult.capnometry]\nawake = { high = 50.0 }\n"
    started = make_system(more=limits, vitals="vitals.toml")
    started.admit("bed-01")
    now_ms = wall_clock_ms()
    bed = BedId("ward-a", "bed-01")
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto(started.url("nurse_station", "page"))
    settings = BusSettings(
        "127.0.0.1",
        started.port,
        "capno-1",
        clean_session=True,
        subscriptions=(str(ConditionTopic(bed, "capnometry_high")),),
    )
    with connect(settings) as bus:
        assert bus.wait_connected(30)
        fields = {"device": "capno-1", "boot": "b1", "seq": 1, "time_ms": now_ms + 1}
        payload = json.dumps({**fields, "value": 62.0, "quality": "good"}).encode()
        bus.publish(VitalTopic(bed, "capnometry"), payload)
        sector = page.locator('.sector[data-bed="bed-01"]')
        bus.flush(timeout_s=30)
        batch = bus.receive(timeout_s=30)
        assert batch is not None
        assert json.loads(batch.messages[0].payload)["text"] == "EtCO2 62 ≥ 50"
        expect(sector.locator('[data-vital="capnometry"] .value')).to_have_text("62")
        expect(sector.locator(".strip")).to_contain_text("EtCO2 62 ≥ 50")
    page.close()

    def is_recorded() -> bool:
        return bool(started.service("recorder")["counts"].get("recorded") == 1)

    eventually(is_recorded, "the reading is recorded")


@pytest.mark.browser
@pytest.mark.broker
def test_the_demo_as_a_nurse_sees_it(tmp_path: Path, browser: Browser) -> None:
    needs.program("mosquitto")
    log = (tmp_path / "demo.log").open("w+")
    demo = subprocess.Popen(
        [
            *(*MONITORME, "demo", "--seconds", "60", "--no-open", "--port", "0"),
            *("--data", str(tmp_path / "data")),
        ],
        stdout=log,
        stderr=log,
    )
    try:
        eventually(
            lambda: "the page:" in (tmp_path / "demo.log").read_text(), "it is up"
        )
        url = (tmp_path / "demo.log").read_text().split("the page: ")[1].split()[0]
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(url)
        expect(page.locator(".sector .name").first).to_have_text("Ada Abel")
        expect(page.locator("#alarms .alarm.active").first).to_be_visible(
            timeout=40_000
        )
        expect(page.locator("#alarms .alarm.acknowledged").first).to_be_visible(
            timeout=40_000
        )
        expect(page.locator("#summary")).to_contain_text("20 patients")
        page.wait_for_timeout(3_000)  # for the waves to have crossed their fields
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / "demo.png")
        page.close()
    finally:
        demo.terminate()
        demo.wait(60)
        log.close()
