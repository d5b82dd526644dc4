"""An InfluxDB that was away for two hours: how it is caught up, and what that costs.

Run by `make bench` with five minutes; `--minutes 120` is the whole outage. What came
meanwhile, 2,110 readings a second of 500 beds, is put into the journal beforehand by a
recorder with a simulated clock, faster than it came. Then a recorder runs as it always
does, with a real broker and live readings: first without InfluxDB, then with it.

`--folder` keeps everything between runs: `--fill` fills the journal and ends, and a run
that `--for-s` has cut short is gone on with by the next.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_full_hour import Hospital, figure
from outage_watch import Watch
from publishing import __file__ as PUBLISHING
from rivals import Recording

from monitorme.broker.mosquitto import Mosquitto
from monitorme.broker.process import find_mosquitto
from monitorme.influxd import ORG, Influxd, find_influxd
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.plugin import Recorder

LIVE_PER_S = 2_110
AWAY_S = 20
AFTER_S = 20
NOBODY = "http://127.0.0.1:9"
"""Where no InfluxDB answers."""


class Away(Recording):
    """A recorder whose InfluxDB need not be there when it starts."""

    def __init__(self, folder: Path, port: int, influxdb: Influxd) -> None:
        self._away = influxdb
        super().__init__(folder, port, None)

    def environment(self) -> dict[str, str]:
        """Return its environment: where InfluxDB will be."""
        return {**os.environ, **self._away.environment}


def journal_in(folder: Path) -> Path:
    """Return where the recorder has its journal."""
    return folder / "recorder" / "data" / "recorder"


def fill(folder: Path, minutes: int) -> None:
    """Take what a hospital sends while no InfluxDB answers, as fast as it goes."""
    token = folder / "no-token"
    folder.mkdir(parents=True, exist_ok=True)
    token.touch(mode=0o600)
    token.write_text("none", encoding="ascii")
    begin_ms = (wall_clock_ms() // 1_000 - minutes * 60) * 1_000
    nobody = InfluxSettings(url=NOBODY, org=ORG, token_file=token)
    run = PluginRun(
        Recorder,
        journal_in(folder),
        config=RecorderConfig(port=0, influxdb=nobody),
        now_ms=begin_ms,
    )
    hospital = Hospital(with_ecg=False, start_ms=begin_ms)
    made, began_s = 0, time.monotonic()
    for second in range(minutes * 60):
        run.now_ms = begin_ms + (second + 1) * 1_000
        batch = hospital.second(second)
        made += len(batch)
        run.plugin.handle(batch)
        run.plugin.tick(run.now_ms)
        # The broker in memory remembers everything; it is not what is measured.
        run.broker.published.clear()
        if second % 900 == 899:
            memory = figure("VmRSS", "/proc/self/status") / 1000
            print(
                f"  {(second + 1) // 60:3} min away: {memory:4.0f} MB in use",
                flush=True,
            )
    took_s = time.monotonic() - began_s
    run.stop()
    print(
        f"{minutes} min without InfluxDB: {made:,} readings into the journal"
        f" in {took_s:.0f} s, {minutes * 60 / took_s:.0f} times as fast as they come",
        flush=True,
    )


def measure(folder: Path, for_s: float) -> None:
    """Bring InfluxDB back while live readings come, and print what that is like."""
    influxdb = Influxd(folder=folder / "influxdb")
    broker = Mosquitto(
        host="127.0.0.1",
        port=0,
        folder=folder / "broker",
        secret_file=folder / "secret",
    )
    is_first = not influxdb.token_file.exists()
    influxdb.start()
    if is_first:
        influxdb.stop()
    with broker:
        recorder = Away(folder / "recorder", broker.port, influxdb)
        boot = f"b-live-{time.time_ns() // 1_000_000}"
        count = str(int(LIVE_PER_S * (for_s + AWAY_S + AFTER_S + 60)))
        command = [sys.executable, PUBLISHING, str(broker.port), count, boot]
        live = subprocess.Popen(
            [*command, "--rate", str(LIVE_PER_S)], stdin=subprocess.PIPE, text=True
        )
        try:
            with Watch(folder, broker.port) as watch:
                # A device's first reading is not to come before there is a session.
                watch.wait_for_recorder()
                assert live.stdin is not None
                live.stdin.write("\n")
                live.stdin.flush()
                phases(recorder, watch, influxdb, for_s, is_first=is_first)
        finally:
            live.kill()
            live.wait()
            recorder.stop()
            influxdb.stop()


def phases(
    recorder: Away, watch: Watch, influxdb: Influxd, for_s: float, *, is_first: bool
) -> None:
    """Go through the phases, and print each."""
    print(f"{'':26}{'bus p50':>9}{'p99':>6}{'told p50':>10}{'p99 ms':>8}", flush=True)

    def phase(title: str, is_over: Callable[[], bool], most_s: float) -> bool:
        watch.begin()
        deadline_s = time.monotonic() + most_s
        while not is_over() and time.monotonic() < deadline_s:
            time.sleep(0.2)
        is_done, memory = is_over(), recorder.memory_mb()
        print(f"{title:26}{watch.row()} {memory:6.0f} MB in use", flush=True)
        return is_done

    def never() -> bool:
        return False

    time.sleep(3.0)
    if is_first:
        phase("InfluxDB away", never, AWAY_S)
        influxdb.start()
    before = watch.shipped()
    processor_s, began_s = recorder.processor_s(), time.monotonic()
    is_done = phase("catching up", watch.is_caught_up, for_s)
    took_s, used_s = time.monotonic() - began_s, recorder.processor_s() - processor_s
    lines = watch.shipped() - before
    print(
        f"{lines:,} readings shipped in {took_s:.0f} s: {lines / took_s:,.0f}/s,"
        f" {lines / took_s / LIVE_PER_S:.1f} times live,"
        f" {used_s / took_s:.0%} of a core; {'caught up' if is_done else 'not done yet'}"
    )
    if is_done:
        phase("after it", never, AFTER_S)
    figures = watch.figures()
    print(
        f"99 of 100 batches were on disk {figures['commit_p99_ms']:.0f} ms after receipt,"
        f" {figures['confirm_p99_ms']:.0f} ms after the device's time"
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--fill", action="store_true", help="fill the journal, and end")
    parser.add_argument("--for-s", type=float, default=900.0)
    wanted = parser.parse_args()
    if find_influxd() is None or find_mosquitto() is None:
        print("skipped: influxd or Mosquitto is not installed")
        return
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = wanted.folder or Path(name)
        if wanted.fill:
            fill(folder, wanted.minutes)
            return
        if not journal_in(folder).exists():
            # In a process of its own, whose memory is then a recorder's.
            command = [sys.executable, __file__, "--fill", "--folder", str(folder)]
            subprocess.run([*command, "--minutes", str(wanted.minutes)], check=True)
        measure(folder, wanted.for_s)


if __name__ == "__main__":
    main()
