"""Killed at random places, analysis says what it would have said without."""

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace as replace_reading

from monitorme.contract.payloads import (
    Admission,
    Condition,
    ConditionKind,
    Event,
    PastCondition,
    Priority,
    Service,
    ServiceState,
    decode,
)
from monitorme.contract.readings import QualityWord, Reading, ReadingValue
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    ServiceTopic,
    VitalTopic,
    condition_filter,
    event_filter,
    matches,
)
from monitorme.testing import PluginRun
from monitorme.testing.harness import START_MS
from monitorme_analysis.condition import condition_of
from monitorme_analysis.ended import Ended, Following, untold
from monitorme_analysis.plugin import Analysis
from monitorme_analysis.rule import Finding

BED = BedId("ward-a", "bed-01")
Sent = tuple[int, str, Reading]
"""When it is sent, its vital, and the reading."""


class Recorder:
    """A history over HTTP that holds what it was given, in order of arrival."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self.asked = 0
        self.is_broken = False
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                recorder.asked += 1
                parts = urlsplit(self.path)
                assert parts.path == "/v1/beds/ward-a/bed-01/since"
                since_ms = int(parse_qs(parts.query)["received_ms"][0])
                found = [
                    line
                    for line in list(recorder.lines)
                    if isinstance(line["received_ms"], int)
                    and line["received_ms"] >= since_ms
                ]
                body = b"".join(json.dumps(line).encode() + b"\n" for line in found)
                self.send_response(503 if recorder.is_broken else 200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def store(self, vital: str, reading: Reading, received_ms: int) -> None:
        fields = {name: getattr(reading, name) for name in reading.__struct_fields__}
        self.lines.append({"vital": vital, "received_ms": received_ms, **fields})

    def birth(self) -> Service:
        port = self.server.server_address[1]
        return Service(
            service="recorder",
            instance="1",
            state=ServiceState.RUNNING,
            pid=1,
            version="1",
            started_ms=1,
            time_ms=1,
            endpoints={"history": f"http://127.0.0.1:{port}"},
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    one = Recorder()
    yield one
    one.close()


def day(seed: int, seconds: int) -> list[Sent]:
    """Return readings of one bed with troubles of every kind, as they are sent."""
    rng = random.Random(seed)
    sent: list[Sent] = []
    pulse, saturation = 75.0, 97.0
    state = "awake"
    for second in range(seconds):
        at_ms = START_MS + second * 1_000

        def say(vital: str, value: ReadingValue, reason: str | None = None) -> None:
            number = len(sent) + 1
            quality: QualityWord = "invalid" if value is None else "good"
            reading = Reading("d-1", "b1", number, at_ms, value, quality, reason)  # noqa: B023  # called in its own turn
            sent.append((reading.time_ms, vital, reading))

        pulse = min(160.0, max(35.0, pulse + rng.choice((-4, -1, 0, 0, 1, 4))))
        say("heart_rate", pulse)
        if second % 5 == 0 and not 200 < second % 400 < 240:
            saturation = min(
                100.0, max(76.0, saturation + rng.choice((-3, -1, 0, 1, 3)))
            )
            off = rng.random() < 0.05
            say(
                "oxygen_saturation",
                None if off else saturation,
                "probe_off" if off else None,
            )
        if second % 120 == 0:
            state = rng.choice((state, "asleep", "awake"))
            say("sleep_state", state)
        if second % 100 == 0:
            say("body_temperature", round(rng.uniform(36.0, 41.0), 1))
    return sent


def racing(sent: list[Sent], first: int, last: int) -> list[Sent]:
    """Return readings in some of which the heart races."""
    return [
        (at_ms, vital, replace_reading(reading, value=190.0))
        if vital == "heart_rate" and first <= number < last
        else (at_ms, vital, reading)
        for number, (at_ms, vital, reading) in enumerate(sent)
    ]


class Ward:
    """Analysis with a patient, a recorder beside it, and a bus between."""

    def __init__(self, folder: Path, recorder: Recorder | None) -> None:
        self.run = PluginRun(Analysis, folder)
        self.recorder = recorder
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
        self.run.send(AdmissionTopic(BED), someone, retain=True)
        if recorder is not None:
            self.run.send(ServiceTopic("recorder", "1"), recorder.birth(), retain=True)

    def send(self, sent: Sent) -> None:
        at_ms, vital, reading = sent
        while self.run.now_ms < at_ms:
            self.run.tick(after_ms=min(1_000, at_ms - self.run.now_ms))
        if self.recorder is not None:
            self.recorder.store(vital, reading, self.run.now_ms)
        self.run.send(VitalTopic(BED, vital), reading.to_json())

    def kill(self) -> None:
        """End analysis without a word: nothing is written down, its session lives."""
        self.run.bus.drop()
        self.run.plugin._beds._resuming.stop()
        self.run.plugin._beds._snapshots.close()

    def start(self) -> None:
        """Start it again, and let the recorder's answer come in."""
        self.run.start()
        end_s = time.monotonic() + 10
        while len(self.run.plugin._beds._resuming) and time.monotonic() < end_s:
            self.run.plugin.tick(self.run.now_ms)
            time.sleep(0.005)
        assert not len(self.run.plugin._beds._resuming)

    def over(self) -> list[tuple[str, int, int]]:
        """Return what was told to be over: code, from and to, by from."""
        true: dict[str, int] = {}
        over = [
            (past.code, past.from_ms, past.to_ms // 1_000 * 1_000)
            for past in self.past()
        ]
        for message in self.run.published(condition_filter()):
            condition = decode(Condition, message.payload)
            code, since_ms = condition.code, condition.since_ms
            before = true.get(code)
            if before is not None and (not condition.present or before != since_ms):
                over.append((code, true.pop(code), since_ms // 1_000 * 1_000))
            if condition.present:
                true[code] = since_ms
        return sorted(over, key=lambda one: (one[1], one))

    def past(self) -> list[PastCondition]:
        """Return what was told to be past when it was found."""
        events = self.run.published(event_filter())
        return [PastCondition.told_by(decode(Event, one.payload)) for one in events]

    def true_now(self) -> dict[str, Condition]:
        kept = [
            decode(Condition, payload)
            for topic, payload in self.run.broker.retained.items()
            if matches(condition_filter(), topic)
        ]
        return {
            one.code: one.model_copy(update={"time_ms": 0, "value": None})
            for one in kept
            if one.present
        }


def test_a_kill_anywhere_changes_nothing_of_what_is_true(
    tmp_path: Path, recorder: Recorder
) -> None:
    seed = 20261126
    rng = random.Random(seed)
    readings = day(seed, 900)
    whole = Ward(tmp_path / "whole", None)
    killed = Ward(tmp_path / "killed", recorder)
    kills = 0
    for reading in readings:
        whole.send(reading)
        killed.send(reading)
        if rng.random() < 0.01:
            killed.kill()
            killed.start()
            kills += 1
        assert killed.true_now() == whole.true_now(), f"after {kills} kills"
    assert kills > 5
    assert killed.over() == whole.over()
    assert not killed.past(), "all was said in time"
    assert recorder.asked >= kills


def test_what_came_while_it_was_away_is_judged(
    tmp_path: Path, recorder: Recorder
) -> None:
    readings = racing(day(3, 600), 350, 380)
    whole = Ward(tmp_path / "whole", None)
    killed = Ward(tmp_path / "killed", recorder)
    for reading in readings[:300]:
        whole.send(reading)
        killed.send(reading)
    killed.run.tick(after_ms=0)
    killed.kill()
    for reading in readings[300:500]:
        whole.send(reading)
        recorder.store(reading[1], reading[2], reading[0])
    killed.run.now_ms = whole.run.now_ms
    killed.run.broker.connect("analysis-1", (), clean_session=True).close()
    killed.start()
    assert killed.true_now() == whole.true_now()
    for reading in readings[500:]:
        whole.send(reading)
        killed.send(reading)
        assert killed.true_now() == whole.true_now()
    assert killed.over() == whole.over()
    assert killed.past(), "what began and ended meanwhile"
    assert not whole.past()


def test_the_past_is_told_once_whatever_happens(
    tmp_path: Path, recorder: Recorder
) -> None:
    readings = racing(day(3, 600), 350, 380)
    ward = Ward(tmp_path / "one", recorder)
    for reading in readings[:300]:
        ward.send(reading)
    ward.kill()
    for at_ms, vital, reading in readings[300:500]:
        recorder.store(vital, reading, at_ms)
        ward.run.now_ms = at_ms
    ward.start()
    told = [decode(Event, one.payload) for one in ward.run.published(event_filter())]
    assert told
    assert all(one.kind == "condition_past" for one in told)
    assert len({one.id for one in told}) == len(told)
    ward.run.plugin.tick(ward.run.now_ms)
    ward.kill()
    ward.start()
    again = [decode(Event, one.payload) for one in ward.run.published(event_filter())]
    assert len(again) == len(told), "they were written down with the bed"


def test_what_was_said_before_the_past_was_in_is_not_told_again(
    tmp_path: Path, recorder: Recorder
) -> None:
    ward = Ward(tmp_path / "one", recorder)
    readings = [one for one in day(3, 700) if one[1] != "body_temperature"]
    for reading in readings[:300]:
        ward.send(reading)
    ward.kill()
    recorder.is_broken = True
    ward.run.start()
    for reading in readings[300:]:
        ward.send(reading)
    before = ward.over()
    assert "history" in ward.run.context.trouble
    assert len(before) >= 3
    recorder.is_broken = False
    end_s = time.monotonic() + 10
    while "history" in ward.run.context.trouble and time.monotonic() < end_s:
        ward.run.plugin.tick(ward.run.now_ms)
        time.sleep(0.01)
    assert "history" not in ward.run.context.trouble
    told = {(code, from_ms) for code, from_ms, _ in before}
    assert not told & {(one.code, one.from_ms) for one in ward.past()}


def test_a_recorder_that_fails_at_first_is_asked_again(
    tmp_path: Path, recorder: Recorder
) -> None:
    ward = Ward(tmp_path / "one", recorder)
    for reading in day(4, 60):
        ward.send(reading)
    ward.run.plugin.stop()
    ward.run.bus.drop()
    recorder.is_broken = True
    ward.run.start()
    for reading in day(4, 70)[-10:]:
        ward.send(reading)
        time.sleep(0.01)
    assert "history" in ward.run.context.trouble
    recorder.is_broken = False
    end_s = time.monotonic() + 10
    while "history" in ward.run.context.trouble and time.monotonic() < end_s:
        ward.run.plugin.tick(ward.run.now_ms)
        time.sleep(0.01)
    assert not ward.run.context.trouble


def a_while(code: str, found_ms: int, ended_ms: int) -> Ended:
    finding = Finding(
        code=code,
        kind=ConditionKind.PHYSIOLOGICAL,
        priority=Priority.HIGH,
        text="SpO2 78 ≤ 80",
        since_ms=found_ms - 6_000,
    )
    return Ended(finding, found_ms, ended_ms, "a-1")


def last_word(code: str, time_ms: int, *, present: bool) -> dict[str, Condition]:
    said = condition_of(a_while(code, time_ms, time_ms).finding, "a-1", time_ms)
    return {code: said.model_copy(update={"present": present})}


FIRST, SECOND = a_while("low", 10_000, 20_000), a_while("low", 50_000, 52_000)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ({}, [FIRST, SECOND]),
        (last_word("other", 60_000, present=False), [FIRST, SECOND]),
        (last_word("low", 5_000, present=False), [FIRST, SECOND]),
        # It was said to be true, and its end is said of it.
        (last_word("low", 10_010, present=True), [SECOND]),
        (last_word("low", 19_000, present=True), [SECOND]),
        # The recorder took what ended it a little later, or earlier.
        (last_word("low", 19_900, present=False), [SECOND]),
        (last_word("low", 20_100, present=False), [SECOND]),
        (last_word("low", 50_100, present=True), []),
        (last_word("low", 51_900, present=False), []),
    ],
)
def test_what_was_told_follows_from_the_last_word(
    last: dict[str, Condition], expected: list[Ended]
) -> None:
    assert list(untold([FIRST, SECOND], last, [])) == expected


def test_what_is_past_has_the_priority_that_it_had_at_its_worst() -> None:
    following = Following()
    worst = a_while("low", 1_000, 0).finding
    for now_ms, priority in ((1, "medium"), (2, "high"), (3, "low")):
        now = replace(worst, priority=Priority(priority), text=priority)
        following.look([now], "a-1", now_ms)
    following.look([], "a-1", 4)
    (past,) = [one.past_condition() for one in following.over]
    assert (past.priority, past.text, past.to_ms) == ("high", "high", 4)


def test_what_is_true_again_since_the_same_moment_has_not_ended() -> None:
    following = Following()
    high = a_while("high", 1_000, 0).finding
    following.look([high], "a-1", 1_500)
    following.look([], "a-1", 5_000)
    assert [one.ended_ms for one in following.over] == [5_000]
    following.look([high], "a-1", 8_000)
    assert not following.over
    following.look([], "a-1", 9_000)
    (past,) = following.over
    assert (past.found_ms, past.ended_ms) == (1_500, 9_000)
    following.look([replace(high, since_ms=9_500)], "a-1", 9_500)
    following.look([high], "a-2", 9_800)
    assert following.over == [past, *following.over[1:]], (
        "another time, another patient"
    )


def test_a_gap_that_only_the_recorder_had_ends_nothing(
    tmp_path: Path, recorder: Recorder
) -> None:
    ward = Ward(tmp_path / "one", recorder)
    racing = [
        (at_ms, "heart_rate", Reading("d-1", "b1", n + 1, at_ms, 170.0, "good"))
        for n in range(60)
        for at_ms in [START_MS + n * 1_000]
    ]
    for one in racing[:30]:
        ward.send(one)
    before = ward.true_now()["heart_rate_high"]
    ward.kill()
    for at_ms, vital, reading in racing[30:]:
        # It was away for ten seconds, and then took all that had waited for it.
        came_ms = at_ms if at_ms >= START_MS + 45_000 else START_MS + 45_000
        recorder.store(vital, reading, came_ms)
        ward.run.now_ms = at_ms
    ward.run.broker.connect("analysis-1", (), clean_session=True).close()
    ward.start()
    assert ward.true_now()["heart_rate_high"].since_ms == before.since_ms
    said = [
        decode(Condition, one.payload)
        for one in ward.run.published(condition_filter())
        if one.topic.endswith("/heart_rate_high")
    ]
    assert all(one.present for one in said)
