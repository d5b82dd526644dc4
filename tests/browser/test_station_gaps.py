"""A gap on the trend: hatched with its reason, and no line across it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from monitorme.contract.payloads import Service
from monitorme.contract.readings import Reading
from monitorme.contract.topics import BedId, ServiceTopic, VitalTopic
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.plugin import Recorder

from ..conftest import ARTIFACTS
from .test_station_page import Station

pytestmark = pytest.mark.browser

MINUTE_MS = 60_000
COLUMN = """(canvas, share) => { const pen = canvas.getContext('2d');
  const at = Math.round(canvas.width * share);
  const all = pen.getImageData(at, 0, 1, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < all.length; i += 4) {
    if (all[i + 3]) seen.add([all[i], all[i + 1], all[i + 2]].join());
  }
  return [...seen]; }"""


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[PluginRun]:
    """Record an hour of heart rate with a quarter of an hour of lead off."""
    now_ms = wall_clock_ms()
    run = PluginRun(
        Recorder,
        tmp_path / "recorder",
        config=RecorderConfig(port=0),
        now_ms=now_ms - 61 * MINUTE_MS,
    )
    for second in range(60 * 60):
        at_ms = now_ms - 60 * MINUTE_MS + second * 1_000
        is_off = 1_200 <= second < 2_100
        value, quality = (None, "invalid") if is_off else (70.0 + second % 9, "good")
        reason = "lead_off" if is_off else None
        reading = Reading("d-1", "b1", second + 1, at_ms, value, quality, reason)  # type: ignore[arg-type]  # a literal
        run.now_ms = at_ms + 5
        run.send(VitalTopic(BedId("ward-a", "bed-01"), "heart_rate"), reading.to_json())
    run.now_ms = now_ms
    run.context.now_ms = wall_clock_ms
    yield run
    run.stop()


@pytest.fixture
def station(tmp_path: Path, recorder: PluginRun) -> Iterator[Station]:
    started = Station(tmp_path / "station")
    started.admit("bed-01", "Ada", wall_clock_ms() - 70 * MINUTE_MS)
    said = Service.model_validate(
        {
            **{"service": "recorder", "instance": "1", "state": "running", "pid": 1},
            **{"version": "1", "started_ms": 1, "time_ms": wall_clock_ms()},
            "endpoints": recorder.context.endpoints,
        },
        strict=False,
    )
    started.run.send(ServiceTopic("recorder", "1"), said, retain=True)
    yield started
    started.run.stop()


def test_a_gap_is_hatched_and_says_its_reason(station: Station, page: Page) -> None:
    page.goto(station.url)
    trend = page.locator("#focus .trend canvas")
    deadline = time.monotonic() + 15
    while "lead off" not in (trend.get_attribute("title") or ""):
        assert time.monotonic() < deadline, "no gap is told of"
        box = trend.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.48, box["y"] + box["height"] / 2)
        page.wait_for_timeout(100)
        page.mouse.move(box["x"] + box["width"] * 0.49, box["y"] + box["height"] / 2)
    page.locator("#focus").screenshot(path=ARTIFACTS / "station-gap.png")
    lines = set(trend.evaluate(COLUMN, 0.8))
    hatched = set(trend.evaluate(COLUMN, 0.42))
    assert "26,36,50" in hatched
    assert "26,36,50" not in lines
