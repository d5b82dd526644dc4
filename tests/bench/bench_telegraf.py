"""The recorder against Telegraf: same broker, publisher and InfluxDB, one after the other.

Run by `make bench`, or alone: `python tests/bench/bench_telegraf.py --only spread`. Needs
Mosquitto, `influxd` (MONITORME_INFLUXD) and Telegraf, built for the purpose:
`go install -tags custom,inputs.mqtt_consumer,outputs.influxdb_v2,parsers.json_v2
github.com/influxdata/telegraf/cmd/telegraf@v1.37.2`.

Both read single numbers of 500 beds with QoS 1 in a persistent session and write value,
seq and boot with gzip. The recorder also commits with fsync, refuses repeats, keeps chunks
and curves for history, and tells devices what is on disk. Processor time is the consumer's
own, until InfluxDB has everything.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from publishing import __file__ as PUBLISHING
from rivals import Recording, Rival, Telegraf, find_telegraf

from monitorme.broker.mosquitto import Mosquitto
from monitorme.broker.process import find_mosquitto
from monitorme.influxd import Influxd, find_influxd

BEDS = 500
FLAT = 300_000
RATE = 2_110
SPREAD_S = 20
PATIENCE_S = 120
SETTLED_S = 5.0
"""What has not come so long after the last that did does not come: Telegraf gives two
readings of a bed in one millisecond one timestamp, so that one replaces the other."""


class Figures(NamedTuple):
    """What a part cost one of the two."""

    us: float
    per_s: float
    memory_mb: float

    def __str__(self) -> str:
        return f"{self.us:6.1f} us {self.per_s:9,.0f}/s {self.memory_mb:5.0f} MB"


class Publishing:
    """The publisher, its packets made, waiting for the word."""

    def __init__(self, port: int, count: int, boot: str, rate: float | None) -> None:
        command = [sys.executable, PUBLISHING, str(port), str(count), boot]
        command += ["--rate", str(rate)] if rate else []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def go(self) -> None:
        """Begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> float:
        """Wait for the end; returns how long it took."""
        answer, _ = self._process.communicate()
        return float(json.loads(answer)["seconds"])


def _settled(count: Callable[[], int]) -> int:
    """Return a count once it has said the same three times."""
    said = [count()]
    while said[-3:] != [said[-1]] * 3:
        time.sleep(0.5)
        said.append(count())
    return said[-1]


class Stored:
    """Whether what is about to be published has come to InfluxDB.

    To count a hospital's readings costs InfluxDB as much as to take some in. So the bed
    whose reading comes last is asked for first, and all only when that has its own.
    """

    def __init__(self, rival: Rival, expected: int) -> None:
        self.rival, self.expected = rival, expected
        self._bed = f"bed-{(expected - 1) % BEDS}"
        self.of_bed = -(-expected // BEDS)
        self._before = _settled(rival.stored)
        self._before_of_bed = rival.stored(self._bed)

    def came(self) -> int:
        """Return how many have come.

        That may be too many: while InfluxDB moves what it has from memory to disk, it may
        count it in both.
        """
        return self.rival.stored() - self._before

    def came_of_bed(self) -> int:
        """Return how many have come of the bed whose reading comes last."""
        return self.rival.stored(self._bed) - self._before_of_bed


def flat(rival: Rival) -> Figures:
    """Publish as fast as the broker takes it."""
    return _measured(rival, FLAT, "b-flat", None)


def spread(rival: Rival) -> Figures:
    """Publish what 500 beds send, each message by itself."""
    return _measured(rival, RATE * SPREAD_S, "b-spread", RATE)


def drain(rival: Rival) -> Figures:
    """Let the broker hold a backlog, then let it be taken."""
    stored = Stored(rival, FLAT)
    publishing = Publishing(rival.port, FLAT, "b-drain", None)
    rival.pause()
    try:
        publishing.go()
        publishing.end()
    finally:
        rival.go_on()
    began_s, processor_s = time.monotonic(), rival.processor_s()
    return _until_stored(stored, began_s, processor_s)


PARTS = {"flat": flat, "spread": spread, "drain": drain}
TITLES = {
    "flat": "flat out",
    "spread": f"at {RATE:,}/s, each by itself",
    "drain": f"draining {FLAT:,}",
}


def _measured(rival: Rival, count: int, boot: str, rate: float | None) -> Figures:
    stored = Stored(rival, count)
    publishing = Publishing(rival.port, count, boot, rate)
    began_s, processor_s = time.monotonic(), rival.processor_s()
    publishing.go()
    publishing.end()
    return _until_stored(stored, began_s, processor_s)


def _until_stored(stored: Stored, began_s: float, processor_s: float) -> Figures:
    """Wait until all have come, or no more do: then the last to come counts."""
    rival, count = stored.rival, stored.expected
    came = of_bed = 0
    since = (began_s, processor_s)
    is_settled = False
    while came != count and not is_settled:
        time.sleep(0.1)
        newly_of_bed = stored.came_of_bed()
        now = (time.monotonic(), rival.processor_s())
        is_settled = now[0] - since[0] > (SETTLED_S if of_bed else PATIENCE_S)
        if newly_of_bed == stored.of_bed or is_settled:
            newly = stored.came()
            if newly != came and not is_settled:
                since = now
            came = newly
        if newly_of_bed != of_bed:
            of_bed, since = newly_of_bed, now
    if not came:
        raise SystemExit(f"{rival.name} stores nothing")
    if came != count:
        print(f"{rival.name}: {came:,} of {count:,} came", file=sys.stderr)
    wall_s, used_s = since[0] - began_s, since[1] - processor_s
    return Figures(used_s / count * 1e6, count / wall_s, rival.memory_mb())


@contextmanager
def running(folder: Path) -> Iterator[tuple[int, Influxd]]:
    """Run a broker and an InfluxDB."""
    with (
        Mosquitto(
            host="127.0.0.1",
            port=0,
            folder=folder / "broker",
            secret_file=folder / "secret",
        ) as broker,
        Influxd(folder=folder / "influxdb") as influxdb,
    ):
        yield broker.port, influxdb


def await_ready(rival: Rival) -> None:
    """Publish single readings until one comes through: then it has subscribed."""
    for number in range(PATIENCE_S):
        publishing = Publishing(rival.port, 1, f"b-probe-{number}", None)
        publishing.go()
        publishing.end()
        time.sleep(1.0)
        if rival.stored():
            # What came of it in starting is not to count.
            time.sleep(5.0)
            return
    raise SystemExit(f"{rival.name} stores nothing")


def measure(parts: list[str]) -> None:
    """Print the table."""
    figures: dict[str, float] = {}
    found: dict[str, list[Figures]] = {part: [] for part in parts}
    for kind in (Telegraf, Recording):
        with (
            tempfile.TemporaryDirectory(dir=Path.cwd()) as name,
            running(Path(name)) as (port, influxdb),
        ):
            rival = kind(Path(name) / kind.name, port, influxdb)
            try:
                await_ready(rival)
                for part in parts:
                    found[part].append(PARTS[part](rival))
                if isinstance(rival, Recording):
                    # Said every five seconds.
                    time.sleep(6.0)
                    figures = rival.figures()
            finally:
                rival.stop()
    print(f"{'':28}{'Telegraf':>30}{'recorder':>30}{'processor':>11}{'speed':>7}")
    for part, (theirs, ours) in found.items():
        ratio, faster = ours.us / theirs.us, ours.per_s / theirs.per_s
        print(f"{TITLES[part]:28}{theirs!s:>30}{ours!s:>30}{ratio:11.2f}{faster:7.2f}")
    print(
        f"99 of 100 batches were on disk {figures.get('commit_p99_ms', 0):.0f} ms after"
        f" receipt, {figures.get('confirm_p99_ms', 0):.0f} ms after the device's time"
    )


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=PARTS, action="append")
    parts = parser.parse_args().only or list(PARTS)
    needed = {
        "Mosquitto": find_mosquitto(),
        "influxd": find_influxd(),
        "Telegraf": find_telegraf(),
    }
    missing = [name for name, path in needed.items() if path is None]
    if missing:
        print(f"skipped: not installed: {', '.join(missing)}")
        return
    measure(parts)


if __name__ == "__main__":
    main()
