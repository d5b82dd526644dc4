"""The recorder's own cost: from payloads to a committed batch, and back to a curve.

Run by `make bench`. No broker is in it: what the plugin does with a batch, on a real disk.
"""

import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from monitorme.contract.readings import Lead, Reading
from monitorme.contract.topics import BedId, VitalTopic
from monitorme.messaging import Message
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.history.past import Past
from monitorme_recorder.history_store import Period, Series, grid_of
from monitorme_recorder.plugin import Recorder

BEDS = 500
READINGS = 40_000


def messages(with_waves: bool) -> Iterator[Message]:
    """Return readings of 500 beds for ever, as they come off the wire."""
    samples = Lead(250.0, "mV", 0.005, [n % 50 for n in range(250)])
    start_ms = wall_clock_ms() - 60_000
    for number in itertools.count():
        bed, seq = number % BEDS, number // BEDS + 1
        is_wave = with_waves and seq % 4 == 0
        vital = "ecg" if is_wave else "heart_rate"
        reading = Reading(
            f"bed-{bed}-monitor",
            "0198a1b2c3d4",
            seq,
            start_ms + number,
            {"II": samples} if is_wave else 60.0 + seq % 40,
            "good",
        )
        topic = str(VitalTopic(BedId("ward-a", f"bed-{bed}"), vital))
        yield Message(topic, reading.to_json(), wall_clock_ms())


def written_bytes() -> int:
    """Return what this process has had written to the disk (Linux)."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    return 0


def cost(
    folder: Path, batch_size: int, *, with_waves: bool
) -> tuple[float, float, float]:
    """Return processor us and bytes on disk per reading, and readings a second."""
    run = PluginRun(
        Recorder, folder, config=RecorderConfig(port=0), now_ms=wall_clock_ms()
    )
    source = messages(with_waves)
    count = min(READINGS, batch_size * 400)
    batches = [
        list(itertools.islice(source, batch_size)) for _ in range(count // batch_size)
    ]
    bytes_before = written_bytes()
    wall_s, processor_s = time.monotonic(), time.process_time()
    for batch in batches:
        run.plugin.handle(batch)
    processor_s = time.process_time() - processor_s
    wall_s = time.monotonic() - wall_s
    run.stop()
    on_disk = written_bytes() - bytes_before
    return processor_s / count * 1e6, on_disk / count, count / wall_s


def day_of_heart_rate(folder: Path) -> list[float]:
    """Return how many ms each of 50 reads of a day at 2 Hz to 1,000 buckets took."""
    now_ms = wall_clock_ms()
    run = PluginRun(Recorder, folder, config=RecorderConfig(port=0), now_ms=now_ms)
    plugin, topic = run.plugin, str(VitalTopic(BedId("ward-a", "bed-1"), "heart_rate"))
    assert isinstance(plugin, Recorder)
    assert plugin._store is not None
    for minute in range(24 * 60):
        at_ms = now_ms - 86_400_000 + minute * 60_000
        batch = [
            Message(
                topic,
                Reading(
                    "d-1",
                    "b1",
                    minute * 120 + n + 1,
                    at_ms + n * 500,
                    70.0 + n % 9,
                    "good",
                ).to_json(),
                now_ms,
            )
            for n in range(120)
        ]
        plugin.handle(batch)
        plugin._store.fold()
    past, taken = Past(plugin._store, wall_clock_ms), []
    period = Period(now_ms - 86_400_000, now_ms)
    series = Series("ward-a", "bed-1", "heart_rate")
    for _ in range(50):
        began_s = time.perf_counter()
        grid = grid_of(period, 1_000)
        found = past.readings.buckets(series, period, grid, None)
        taken.append((time.perf_counter() - began_s) * 1000)
        assert sum(bucket.numbers for bucket in found) == 172_800
    past.close()
    run.stop()
    return sorted(taken)


def main() -> None:
    """Print the tables."""
    print(f"{'a reading costs the recorder':36}{'us':>7}{'bytes':>8}{'readings/s':>12}")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        for size in (10, 100, 1_000):
            for waves in (False, True):
                folder = Path(name) / f"{size}-{waves}"
                us, size_on_disk, speed = cost(folder, size, with_waves=waves)
                what = f"batches of {size}{', every 4th ECG' if waves else ''}"
                print(f"{what:36}{us:7.1f}{size_on_disk:8.0f}{speed:12,.0f}")
        taken = day_of_heart_rate(Path(name) / "day")
        p50, p99 = taken[len(taken) // 2], taken[-1]
        print(
            f"24 h at 2 Hz to 1,000 buckets: p50 {p50:.0f} ms, worst of 50 {p99:.0f} ms"
        )


if __name__ == "__main__":
    main()
