"""Analysis as a process of its own, killed and started again while a recording plays.

Two services of it judge the same recording in two wards, on one broker, one recorder and
one clock that the test moves: that of `ward-a` is never touched, that of `ward-b` is
killed at random moments. What both have published is the same in the end.
"""

import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from monitorme.contract import topics
from monitorme.contract.payloads import (
    Admission,
    Category,
    Condition,
    DeviceStatus,
    Event,
    PastCondition,
    Service,
    decode,
)
from monitorme.contract.readings import QualityWord, Reading, ReadingValue
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    ConditionTopic,
    DeviceTopic,
    EventTopic,
    ServiceTopic,
    VitalTopic,
)
from monitorme.contract.vitals import Catalogue
from monitorme.testing import needs
from monitorme.testing.brokers import bus_on, running_broker
from monitorme_analysis.replay.recordings import read_recording

WHOLE, KILLED = "ward-a", "ward-b"
WARDS: Final = (WHOLE, KILLED)
BED, SENTINEL = "bed-01", "bed-02"
SECONDS: Final = 300
LAST_KILL: Final = 240
GONE: Final = range(150, 190)
"""When the monitor is switched off: analysis is killed right after it began. The
oximeter goes on, so that time passes for all in the same steps."""
SLOW_S: Final = 0.15
"""How long a second of the recording takes while a killed service is away."""
RECORDER_OFF_MS: Final = 37
"""Two services take the same message at different times."""
STILL_CLOCK = Path(__file__).parent / "still_clock"

Made = tuple[str, ReadingValue, str | None]
"""A vital, its value, and why there is none."""


class Clock:
    """The time of day of all processes, as the test has it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "clock"
        # In whole minutes, so that rules that look at times do so alike each time.
        self.start_ms = int(time.time()) // 60 * 60_000 - 3_600_000
        self.set(0)

    def set(self, second: float) -> None:
        """Have all processes see a second of the recording."""
        self.now_ms = self.start_ms + round(second * 1_000)
        mode = "r+b" if self._path.exists() else "wb"
        with self._path.open(mode) as file:
            file.write(struct.pack("<q", self.now_ms * 1_000_000))

    def environment(self, off_ms: int) -> dict[str, str]:
        """Return what puts a process on this clock."""
        return {
            "PYTHONPATH": str(STILL_CLOCK),
            "MONITORME_STILL_CLOCK": str(self._path),
            "MONITORME_STILL_CLOCK_OFF_NS": str(off_ms * 1_000_000),
        }


@dataclass(slots=True)
class Heard:
    """The conditions of one bed as they came."""

    open: dict[str, int] = field(default_factory=dict)
    """Since when each that is true is true, by its code."""
    over: set[tuple[str, int, int]] = field(default_factory=set)
    """Those that have ended: code, from, and to in whole seconds, since an end is one
    of arrival, and it came to the recorder at another time."""
    past: list[tuple[str, int, int]] = field(default_factory=list)
    """Those of them that were told as past, as often as they were."""

    def take(self, condition: Condition) -> None:
        """Follow a condition from message to message."""
        code = condition.code.split("_ward")[0]
        known = self.open.get(code)
        if known is not None and not (
            condition.present and known == condition.since_ms
        ):
            end_s = condition.since_ms // 1_000
            self.over.add((code, self.open.pop(code), end_s))
        if condition.present:
            self.open[code] = condition.since_ms

    def take_past(self, past: PastCondition) -> None:
        """Take in what was over when it was found."""
        code = past.code.split("_ward")[0]
        self.past.append((code, past.from_ms, past.to_ms // 1_000))
        self.over.add(self.past[-1])


class Hospital:
    """A broker, a recorder and two services of analysis, each a process."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.clock = Clock(folder)
        self.heard = {ward: Heard() for ward in WARDS}
        self._folder, self._log = folder, (folder / "log").open("ab")
        stack.callback(self._log.close)
        self._broker = stack.enter_context(running_broker(folder))
        self._services: dict[tuple[str, str], Service] = {}
        self._sentinels: dict[str, tuple[int, bool]] = {}
        self._seqs: dict[str, int] = {}
        self._sent = 0
        wanted = (
            topics.condition_filter(),
            topics.event_filter(),
            topics.service_filter(),
        )
        self._world = bus_on(self._broker, "world", wanted, clean_session=True)
        stack.callback(self._world.close)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(self._end)
        self._run("recorder", "1", off_ms=RECORDER_OFF_MS)
        self._wait(lambda: bool(self._history()), "the recorder serves history")
        for ward in WARDS:
            self.start(ward)
        self._wait(
            lambda: all(("analysis", ward) in self._services for ward in WARDS),
            "analysis runs",
        )
        self.is_away = False
        for ward in WARDS:
            for bed in (BED, SENTINEL):
                self._admit(BedId(ward, bed))
                self.connect(BedId(ward, bed), is_there=True)

    def start(self, ward: str) -> None:
        """Start the service of a ward."""
        self._run("analysis", ward, wards=[ward])

    def kill(self) -> None:
        """Kill the one that is to be killed."""
        process = self._processes[KILLED]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.is_away = True

    def is_level(self) -> bool:
        """Say whether the service that was killed is up and has caught up."""
        said = self._services.get(("analysis", KILLED))
        return (
            said is not None
            and said.pid == self._processes[KILLED].pid
            and said.figures.get("beds_behind") == 0
        )

    def connect(self, bed: BedId, *, is_there: bool) -> None:
        """Say that the device of a bed is there, or that it is gone."""
        device = _device(bed)
        status = DeviceStatus(
            device=device,
            state="online" if is_there else "offline",
            boot="b1",
            vitals=("heart_rate",),
            time_ms=self.clock.now_ms,
        )
        self._world.publish(DeviceTopic(bed, device, "status"), status, retain=True)

    def play(self, made: Sequence[Made]) -> None:
        """Have both beds measure the same, and wait until everybody has taken it."""
        for ward in WARDS:
            for vital, value, reason in made:
                self._say(BedId(ward, BED), vital, value, reason)
        self._sent += 1
        is_off = self._sent % 2 == 1
        for ward in WARDS:
            value, reason = (None, "lead_off") if is_off else (70.0, None)
            self._say(BedId(ward, SENTINEL), "heart_rate", value, reason)
        assert self._world.flush(timeout_s=5)
        there = [WHOLE] if self.is_away else WARDS
        self._wait(
            lambda: all(self._has_seen(ward, is_off) for ward in there),
            f"analysis has seen what was sent {self.is_away=} {self._sent=}",
        )
        self._wait(self._is_recorded, "the recorder has taken what was sent")

    def listen(self) -> None:
        """Take in what has come."""
        while (batch := self._world.receive(timeout_s=0.002)) is not None:
            for message in batch.messages:
                match topics.parse(message.topic):
                    case ConditionTopic(bed=bed) if message.payload:
                        self._hear(bed, decode(Condition, message.payload))
                    case EventTopic(bed=BedId(ward, bed)) if bed == BED:
                        event = decode(Event, message.payload)
                        self.heard[ward].take_past(PastCondition.told_by(event))
                    case ServiceTopic(service=name, instance=instance):
                        said = decode(Service, message.payload)
                        self._services[name, instance] = said
            self._world.acknowledge(batch)

    def _hear(self, bed: BedId, condition: Condition) -> None:
        if bed.bed == BED:
            self.heard[bed.ward].take(condition)
        elif condition.code == "heart_rate_invalid":
            self._sentinels[bed.ward] = (condition.time_ms, condition.present)

    def _has_seen(self, ward: str, is_off: bool) -> bool:
        said = self._sentinels.get(ward)
        return said is not None and said[1] is is_off

    def _is_recorded(self) -> bool:
        # It was sent last, and the recorder takes what comes in order.
        return self._newest_ms(BedId(WARDS[-1], SENTINEL)) == self.clock.now_ms

    def _newest_ms(self, bed: BedId) -> int:
        url = f"{self._history()}/v1/beds/{bed.ward}/{bed.bed}/latest"
        with urllib.request.urlopen(url) as answer:
            found = json.load(answer)
        return max((one["at_ms"] for one in found.values()), default=0)

    def _history(self) -> str:
        said = self._services.get(("recorder", "1"))
        return said.endpoints.get("history", "") if said else ""

    def _say(
        self, bed: BedId, vital: str, value: ReadingValue, reason: str | None
    ) -> None:
        device = _device(bed, vital)
        seq = self._seqs[device] = self._seqs.get(device, 0) + 1
        quality: QualityWord = "good" if value is not None else "invalid"
        at_ms = self.clock.now_ms
        reading = Reading(device, "b1", seq, at_ms, value, quality, reason)
        self._world.publish(str(VitalTopic(bed, vital)), reading.to_json())

    def _admit(self, bed: BedId) -> None:
        someone = Admission(
            admission=f"a-{bed.bed}",
            patient=f"p-{bed.bed}-{bed.ward}",
            name="Ada",
            mrn="1",
            category=Category.ADULT,
            admitted_ms=self.clock.now_ms,
            since_ms=self.clock.now_ms,
        )
        self._world.publish(AdmissionTopic(bed), someone, retain=True)

    def _run(
        self, name: str, instance: str, *, wards: Sequence[str] = (), off_ms: int = 0
    ) -> None:
        site = self._folder / f"site-{instance}.toml"
        site.write_text(
            "".join(
                f'[wards.{ward}]\nname = "{ward}"\nbeds = ["{BED}", "{SENTINEL}"]\n'
                for ward in WARDS
            )
            + "[plugins.recorder]\nport = 0\n"
            # Seconds of the recording go by while a process starts.
            f"[plugins.analysis]\nwards = {json.dumps(list(wards))}\n"
            "wait_for_history_s = 60\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "monitorme", "run", name]
        options = [
            *("--config", str(site), "--data", str(self._folder)),
            *("--instance", instance),
            *("--broker", f"mqtt://127.0.0.1:{self._broker.port}"),
        ]
        self._processes[instance] = subprocess.Popen(
            [*command, *options],
            env={**os.environ, **self.clock.environment(off_ms)},
            stdout=self._log,
            stderr=self._log,
        )

    def _wait(self, check: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 20
        self.listen()
        while not check():
            assert time.monotonic() < deadline, f"never: {what}"
            self.listen()

    def _end(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(20)


def _device(bed: BedId, vital: str = "") -> str:
    kind = "oximeter" if vital == "oxygen_saturation" else "monitor"
    return f"{kind}-{bed.ward}-{bed.bed}"


def lead_off(made: Sequence[Made]) -> list[Made]:
    """Return what is measured in a second in which the leads are off."""
    pulse: Made = ("heart_rate", None, "lead_off")
    return [*(one for one in made if one[0] != "heart_rate"), pulse]


def recorded(path: Path, rng: random.Random) -> list[list[Made]]:
    """Return what is measured second by second: a recording, and what it lacks."""
    rows = list(read_recording(path, Catalogue.load(), print))
    begin_ms = rows[0].at_ms
    seconds: list[list[Made]] = [[] for _ in range(SECONDS)]
    for row in rows:
        second = (row.at_ms - begin_ms) // 1_000
        if second < SECONDS:
            reason = None if row.value is not None else row.reason or "no_signal"
            seconds[second].append((row.vital, row.value, reason))
    silent = rng.randrange(40, 100)
    for second in range(silent, silent + 45):
        seconds[second] = [one for one in seconds[second] if one[0] != "heart_rate"]
    for second in range(0, SECONDS, 60):
        state = rng.choice(("awake", "asleep"))
        pressure = {"systolic": float(rng.randrange(80, 170)), "diastolic": 70.0}
        temperature = round(rng.uniform(35.0, 40.5), 1)
        seconds[second] += [
            ("sleep_state", state, None),
            ("blood_pressure", pressure, None),
            ("body_temperature", temperature, None),
        ]
    for second in GONE:
        of_second = seconds[second]
        seconds[second] = [one for one in of_second if one[0] == "oxygen_saturation"]
        assert seconds[second]
    return seconds


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    needs.program("mosquitto")
    with ExitStack() as stack:
        yield Hospital(tmp_path, stack)


@pytest.mark.broker
@pytest.mark.data
@pytest.mark.slow
def test_killed_as_a_process_it_says_what_it_would_have_said(
    hospital: Hospital,
) -> None:
    path = needs.data() / "bidmc" / "bidmc_13_Numerics.csv"
    rng = random.Random(20261126)
    seconds = recorded(path, rng)
    kill_at, start_at, kills = 20 + rng.randrange(60), SECONDS, 0
    begins_and_ends: set[int] = set()
    for second, made in enumerate(seconds):
        hospital.clock.set(second)
        if second == start_at:
            hospital.start(KILLED)
        if second in (GONE.start, GONE.stop):
            for ward in WARDS:
                hospital.connect(BedId(ward, BED), is_there=second == GONE.stop)
        is_off = second in begins_and_ends
        hospital.play(lead_off(made) if is_off else made)
        if hospital.is_away:
            time.sleep(SLOW_S)
            hospital.is_away = not hospital.is_level()
            kill_at = max(kill_at, second + 2)
        elif kill_at <= second < LAST_KILL or second == GONE.start + 2:
            hospital.kill()
            kills += 1
            start_at = second + rng.randrange(1, 20)
            # What begins and ends while it is away, where it is away for so long.
            begins_and_ends = {second + 2, second + 3, second + 6} - {*GONE}
            kill_at = start_at + rng.randrange(30, 60)
    assert kills >= 4
    assert not hospital.is_away, "it has caught up"
    whole, killed = (hospital.heard[ward] for ward in WARDS)
    assert len(whole.over) >= 8, "a recording of a few conditions proves little"
    assert killed.open == whole.open
    assert killed.over == whole.over
    assert not whole.past
    assert len(killed.past) >= 4, "what nobody could say was told afterwards"
    assert len(killed.past) == len(set(killed.past)), "and once"
