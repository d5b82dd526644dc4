"""What InfluxDB costs the recorder, how fast a backlog is caught up, how fast it answers.

Run by `make bench`; skips where `influxd` is absent; `--answers` asks history alone. The
shipper runs in a process of its own, on a journal that was filled before.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from monitorme.contract.readings import Lead, Reading, ReadingValue, judge
from monitorme.contract.vitals import Catalogue
from monitorme.influxd import ORG, Influxd, find_influxd
from monitorme.plugin import wall_clock_ms
from monitorme_recorder.history_store import Period, Series, grid_of
from monitorme_recorder.influx.history import InfluxHistory
from monitorme_recorder.influx.lines import LineWriters
from monitorme_recorder.influx.server import InfluxServer, compress
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.influx.shipper import Shipper
from monitorme_recorder.records import LogRecord, Stream
from monitorme_recorder.store import Arrival, Store

CATALOGUE = Catalogue.load()
BEDS = 500
BACKLOG = 300_000
BATCH = 1_000
LIVE_PER_S = 2_110
SAMPLES = [n * 7919 % 401 - 200 for n in range(250)]
DAY_MS = 86_400_000
SHIP = "--ship"
BED = 3


def arrivals(count: int, *, every_ecg: int) -> list[Arrival]:
    """Return readings of 500 beds, every so many of which is a block of an ECG."""
    lead: ReadingValue = {"II": Lead(250.0, "mV", 0.005, SAMPLES)}
    begin_ms, found = wall_clock_ms() - 3_600_000, []
    streams = {
        (bed, vital): Stream("ward-a", f"bed-{bed}", vital, f"d-{bed}", "0198a1b2c3d4")
        for bed in range(BEDS)
        for vital in ("heart_rate", "ecg")
    }
    for number in range(count):
        bed, seq = number % BEDS, number // BEDS + 1
        vital = "ecg" if every_ecg and seq % every_ecg == 0 else "heart_rate"
        value = lead if vital == "ecg" else 60.0 + (seq * 7 + bed) % 40
        one = Reading(f"d-{bed}", "0198a1b2c3d4", seq, begin_ms + number, value, "good")
        received_ms = one.time_ms + 20
        judged = judge(one, CATALOGUE[vital], received_ms)
        stream = streams[bed, vital]
        found.append(Arrival(stream, one, judged, received_ms, one.to_json()))
    return found


def batches(found: list[Arrival]) -> Iterator[list[Arrival]]:
    """Return readings as they come in batches."""
    for start in range(0, len(found), BATCH):
        yield found[start : start + BATCH]


def settings_of(influxd: Influxd, name: str) -> InfluxSettings:
    """Return settings with buckets of their own."""
    return InfluxSettings(
        url=influxd.url,
        org=ORG,
        bucket=name,
        waveform_bucket=f"{name}-waves",
        curve_bucket=f"{name}-curves",
        token_file=influxd.token_file,
    )


def making_lines(every_ecg: int) -> tuple[float, float]:
    """Return us a reading for lines alone, and for compressing them."""
    records = [
        (one.stream, LogRecord(1, one.reading.seq, one.received_ms, one.payload))
        for one in arrivals(50_000, every_ecg=every_ecg)
    ]
    writers = LineWriters(CATALOGUE)
    began_s = time.process_time()
    texts = [writers.of(stream).write(record) for stream, record in records]
    made_s = time.process_time()
    for start in range(0, len(texts), 5_000):
        compress("\n".join(texts[start : start + 5_000]).encode())
    count = len(records) / 1e6
    return (made_s - began_s) / count, (time.process_time() - made_s) / count


def processor_s(pid: int) -> float:
    """Return the processor time of another process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def catching_up(folder: Path, influxd: Influxd, every_ecg: int) -> None:
    """Ship a backlog from a process of its own; print its cost, speed and memory."""
    store = Store(folder, CATALOGUE, wall_clock_ms())
    for batch in batches(arrivals(BACKLOG, every_ecg=every_ecg)):
        store.store(batch, [])
    store.close()
    assert influxd.pid is not None
    theirs_s = processor_s(influxd.pid)
    settings = settings_of(influxd, f"backlog-{every_ecg}").model_dump_json()
    command = [sys.executable, __file__, SHIP, str(folder), settings]
    found = json.loads(subprocess.check_output(command))
    theirs_s = processor_s(influxd.pid) - theirs_s
    what = f"every {every_ecg}th an ECG block" if every_ecg else "numbers alone"
    speed = BACKLOG / found["took_s"]
    print(
        f"backlog of {BACKLOG:,}, {what}: {speed:,.0f}/s "
        f"({speed / LIVE_PER_S:.0f} times live), "
        f"{found['ours_s'] / BACKLOG * 1e6:.1f} us ours, "
        f"{theirs_s / BACKLOG * 1e6:.1f} us InfluxDB's a reading; "
        f"at most {found['most_mib']:.0f} MiB, {found['begun_mib']:.0f} of them imports"
    )


def ship(folder: Path, settings: InfluxSettings) -> dict[str, float]:
    """Ship a journal to its end; returns what that took."""
    with InfluxServer(settings) as server:
        server.make_buckets()
    shipper = Shipper(folder, settings, CATALOGUE, wall_clock_ms)
    begun_mib = peak_mib()
    began_s, ours_s = time.monotonic(), time.process_time()
    shipper.start()
    wait_until(lambda: shipper.progress.lines >= BACKLOG)
    took_s, ours_s = time.monotonic() - began_s, time.process_time() - ours_s
    shipper.stop()
    return {
        "took_s": took_s,
        "ours_s": ours_s,
        "begun_mib": begun_mib,
        "most_mib": peak_mib(),
    }


def peak_mib() -> float:
    """Return the most memory that this process has had (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def wait_until(holds: Callable[[], bool], timeout_s: float = 120.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def write_a_day(server: InfluxServer, bucket: str, end_ms: int) -> None:
    """Write heart rates at 2 Hz of 20 beds: of one 24 h, of the others the last hour."""
    writers = LineWriters(CATALOGUE)
    for bed in range(20):
        stream = Stream("ward-a", f"bed-{bed}", "heart_rate", f"d-{bed}", "b1")
        lines: list[str] = []
        write = writers.of(stream).write
        for seq in range(1 if bed == BED else 172_801 - 7_200, 172_801):
            at_ms = end_ms - DAY_MS + (seq - 1) * 500
            payload = Reading(
                stream.device, "b1", seq, at_ms, 60.0 + seq * 7 % 40, "good"
            ).to_json()
            lines.append(write(LogRecord(1, seq, at_ms + 9, payload)))
            if len(lines) == 20_000:
                server.write(bucket, lines)
                lines.clear()
        server.write(bucket, lines)


def answering(influxd: Influxd) -> None:
    """Print how long history takes while a hospital's load is written."""
    settings = settings_of(influxd, "day")
    end_ms = wall_clock_ms()
    with InfluxServer(settings) as server:
        server.make_buckets()
        write_a_day(server, settings.bucket, end_ms)
    ending = threading.Event()
    writer = threading.Thread(target=write_live, args=(settings, ending))
    writer.start()
    history = InfluxHistory(settings, CATALOGUE)
    series = Series("ward-a", f"bed-{BED}", "heart_rate")
    period = Period(end_ms - DAY_MS, end_ms)
    grid = grid_of(period, 1_000)

    def day() -> None:
        found = history.buckets(series, period, grid, None)
        assert sum(bucket.numbers for bucket in found) == 172_800

    beds = tuple(f"bed-{bed}" for bed in range(20))

    def newest() -> None:
        found = history.latest("ward-a", beds, end_ms - DAY_MS)
        assert all(found.values())

    for what, ask in (
        ("24 h at 2 Hz to 1,000 buckets", day),
        ("latest of 20 beds", newest),
    ):
        taken = sorted(measured_ms(ask) for _ in range(50))
        print(f"{what}: p50 {taken[25]:.0f} ms, worst {taken[-1]:.0f} ms")
    ending.set()
    writer.join()
    history.close()


def measured_ms(work: Callable[[], None]) -> float:
    """Return how long something takes."""
    began_s = time.perf_counter()
    work()
    return (time.perf_counter() - began_s) * 1000


def write_live(settings: InfluxSettings, ending: threading.Event) -> None:
    """Write 2,110 readings a second until told to end."""
    with InfluxServer(settings) as server:
        for second in itertools.count():
            if ending.wait(1.0):
                return
            at_ns = wall_clock_ms() * 1_000_000
            lines = [
                f"oxygen_saturation,bed=bed-{n % BEDS},device=d-{n % BEDS},ward=ward-a "
                f'value=97.0,seq={second * LIVE_PER_S + n},delay_ms=9.0,boot="b1" '
                f"{at_ns + n}"
                for n in range(LIVE_PER_S)
            ]
            server.write(settings.bucket, lines)


def artifacts() -> Path:
    """Return a folder on a real disk that is never committed."""
    folder = Path.cwd() / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


def main() -> None:
    """Print the figures."""
    if find_influxd() is None:
        print("skipped: influxd is not installed; set MONITORME_INFLUXD")
        return
    for every_ecg in () if "--answers" in sys.argv else (0, 4):
        made_us, compressed_us = making_lines(every_ecg)
        what = f"every {every_ecg}th an ECG block" if every_ecg else "numbers alone"
        print(f"lines, {what}: {made_us:.1f} us, compressed {compressed_us:.1f} us")
    with (
        tempfile.TemporaryDirectory(dir=artifacts()) as name,
        Influxd(folder=Path(name) / "influxd") as influxd,
    ):
        if "--answers" not in sys.argv:
            catching_up(Path(name) / "numbers", influxd, 0)
            catching_up(Path(name) / "mixed", influxd, 4)
        answering(influxd)


if __name__ == "__main__":
    if SHIP in sys.argv:
        folder, settings = Path(sys.argv[2]), sys.argv[3]
        print(json.dumps(ship(folder, InfluxSettings.model_validate_json(settings))))
    else:
        main()
