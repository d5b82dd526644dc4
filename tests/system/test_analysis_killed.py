"""Analysis killed at random places of a recording, beside a real recorder."""

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from monitorme.contract.payloads import (
    Admission,
    Condition,
    Event,
    PastCondition,
    decode,
)
from monitorme.contract.readings import QualityWord, Reading
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    ServiceTopic,
    VitalTopic,
    condition_filter,
    event_filter,
    matches,
)
from monitorme.contract.vitals import Catalogue
from monitorme.host import birth
from monitorme.testing import START_MS, MemoryBroker, PluginRun, needs
from monitorme_analysis.plugin import Analysis
from monitorme_analysis.replay.recordings import read_recording
from monitorme_analysis.replay.rows import Row
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.plugin import Recorder

BED = BedId("ward-a", "bed-01")
KILLS = 12
DOWN = 40
"""So many readings come while analysis is away, once."""


class Hospital:
    """A broker, a recorder, analysis and a bed, on one clock."""

    def __init__(self, folder: Path, *, is_recorded: bool) -> None:
        self.broker = MemoryBroker()
        self.recorder: PluginRun | None = None
        if is_recorded:
            self.recorder = PluginRun(
                Recorder,
                folder / "recorder",
                config=RecorderConfig(port=0),
                broker=self.broker,
            )
        self.analysis = PluginRun(Analysis, folder / "analysis", broker=self.broker)
        self.is_up = True
        someone = Admission.model_validate(
            {
                "admission": "a-1",
                "patient": "p-1",
                "name": "Ada",
                "mrn": "1",
                "category": "adult",
                "admitted_ms": START_MS,
                "since_ms": START_MS,
            },
            strict=False,
        )
        self.analysis.send(AdmissionTopic(BED), someone, retain=True)
        if self.recorder is not None:
            said = birth("recorder", "1", "test").model_copy(
                update={"endpoints": dict(self.recorder.context.endpoints)}
            )
            self.analysis.send(ServiceTopic("recorder", "1"), said, retain=True)

    def send(self, vital: str, reading: Reading) -> None:
        """Let time pass until the reading is taken, and publish it."""
        runs = [one for one in (self.recorder, self.analysis) if one is not None]
        while self.analysis.now_ms < reading.time_ms:
            step_ms = min(1_000, reading.time_ms - self.analysis.now_ms)
            for run in runs:
                run.now_ms += step_ms
            if self.recorder is not None:
                self.recorder.plugin.tick(self.recorder.now_ms)
            if self.is_up:
                self.analysis.plugin.tick(self.analysis.now_ms)
        self.broker.publish(str(VitalTopic(BED, vital)), reading.to_json())
        if self.recorder is not None:
            self.recorder.settle()
        if self.is_up:
            self.analysis.settle()

    def kill(self) -> None:
        """End analysis without a word: nothing more is written down."""
        self.is_up = False
        self.analysis.bus.drop()

    def start(self) -> None:
        """Start analysis again; returns when it has caught up."""
        self.analysis.start()
        self.is_up = True
        deadline = time.monotonic() + 20
        while self.analysis.context.figures.get("beds_behind"):
            assert time.monotonic() < deadline, "it never catches up"
            self.analysis.plugin.tick(self.analysis.now_ms)
            time.sleep(0.005)

    def true_now(self) -> dict[str, Condition]:
        """Return what is retained as true, but for when it was said."""
        found = [
            decode(Condition, payload)
            for topic, payload in self.broker.retained.items()
            if matches(condition_filter(), topic)
        ]
        said = {"time_ms": 0, "value": None}
        return {one.code: one.model_copy(update=said) for one in found if one.present}

    def over(self) -> list[tuple[str, int, int]]:
        """Return what was told to be over, in time or afterwards: code, from and to.

        The readings of a second come together, so that it ends within one.
        """
        true: dict[str, int] = {}
        over = [(one.code, one.from_ms, one.to_ms // 1_000) for one in self.past()]
        for message in self.broker.published:
            if not matches(condition_filter(), message.topic):
                continue
            one = decode(Condition, message.payload)
            before = true.get(one.code)
            if before is not None and (not one.present or before != one.since_ms):
                over.append((one.code, true.pop(one.code), one.since_ms // 1_000))
            if one.present:
                true[one.code] = one.since_ms
        return sorted(over)

    def past(self) -> list[PastCondition]:
        """Return what was told to be past when it was found."""
        events = (
            decode(Event, message.payload)
            for message in self.broker.published
            if matches(event_filter(), message.topic)
        )
        return [
            PastCondition.told_by(event)
            for event in events
            if event.kind == PastCondition.KIND
        ]

    def stop(self) -> None:
        """Stop both in good order."""
        for run in (self.analysis, self.recorder):
            if run is not None:
                run.stop()


def readings_of(rows: Sequence[Row]) -> Iterator[tuple[str, Reading]]:
    """Return a recording as one device sends it, from the start of the test's clock."""
    begin_ms = rows[0].at_ms
    for seq, row in enumerate(rows, start=1):
        quality: QualityWord = "good" if row.value is not None else "invalid"
        reason = None if row.value is not None else row.reason or "no_signal"
        at_ms = START_MS + row.at_ms - begin_ms
        reading = Reading("d-1", "b1", seq, at_ms, row.value, quality, reason)
        yield row.vital, reading


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("number", [13, 19])
def test_killed_anywhere_it_says_what_it_would_have_said(
    tmp_path: Path, number: int
) -> None:
    path = needs.data() / "bidmc" / f"bidmc_{number}_Numerics.csv"
    rows = list(read_recording(path, Catalogue.load(), print))
    readings = list(readings_of([row for row in rows if not row.component]))
    rng = random.Random(number)
    kills = set(rng.sample(range(100, len(readings) - DOWN), KILLS))
    away_at = max(kills)
    whole = Hospital(tmp_path / "whole", is_recorded=False)
    killed = Hospital(tmp_path / "killed", is_recorded=True)
    ever: set[str] = set()
    for index, (vital, reading) in enumerate(readings):
        whole.send(vital, reading)
        killed.send(vital, reading)
        if index in kills:
            killed.kill()
            if index != away_at:
                killed.start()
        elif index == away_at + DOWN:
            killed.start()
        if killed.is_up:
            assert killed.true_now() == whole.true_now(), f"at reading {index}"
        ever |= set(whole.true_now())
    assert ever, "a recording without any condition proves nothing"
    assert killed.over() == whole.over()
    assert not whole.past()
    whole.stop()
    killed.stop()
