"""The station's page in a real browser: what a nurse would see."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from monitorme.contract.payloads import (
    Admission,
    Alarm,
    Command,
    LimitsInForce,
    decode,
)
from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    BedId,
    LimitsTopic,
    VitalTopic,
    command_filter,
)
from monitorme.contract.vitals import Catalogue
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_nurse_station.config import NurseStationConfig
from monitorme_nurse_station.plugin import NurseStation

from ..conftest import ARTIFACTS

pytestmark = pytest.mark.browser

NINTH = """
[capnometry]
label = "EtCO2"
name = "end-tidal carbon dioxide"
kind = "numeric"
unit = "mm[Hg]"
cadence_ms = 1000
stale_after_ms = 4000
"""


DRAWN = """canvas => { const all = canvas.width && canvas.getContext('2d')
  .getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0; for (let i = 3; i < (all.length ?? 0); i += 4) count += all[i] > 0;
  return count; }"""


CUT_OFF = """() => [...document.querySelectorAll(
  '.sector[data-bed=bed-01] :is(.strip .text, .number, .small, .limits), .what, '
  + '#focus .tile, #focus .limits')]
  .filter(node => node.scrollWidth > node.clientWidth)
  .map(node => `${node.className}: ${node.textContent}`)"""
UNDER_OTHERS = """() => [...document.querySelectorAll('.sector .number')].filter(number => {
  const inner = number.getBoundingClientRect();
  const outer = number.closest('.body').getBoundingClientRect();
  return inner.top < outer.top - 0.5 || inner.bottom > outer.bottom + 0.5; })
  .map(number => `${number.closest('.sector').dataset.bed}: ${number.dataset.vital}`)"""


class Station:
    """A running station, fed by hand."""

    def __init__(self, folder: Path) -> None:
        packaged = Catalogue.load()
        ninth = Catalogue.parse(NINTH)
        self.run = PluginRun(
            NurseStation,
            folder,
            config=NurseStationConfig(port=0, rotate_s=1),
            catalogue=Catalogue({**packaged, **ninth}),
            now_ms=wall_clock_ms(),
        )
        self.run.broker.now_ms = wall_clock_ms
        self.run.context.now_ms = wall_clock_ms
        self.seq = 0
        self.started_ms = wall_clock_ms() - 1_000

    @property
    def url(self) -> str:
        return self.run.context.endpoints["page"]

    def admit(self, bed: str, name: str, since_ms: int | None = None) -> None:
        since = since_ms or self.started_ms
        someone = Admission.model_validate(
            {
                "admission": f"a-{name.lower()}",
                "patient": f"p-{name.lower()}",
                "name": name,
                "mrn": "1",
                "category": "adult",
                "admitted_ms": since,
                "since_ms": since,
            },
            strict=False,
        )
        self.run.send(AdmissionTopic(BedId("ward-a", bed)), someone, retain=True)

    def send(
        self, bed: str, vital: str, value: ReadingValue, reason: str | None = None
    ) -> None:
        self.seq += 1
        quality = "invalid" if value is None else "good"
        reading = Reading(
            f"d-{bed}", "b1", self.seq, wall_clock_ms(), value, quality, reason
        )
        self.run.send(VitalTopic(BedId("ward-a", bed), vital), reading.to_json())

    def alarm(self, bed: str, code: str, **fields: Any) -> None:
        given = {
            "id": f"e-{bed}",
            "code": code,
            "kind": "physiological",
            "priority": "medium",
            "state": "active",
            "text": "SpO2 84 ≤ 89",
            "vital": "oxygen_saturation",
            "raised_ms": wall_clock_ms(),
            "since_ms": wall_clock_ms(),
            "time_ms": wall_clock_ms(),
            **fields,
        }
        alarm = Alarm.model_validate(given, strict=False)
        self.run.send(AlarmTopic(BedId("ward-a", bed), code), alarm, retain=True)

    def limits(
        self, bed: str, name: str, *, sleep: str = "awake", **limits: Any
    ) -> None:
        given = {
            "admission": f"a-{name.lower()}",
            "sleep": sleep,
            "limits": {key.replace("__", "."): one for key, one in limits.items()},
            "of_patient": ["heart_rate"],
            "time_ms": wall_clock_ms(),
        }
        said = LimitsInForce.model_validate(given, strict=False)
        self.run.send(LimitsTopic(BedId("ward-a", bed)), said, retain=True)

    def commands(self) -> list[Command]:
        return [
            decode(Command, message.payload)
            for message in self.run.published(command_filter("alerting"))
        ]


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    running = Station(tmp_path)
    yield running
    running.run.stop()


def sector(page: Page, bed: str) -> Locator:
    return page.locator(f'.sector[data-bed="{bed}"]')


def number(page: Page, bed: str, vital: str) -> Locator:
    return sector(page, bed).locator(f'[data-vital="{vital}"] .value')


def test_all_beds_are_there_without_scrolling(page: Page, station: Station) -> None:
    station.admit("bed-01", "Ada")
    station.send("bed-01", "heart_rate", 72.0)
    for width, height in ((1920, 1080), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(station.url)
        expect(page.locator(".sector")).to_have_count(20)
        for bed in ("bed-01", "bed-20"):
            box = sector(page, bed).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height
            assert box["x"] + box["width"] <= width
    expect(page.locator("footer")).to_contain_text("not a medical device")


def test_no_number_and_no_word_of_an_alarm_is_cut_off(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    station.limits("bed-01", "Ada", **ADULT)
    for vital, value in (
        ("heart_rate", 148.0),
        ("respiratory_rate", 102.0),
        ("oxygen_saturation", 100.0),
        ("blood_glucose", 318.0),
        ("body_temperature", 40.2),
        ("blood_pressure", {"systolic": 221.0, "diastolic": 119.0, "mean": 153.0}),
    ):
        station.send("bed-01", vital, value)
    text = "NBP systolic 221 ≥ 220"
    about = {"vital": "blood_pressure", "priority": "high", "text": text}
    station.alarm("bed-01", "blood_pressure_systolic_high", **about)
    page.goto(station.url)
    # Also in a window, which has less height than the screen that it is on.
    windows = ((1920, 930), (1600, 900), (1600, 760))
    for width, height in ((1920, 1080), (1366, 768), *windows):
        page.set_viewport_size({"width": width, "height": height})
        expect(number(page, "bed-01", "heart_rate")).to_have_text("148")
        expect(page.locator("#focus .tile")).not_to_have_count(0)
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(UNDER_OTHERS) == []
        page.screenshot(path=ARTIFACTS / f"station-{width}x{height}.png")


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (390, 844)])
def test_the_wave_has_room_beside_the_numbers(
    page: Page, station: Station, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    station.admit("bed-01", "Ada")
    page.goto(station.url)
    body = sector(page, "bed-01").locator(".body").bounding_box()
    wave = sector(page, "bed-01").locator(".wave").bounding_box()
    assert body is not None
    assert wave is not None
    assert wave["width"] > 0.45 * body["width"]


def test_a_value_is_shown_as_it_comes(page: Page, station: Station) -> None:
    station.admit("bed-01", "Ada")
    page.goto(station.url)
    expect(sector(page, "bed-01").locator(".name")).to_have_text("Ada")
    expect(sector(page, "bed-02").locator(".name")).to_have_text("free")
    station.send("bed-01", "heart_rate", 72.0)
    expect(number(page, "bed-01", "heart_rate")).to_have_text("72")
    station.send("bed-01", "heart_rate", 73.0)
    expect(number(page, "bed-01", "heart_rate")).to_have_text("73")
    pressure: ReadingValue = {"systolic": 121.0, "diastolic": 79.0, "mean": 93.0}
    station.send("bed-01", "blood_pressure", pressure)
    tile = page.locator('#focus .tile[data-vital="blood_pressure"]')
    expect(tile.locator(".value")).to_have_text("121/79 (93)")
    expect(tile.locator("small")).to_contain_text("mmHg")


ADULT = {
    "heart_rate": {
        **{"critical_low": 40.0, "low": 50.0, "high": 120.0, "critical_high": 150.0}
    },
    "respiratory_rate": {"low": 8.0, "high": 30.0},
    "oxygen_saturation": {"critical_low": 80.0, "low": 89.0},
    "body_temperature": {"low": 35.5, "high": 39.0},
    "blood_pressure__systolic": {"low": 90.0, "high": 160.0},
    "blood_pressure__diastolic": {"low": 45.0, "high": 100.0},
    "blood_glucose": {},
}
"""Limits of an adult, and none of glucose."""


def test_limits_stand_beside_the_numbers_and_off_is_a_crossed_bell(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    station.send("bed-01", "heart_rate", 72.0)
    station.send("bed-01", "blood_glucose", 110.0)
    page.goto(station.url)
    of_rate = sector(page, "bed-01").locator('[data-vital="heart_rate"] .limits')
    expect(of_rate).to_have_text("")
    station.limits("bed-01", "Ada", **ADULT)
    expect(of_rate.locator("span")).to_have_text(["120", "50"])
    expect(of_rate).to_have_class("limits own")
    title = (
        "heart rate limits (/min): critical high 150, high 120, low 50, critical low 40"
    )
    expect(of_rate).to_have_attribute("title", f"{title} (awake, set for this patient)")
    saturation = sector(page, "bed-01").locator(
        '[data-vital="oxygen_saturation"] .limits'
    )
    expect(saturation.locator("span")).to_have_text(["\u2013", "89"])
    sugar = sector(page, "bed-01").locator('[data-vital="blood_glucose"] .limits')
    expect(sugar).to_have_attribute("aria-label", "blood glucose: alarm limits off")
    tile = page.locator('#focus .tile[data-vital="blood_pressure"] .limits')
    expect(tile).to_have_text("90\u2013160  45\u2013100")
    slept = {**ADULT, "heart_rate": {"low": 45.0, "high": 120.0}}
    station.limits("bed-01", "Ada", sleep="asleep", **slept)
    expect(of_rate.locator("span")).to_have_text(["120", "45"])


WIDER_THAN_ITS_PLACE = """() => [...document.querySelectorAll('body, body *')]
  .filter(node => !node.closest('#announce')
    && node.getBoundingClientRect().right > innerWidth + 1)
  .map(node => `${node.tagName}.${node.className}`)"""


def test_on_a_phone_nothing_is_beside_the_screen_or_under_something_else(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    station.limits("bed-01", "Ada", **ADULT)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(station.url)
    for vital, value in (("heart_rate", 148.0), ("blood_glucose", 318.0)):
        station.send("bed-01", vital, value)
    expect(number(page, "bed-01", "heart_rate")).to_have_text("148")
    assert page.evaluate(WIDER_THAN_ITS_PLACE) == []
    assert page.evaluate(UNDER_OTHERS) == []
    assert page.evaluate(CUT_OFF) == []
    page.screenshot(path=ARTIFACTS / "station-390.png", full_page=True)


def test_a_successor_shows_no_limits_of_the_one_before(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    station.limits("bed-01", "Ada", **ADULT)
    page.goto(station.url)
    of_rate = sector(page, "bed-01").locator('[data-vital="heart_rate"] .limits')
    expect(of_rate.locator("span")).to_have_text(["120", "50"])
    station.admit("bed-01", "Ben", since_ms=wall_clock_ms())
    expect(of_rate).to_have_text("")
    station.limits("bed-01", "Ben", heart_rate={"low": 90.0})
    expect(of_rate.locator("span")).to_have_text(["\u2013", "90"])


def test_an_invalid_value_shows_its_reason_and_no_number(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    station.send("bed-01", "oxygen_saturation", 97.0)
    page.goto(station.url)
    station.send("bed-01", "oxygen_saturation", None, "probe_off")
    expect(number(page, "bed-01", "oxygen_saturation")).to_have_text("--- probe off")


def test_the_reason_of_an_invalid_value_is_whole_in_focus_too(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    station.limits("bed-01", "Ada", **ADULT)
    station.send("bed-01", "oxygen_saturation", None, "no_signal")
    station.send("bed-01", "body_temperature", None, "out_of_range")
    page.goto(station.url)
    tiles = page.locator("#focus")
    for width, height in ((1920, 1080), (1366, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for vital, text in (
            ("oxygen_saturation", "--- no signal"),
            ("body_temperature", "--- impossible"),
        ):
            value = tiles.locator(f'.tile[data-vital="{vital}"] .value')
            expect(value).to_have_text(text)
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(UNDER_OTHERS) == []
        page.screenshot(path=ARTIFACTS / f"invalid-{width}.png")


def test_an_old_value_is_marked_with_its_age(page: Page, station: Station) -> None:
    station.admit("bed-01", "Ada")
    station.send("bed-01", "heart_rate", 72.0)
    page.goto(station.url)
    box = sector(page, "bed-01").locator('[data-vital="heart_rate"]')
    expect(box).to_have_class("number stale", timeout=6_000)
    expect(box.locator(".age")).to_contain_text("s")


def test_an_alarm_is_marked_by_word_mark_and_colour(
    page: Page, station: Station
) -> None:
    station.admit("bed-03", "Ada")
    station.send("bed-03", "oxygen_saturation", 84.0)
    page.goto(station.url)
    station.alarm("bed-03", "oxygen_saturation_low")
    strip = sector(page, "bed-03").locator(".strip")
    expect(strip).to_have_text("** SpO2 84 ≤ 89")
    expect(strip).to_have_css("background-color", "rgb(255, 210, 31)")
    station.alarm(
        "bed-03", "oxygen_saturation_low", priority="high", text="SpO2 78 ≤ 80"
    )
    expect(strip).to_have_text("*** SpO2 78 ≤ 80")
    expect(strip).to_have_css("background-color", "rgb(229, 32, 46)")
    expect(page.locator("#announce")).to_have_text("Bed 03: SpO2 78 ≤ 80")
    expect(number(page, "bed-03", "oxygen_saturation").locator("..")).to_have_class(
        "number alarming active high"
    )
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "alarm.png")


def test_what_was_over_when_it_was_found_is_quiet_and_says_so(
    page: Page, station: Station
) -> None:
    station.admit("bed-03", "Ada")
    station.send("bed-03", "oxygen_saturation", 97.0)
    page.goto(station.url)
    other = {"priority": "low", "text": "HR 121 ≥ 120", "vital": "heart_rate"}
    station.alarm("bed-03", "heart_rate_high", **other)
    past = {"priority": "high", "state": "latched", "text": "SpO2 78 ≤ 80"}
    at_ms = wall_clock_ms() - 3_600_000
    times = {"since_ms": at_ms, "resolved_ms": at_ms + 60_000}
    station.alarm("bed-03", "oxygen_saturation_low", **past, **times)
    strip = sector(page, "bed-03").locator(".strip")
    expect(page.locator("#alarms .alarm")).to_have_count(2)
    expect(strip).to_contain_text("* HR 121 ≥ 120")
    expect(page.locator("#alarms .alarm .what").first).to_contain_text("HR 121")
    expect(page.locator("#summary")).to_contain_text("1 alarm to take on")
    expect(page.locator("#announce")).to_have_text("")
    expect(number(page, "bed-03", "oxygen_saturation").locator("..")).to_have_class(
        "number"
    )
    station.alarm("bed-03", "heart_rate_high", state="resolved", **other)
    ended = r"^\*\*\* ended \d\d:\d\d: SpO2 78 ≤ 80$"
    expect(strip).to_have_text(re.compile(ended))
    expect(strip).to_have_class("strip high latched")
    row = page.locator("#alarms .alarm.latched")
    expect(row.locator(".when")).to_contain_text("ended")
    row.locator("button", has_text="Seen").click()
    for _ in range(100):
        if station.commands():
            break
        page.wait_for_timeout(50)
    assert station.commands()[0].args["code"] == "oxygen_saturation_low"


def test_the_list_is_worst_first_and_newest_of_equals(
    page: Page, station: Station
) -> None:
    page.goto(station.url)
    now = wall_clock_ms()
    for bed, priority, raised in (
        ("bed-01", "low", now),
        ("bed-02", "medium", now - 9_000),
        ("bed-03", "high", now - 20_000),
        ("bed-04", "medium", now - 1_000),
    ):
        station.admit(bed, f"P{bed[-1]}")
        station.alarm(bed, "x", priority=priority, raised_ms=raised, text=bed)
    rows = page.locator("#alarms .alarm .what")
    expect(rows).to_have_text(
        [
            "*** Bed 03  bed-03",
            "** Bed 04  bed-04",
            "** Bed 02  bed-02",
            "* Bed 01  bed-01",
        ]
    )


def test_what_is_technical_is_kept_apart(page: Page, station: Station) -> None:
    station.admit("bed-04", "Ada")
    page.goto(station.url)
    technical = {"kind": "technical", "priority": "low", "text": "ECG: lead off"}
    station.alarm("bed-04", "ecg_invalid", **technical)
    rows = page.locator("#technical .alarm .what")
    expect(rows).to_have_text(["* Bed 04  ECG: lead off"])
    expect(page.locator("#of-patients .alarm")).to_have_count(0)
    icon = sector(page, "bed-04").locator(".icons [role=img]")
    expect(icon).to_have_attribute("aria-label", "technical: ECG: lead off")
    expect(page.locator("#focus .mode")).to_have_text("rotating")


def test_a_patient_is_opened_from_the_keyboard_and_released(
    page: Page, station: Station
) -> None:
    for bed, name in (("bed-01", "Ada"), ("bed-02", "Ben")):
        station.admit(bed, name)
    page.goto(station.url)
    sector(page, "bed-01").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    title = page.locator("#focus .title")
    expect(title).to_contain_text("Ben")
    expect(title).to_contain_text("held")
    page.keyboard.press("Escape")
    expect(title).to_contain_text("rotating")


def test_a_page_without_a_gesture_says_that_it_is_silent(
    page: Page, station: Station
) -> None:
    page.goto(station.url)
    expect(page.locator("#audio")).to_contain_text("Sound off")
    page.locator("#audio").click()
    expect(page.locator("#audio")).to_have_text("Sound on")
    page.locator("#pause").click()
    expect(page.locator("#pause")).to_contain_text("Sound paused 1")
    station.admit("bed-01", "Ada")
    station.alarm("bed-01", "heart_rate_high", priority="high")
    expect(page.locator("#pause")).to_have_text("Pause sound")


def test_a_refused_acknowledgement_says_why(page: Page, station: Station) -> None:
    station.admit("bed-01", "Ada")
    page.goto(station.url)
    station.alarm("bed-01", "oxygen_saturation_low")
    page.locator("#of-patients .alarm button").click()
    notice = page.locator("#notice")
    expect(notice).to_contain_text("Not acknowledged", timeout=10_000)
    expect(notice).to_contain_text("did not answer")


def test_the_focus_rotates_and_jumps_to_an_alarm(page: Page, station: Station) -> None:
    for bed, name in (("bed-01", "Ada"), ("bed-02", "Ben"), ("bed-03", "Cleo")):
        station.admit(bed, name)
    page.goto(station.url)
    title = page.locator("#focus .title")
    for name in ("Ada", "Ben", "Cleo", "Ada"):
        expect(title).to_contain_text(name)
    station.alarm("bed-03", "oxygen_saturation_low")
    expect(title).to_contain_text("pinned by alarm")
    expect(title).to_contain_text("Cleo")
    sector(page, "bed-02").click()
    expect(title).to_contain_text("Ben")
    expect(title).to_contain_text("held")


@pytest.mark.parametrize("way", ["key", "click"])
def test_an_alarm_is_acknowledged(page: Page, station: Station, way: str) -> None:
    station.admit("bed-03", "Ada")
    page.goto(station.url)
    station.alarm("bed-03", "oxygen_saturation_low")
    expect(page.locator("#focus .alarm")).to_have_count(1)
    if way == "key":
        page.keyboard.press("a")
    else:
        page.locator("#alarms .alarm button").click()
    for _ in range(100):
        if station.commands():
            break
        page.wait_for_timeout(50)
    (command,) = station.commands()
    assert command.args == {
        "ward": "ward-a",
        "bed": "bed-03",
        "code": "oxygen_saturation_low",
        "id": "e-bed-03",
    }
    taken = {"state": "acknowledged", "acknowledged_by": "station"}
    station.alarm("bed-03", "oxygen_saturation_low", **taken)
    expect(sector(page, "bed-03").locator(".strip")).to_have_text("** SpO2 84 ≤ 89 ✓")
    expect(page.locator("#alarms .alarm button")).to_have_count(0)


def test_a_transfer_never_shows_the_old_values_under_the_new_name(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    station.send("bed-01", "heart_rate", 140.0)
    page.goto(station.url)
    expect(number(page, "bed-01", "heart_rate")).to_have_text("140")
    seen = page.evaluate_handle(
        """() => { const seen = []; const sector = document.querySelector('.sector');
        setInterval(() => seen.push([sector.querySelector('.name').textContent,
          sector.querySelector('[data-vital=heart_rate] .value').textContent]), 5);
        return seen; }"""
    )
    station.admit("bed-01", "Ben", since_ms=wall_clock_ms())
    expect(sector(page, "bed-01").locator(".name")).to_have_text("Ben")
    page.wait_for_timeout(300)
    pairs = {tuple(pair) for pair in seen.json_value()}
    assert ("Ben", "140") not in pairs
    assert ("Ben", "…") in pairs


def test_a_ninth_vital_appears_by_its_catalogue_entry_alone(
    page: Page, station: Station
) -> None:
    station.admit("bed-01", "Ada")
    page.goto(station.url)
    station.send("bed-01", "capnometry", 38.0)
    expect(number(page, "bed-01", "capnometry")).to_have_text("38")
    expect(page.locator('#focus .tile[data-vital="capnometry"]')).to_contain_text(
        "EtCO2"
    )


def test_a_lost_connection_is_loud_and_found_again(tmp_path: Path, page: Page) -> None:
    first = Station(tmp_path / "first")
    first.admit("bed-01", "Ada")
    port = int(first.url.rpartition(":")[2])
    page.goto(first.url)
    expect(page.locator("#lost")).to_be_hidden()
    expect(sector(page, "bed-01").locator(".name")).to_have_text("Ada")
    first.run.stop()
    expect(page.locator("#lost")).to_contain_text("NOT CONNECTED", timeout=8_000)
    config = NurseStationConfig(port=port, rotate_s=1)
    again = PluginRun(NurseStation, tmp_path / "again", config=config)
    expect(page.locator("#lost")).to_be_hidden(timeout=8_000)
    again.stop()


def test_the_wave_is_drawn(page: Page, station: Station) -> None:
    station.admit("bed-01", "Ada")
    page.goto(station.url)
    expect(page.locator(".sector")).to_have_count(20)
    for _ in range(2):
        samples = [0] * 100 + [200] * 20 + [0] * 130
        station.send("bed-01", "ecg", {"II": Lead(250.0, "mV", 0.005, samples)})
    page.wait_for_timeout(1_200)
    canvas = sector(page, "bed-01").locator("canvas")
    assert canvas.evaluate(DRAWN) > 100
    station.send("bed-01", "ecg", None, "lead_off")
    page.wait_for_timeout(600)
    assert canvas.evaluate(DRAWN) == 0, "an old wave would look like a live one"
