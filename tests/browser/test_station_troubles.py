"""What the page says when it cannot be relied on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from monitorme.contract.payloads import Service
from monitorme.contract.topics import ServiceTopic
from monitorme.plugin import wall_clock_ms

from .test_station_page import Station, sector

pytestmark = pytest.mark.browser


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.run.stop()


def introduce(
    station: Station,
    service: str,
    state: str = "running",
    alarms: tuple[dict[str, object], ...] = (),
) -> None:
    now_ms = wall_clock_ms()
    said = Service.model_validate(
        {
            **{"service": service, "instance": "1", "state": state, "pid": 1},
            **{"version": "1", "started_ms": now_ms, "time_ms": now_ms},
            "alarms": alarms,
        },
        strict=False,
    )
    station.run.send(ServiceTopic(service, "1"), said, retain=True)


def test_a_service_that_has_gone_is_told_across_the_screen(
    page: Page, running: Station
) -> None:
    for service in ("analysis", "alerting", "recorder"):
        introduce(running, service)
    page.goto(running.url)
    page.wait_for_timeout(5_500)  # what was never heard of is given as long
    trouble = page.locator("#trouble")
    expect(trouble).to_be_hidden()
    introduce(running, "analysis", "offline")
    expect(trouble).to_contain_text("ANALYSIS IS NOT RUNNING", timeout=3_000)
    expect(trouble).not_to_contain_text("ALERTING")
    box = sector(page, "bed-20").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 1080
    introduce(running, "analysis")
    expect(trouble).to_be_hidden(timeout=3_000)


def test_an_alarm_of_a_service_stands_among_the_technical_ones(
    page: Page, running: Station
) -> None:
    alarm: dict[str, object] = {
        **{"code": "disk_nearly_full", "priority": "medium", "since_ms": 1},
        "text": "the recorder's disk has 10 MB left",
    }
    introduce(running, "recorder", alarms=(alarm,))
    page.goto(running.url)
    row = page.locator("#technical .alarm")
    expect(row).to_contain_text(
        "Hub  the recorder's disk has 10 MB left", timeout=3_000
    )
    expect(row.locator("button")).to_have_count(0)
    introduce(running, "recorder")
    expect(row).to_have_count(0, timeout=3_000)
    expect(page.locator("#technical")).to_have_text("none")


def test_a_broker_that_is_not_reached_is_told(page: Page, running: Station) -> None:
    page.goto(running.url)
    expect(page.locator(".sector")).to_have_count(20)
    running.run.bus.drop()
    expect(page.locator("#trouble")).to_have_text(
        "THE BROKER IS NOT REACHED: what is shown is old", timeout=3_000
    )


def test_an_acknowledgement_that_cannot_be_sent_is_told(
    page: Page, running: Station
) -> None:
    running.admit("bed-01", "Ada")
    running.alarm("bed-01", "oxygen_saturation_low")
    page.goto(running.url)
    button = page.locator("#of-patients .alarm button")
    expect(button).to_be_visible()
    page.context.set_offline(True)
    button.click()
    expect(page.locator("#notice")).to_have_text(
        "Not acknowledged: the station does not answer."
    )
