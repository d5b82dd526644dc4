"""An hour of 500 beds on disk: bytes written, size, and the recorder's memory.

Run by `make bench` for ten minutes' worth of readings; `--minutes 60` fills the hour, as
the figures of docs/guarantees.md do. The clock is simulated, the disk is real: seconds are
stored as fast as they can be, and the last 20 in the batches that a live system makes.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from monitorme.contract.readings import Lead, Reading
from monitorme.messaging import Message
from monitorme.testing import PluginRun
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.hours import HOUR_MS
from monitorme_recorder.plugin import Recorder

BEDS = 500
START_MS = 1_750_000_000_000 // HOUR_MS * HOUR_MS
LIVE_BATCH = 84
"""What 2,110 readings a second make in 40 ms."""
PER_DAY = {"heart_rate": 172_800, "respiratory_rate": 86_400, "others": 19_032}
ECG_PER_DAY = 86_400


class Hospital:
    """Makes the readings of all beds, second by second."""

    def __init__(self, *, with_ecg: bool, start_ms: int = START_MS) -> None:
        self._start_ms = start_ms
        self._seqs = [0] * BEDS
        self._with_ecg = with_ecg
        noise = random.Random(1)
        self._blocks = [
            [n % 50 * 3 - 40 + noise.randrange(-3, 4) for n in range(250)]
            for _ in range(200)
        ]

    def second(self, number: int) -> list[Message]:
        """Return what 500 beds send in a second, 4.22 readings each."""
        now_ms = self._start_ms + number * 1_000
        found = []
        for bed in range(BEDS):
            found += self._of_bed(bed, number, now_ms)
        return found

    def _of_bed(self, bed: int, number: int, now_ms: int) -> Iterator[Message]:
        rate = 60.0 + (number + bed) % 40
        vitals = [("heart_rate", 0, rate), ("heart_rate", 500, rate + 1)]
        vitals.append(("respiratory_rate", 100, 12.0 + (number + bed) % 7))
        if not self._with_ecg:
            vitals.append(("respiratory_rate", 600, 13.0))
        if (number + bed) % 5 == 0:
            vitals.append(("oxygen_saturation", 200, 95.0 + number % 4))
        if (number + bed) % 120 == 0:
            vitals.append(("blood_glucose", 300, 100.0 + number % 9))
        for vital, offset_ms, value in vitals:
            yield self._message(bed, vital, now_ms + offset_ms, value)
        if self._with_ecg:
            lead = Lead(250.0, "mV", 0.005, self._blocks[(number * 7 + bed) % 200])
            yield self._message(bed, "ecg", now_ms, {"II": lead})

    def _message(
        self, bed: int, vital: str, at_ms: int, value: float | dict[str, float | Lead]
    ) -> Message:
        self._seqs[bed] += 1
        topic = f"monitorme/v1/ward-{bed // 20}/bed-{bed}/vital/{vital}"
        reading = Reading(
            f"bed-{bed}-monitor", "b1", self._seqs[bed], at_ms, value, "good"
        )
        return Message(topic, reading.to_json(), at_ms + 20)


def figure(name: str, path: str) -> int:
    """Return a figure of this process (Linux)."""
    for line in Path(path).read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def measure(folder: Path, minutes: float, *, with_ecg: bool) -> float:
    """Fill, measure, print; returns bytes on disk per reading."""
    run = PluginRun(Recorder, folder, config=RecorderConfig(port=0), now_ms=START_MS)
    hospital, seconds, made = Hospital(with_ecg=with_ecg), int(minutes * 60), 0
    for number in range(seconds - 20):
        run.now_ms = START_MS + number * 1_000
        batch = hospital.second(number)
        made += len(batch)
        run.plugin.handle(batch)
        run.plugin.tick(run.now_ms)
        # The broker in memory remembers everything; it is not what is measured.
        run.broker.published.clear()
        if number % 600 == 0:
            memory = figure("VmRSS", "/proc/self/status") / 1000
            print(f"  after {number // 60:2} min: {memory:4.0f} MB in use", flush=True)
    before, live = figure("write_bytes", "/proc/self/io"), 0
    for number in range(seconds - 20, seconds):
        run.now_ms = START_MS + number * 1_000
        batch = hospital.second(number)
        live += len(batch)
        for start in range(0, len(batch), LIVE_BATCH):
            run.plugin.handle(batch[start : start + LIVE_BATCH])
        run.plugin.tick(run.now_ms)
    written = (figure("write_bytes", "/proc/self/io") - before) / live
    memory = figure("VmRSS", "/proc/self/status") / 1000
    made += live
    run.stop()
    size = sum(path.stat().st_size for path in folder.glob("*.journal")) / made
    what = "with ECG" if with_ecg else "numbers alone"
    print(
        f"{what}: {made:,} readings stored, {written:,.0f} bytes written per reading"
        f" live, {size:,.0f} bytes of file, {memory:.0f} MB in use"
    )
    return size


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", choices=["numbers", "ecg"], action="append")
    wanted = parser.parse_args()
    parts = wanted.only or ["numbers", "ecg"]
    sizes = {}
    for part in parts:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
            minutes = wanted.minutes if part == "numbers" else wanted.minutes / 4
            sizes[part] = measure(Path(name), minutes, with_ecg=part == "ecg")
    numbers, ecg = sum(PER_DAY.values()) * BEDS, ECG_PER_DAY * BEDS
    per_s = {"numbers": numbers, "ecg": numbers + ecg}
    for part, size in sizes.items():
        print(f"a day of {BEDS} beds, {part}: {per_s[part] * size / 1e9:,.1f} GB")


if __name__ == "__main__":
    main()
