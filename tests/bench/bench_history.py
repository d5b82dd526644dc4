"""How long history takes to answer while a hospital's readings are written.

Run by `make bench`. The recorder takes 2,110 readings a second of 500 beds in batches of
20 ms on one thread, as its host hands them over; another process asks it over HTTP.
"""

import itertools
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitorme.contract.readings import Lead, Reading
from monitorme.contract.topics import BedId, VitalTopic
from monitorme.influxd import ORG, Influxd, find_influxd
from monitorme.messaging import Message
from monitorme.plugin import wall_clock_ms
from monitorme.process import keep_what_is_there
from monitorme.testing import PluginRun
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.hours import hour_of
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.plugin import Recorder

BEDS: Final = 500
WATCHED: Final = [f"bed-{number:02}" for number in range(1, 21)]
"""The beds of which the past is asked."""
PAST_BEDS: Final = 5
"""Those of which a whole day is there."""
PER_SECOND: Final = 2_110
DAY_MS: Final = 86_400_000
SAMPLES: Final = Lead(250.0, "mV", 0.005, [n % 50 for n in range(250)])
SHARES: Final = [("heart_rate", 47), ("respiratory_rate", 24), ("ecg", 24)]
"""Of a hundred readings; the rest are of oxygen saturation."""
QUESTIONS: Final = {
    "24 h of 2 Hz to 1,000 buckets": (
        "/v1/beds/ward-a/{bed}/history?vital=heart_rate&buckets=1000",
        200,
    ),
    "1 h of 2 Hz to 240 buckets": (
        "/v1/beds/ward-a/{bed}/history?vital=heart_rate&buckets=240&from_ms={hour_ago}",
        200,
    ),
    "24 h of 2 Hz, its gaps": ("/v1/beds/ward-a/{bed}/gaps?vital=heart_rate", 20),
    "latest of 20 beds": ("/v1/wards/ward-a/latest", 200),
    "since 10 s ago": ("/v1/beds/ward-a/{bed}/since?received_ms={lately}", 200),
    "a page of 5,000 readings": ("/v1/beds/ward-a/{bed}/history?vital=heart_rate", 20),
}


def day(beds: list[str], end_ms: int) -> Iterator[list[Message]]:
    """Return a day of 2 Hz, a minute at a time, as it came."""
    topics = {bed: str(VitalTopic(BedId("ward-a", bed), "heart_rate")) for bed in beds}
    for minute in range(24 * 60):
        begin_ms = end_ms - DAY_MS + minute * 60_000
        yield [
            Message(
                topics[bed],
                Reading(
                    f"{bed}-past",
                    "b0",
                    minute * 120 + n + 1,
                    begin_ms + n * 500,
                    60.0 + (n * 7 + minute) % 30,
                    "good",
                ).to_json(),
                begin_ms + n * 500 + 20,
            )
            for n in range(120)
            for bed in beds
        ]


def live() -> Iterator[Message]:
    """Return readings of 500 beds for ever, as they come off the wire."""
    vitals = [name for name, share in SHARES for _ in range(share)]
    vitals += ["oxygen_saturation"] * (100 - len(vitals))
    for number in itertools.count():
        bed, seq = number % BEDS + 1, number // BEDS + 1
        vital = vitals[(number * 37) % 100]
        value = {"II": SAMPLES} if vital == "ecg" else 60.0 + seq % 40
        device, now_ms = f"bed-{bed:02}-monitor", wall_clock_ms()
        topic = str(VitalTopic(BedId("ward-a", f"bed-{bed:02}"), vital))
        reading = Reading(device, "b1", seq, now_ms, value, "good")  # type: ignore[arg-type]  # a number or leads
        yield Message(topic, reading.to_json(), now_ms)


def write(run: PluginRun, until: threading.Event) -> None:
    """Hand batches over at the pace of a hospital, and tick once a second."""
    source, batch, begin_s = live(), PER_SECOND // 50, time.monotonic()
    for number in itertools.count():
        run.plugin.handle(list(itertools.islice(source, batch)))
        if number % 50 == 0:
            run.plugin.tick(wall_clock_ms())
        time.sleep(max(0.0, begin_s + number / 50 - time.monotonic()))
        if until.is_set():
            return


def ask(url: str) -> None:
    """Ask every question and print how long the answers took; in a process of its own."""
    import urllib3

    pool = urllib3.PoolManager(retries=False)
    for question, (path, count) in QUESTIONS.items():
        taken_ms = []
        for number in range(count):
            now_ms = wall_clock_ms()
            wanted = path.format(
                bed=WATCHED[number % PAST_BEDS],
                hour_ago=now_ms - 3_600_000,
                lately=now_ms - 10_000,
            )
            began_s = time.perf_counter()
            answer = pool.request("GET", url + wanted)
            taken_ms.append((time.perf_counter() - began_s) * 1000)
            assert answer.status == 200, answer.data
        taken_ms.sort()
        p50, p99 = taken_ms[count // 2], taken_ms[min(count - 1, count * 99 // 100)]
        print(f"{question:40}{p50:8.1f}{p99:8.1f}{taken_ms[-1]:8.1f}", flush=True)


def fill(run: PluginRun, end_ms: int) -> None:
    """Hand over a day, as it came."""
    begin_ms = end_ms - DAY_MS
    for minute, batch in enumerate(day(WATCHED[:PAST_BEDS], end_ms)):
        run.plugin.handle(batch)
        run.now_ms = begin_ms + (minute + 1) * 60_000
        run.plugin.tick(run.now_ms)
    run.now_ms = end_ms
    run.context.now_ms = wall_clock_ms


def ask_while_writing(run: PluginRun, store: str) -> None:
    """Ask from another process while a thread writes."""
    keep_what_is_there()
    until = threading.Event()
    writer = threading.Thread(target=write, args=(run, until))
    writer.start()
    title = f"{store}, while 2,110/s are written"
    print(f"{title:40}{'p50 ms':>8}{'p99':>8}{'worst':>8}", flush=True)
    url = run.context.endpoints["history"]
    subprocess.run([sys.executable, __file__, url], check=True)
    until.set()
    writer.join()


def journal(folder: Path) -> None:
    """Ask the journal."""
    end_ms = wall_clock_ms()
    config = RecorderConfig(port=0)
    run = PluginRun(Recorder, folder, config=config, now_ms=end_ms - DAY_MS)
    fill(run, end_ms)
    ask_while_writing(run, "journal")
    run.stop()


def influxdb(folder: Path) -> None:
    """Ask InfluxDB: the journal has dropped all but the hour that is written."""
    end_ms = wall_clock_ms()
    with Influxd(folder=folder / "influxd") as server:
        settings = InfluxSettings(url=server.url, org=ORG, token_file=server.token_file)
        config = RecorderConfig(port=0, influxdb=settings)
        begin_ms = end_ms - DAY_MS
        run = PluginRun(Recorder, folder / "recorder", config=config, now_ms=begin_ms)
        fill(run, end_ms)
        assert isinstance(run.plugin, Recorder)
        store, service = run.plugin._store, run.plugin._influx
        assert store is not None
        assert service is not None
        deadline_s = time.monotonic() + 120
        while service.unshipped_from_ms < hour_of(store.path):
            assert time.monotonic() < deadline_s, "InfluxDB takes too long"
            time.sleep(0.5)
            run.plugin.tick(wall_clock_ms())
        store.drop_older_than(wall_clock_ms())
        ask_while_writing(run, "InfluxDB")
        run.stop()


def main() -> None:
    """Ask one store after the other."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        journal(Path(name) / "journal")
        if find_influxd() is None:
            print("InfluxDB is left out: MONITORME_INFLUXD does not say where it is")
        else:
            influxdb(Path(name))


if __name__ == "__main__":
    ask(sys.argv[1]) if len(sys.argv) > 1 else main()
