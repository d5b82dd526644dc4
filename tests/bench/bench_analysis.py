"""What if, and what the rules cost: a day of one bed, from a file, from memory and live.

Run by `make bench`. A day without ECG is some 278,000 readings; the live service judges
the same ones in a day.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.bed_state import BedState, Known
from monitorme_analysis.limits import default_limits
from monitorme_analysis.replay.rows import Row, read_csv
from monitorme_analysis.replay.run import Recording, Setting, replay
from monitorme_analysis.trends.slope import fit

DAY_S = 86_400
BED = "ward-a/bed-01"
BUDGET_S = 2.0


def day() -> Iterator[Row]:
    """Yield a day of one bed as its devices send it, with troubles now and then."""
    for half in range(2 * DAY_S):
        at_ms, at_s = half * 500, half / 2
        yield _row(at_ms, "heart_rate", 75 + 12 * math.sin(at_s / 900) + half % 5)
        if half % 2:
            continue
        second = half // 2
        yield _row(at_ms, "respiratory_rate", 16 + 4 * math.sin(at_s / 700))
        if second % 5 == 0:
            low = second % 7_200 < 60
            yield _row(at_ms, "oxygen_saturation", 84.0 if low else 96.0 + second % 3)
        if second % 120 == 0:
            yield _row(at_ms, "blood_glucose", 110 + 40 * math.sin(at_s / 5_000))
            asleep = second > DAY_S * 2 / 3
            yield Row(
                *(at_ms, BED, "sleep_state", ""),
                *("asleep" if asleep else "awake", "good", None),
            )
        if second % 300 == 0:
            yield _row(at_ms, "body_temperature", 37 + math.sin(at_s / 10_000))
        if second % 3_600 == 0:
            for part, value in (("systolic", 122.0), ("diastolic", 78.0)):
                yield Row(at_ms, BED, "blood_pressure", part, value, "good", None)


def _row(at_ms: int, vital: str, value: float) -> Row:
    return Row(at_ms, BED, vital, "", float(round(value, 1)), "good", None)


def processor_s(action: Callable[[], object]) -> float:
    """Return the processor time of one run."""
    begun = time.process_time()
    action()
    return time.process_time() - begun


def best_of(times: int, action: Callable[[], object]) -> float:
    """Return the least processor time of some runs: the least disturbed one."""
    return min(processor_s(action) for _ in range(times))


def least_s(times: int, folder: Path, *arguments: str) -> tuple[float, float]:
    """Return the least seconds of a command by the clock, and of processor, start and all.

    Its modules are compiled in a first run, as they are where MonitorMe is installed.
    """
    without = {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    env = {name: value for name, value in os.environ.items() if name not in without}
    env["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    command = [sys.executable, "-m", "monitorme", *arguments]
    spent_s = []
    for _ in range(1 + times):
        before, begun_s = os.times(), time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=env)
        lasted_s, after = time.perf_counter() - begun_s, os.times()
        spent_s.append((lasted_s, sum(after[2:4]) - sum(before[2:4])))
    return min(spent_s[1:])


def live(catalogue: Catalogue, rows: list[Row]) -> Callable[[], object]:
    """Return what judges readings as the live service does: one by one, as they come."""
    readings = [
        (row.vital, Reading("d-1", "b-1", seq, row.at_ms, row.value, "good"))
        for seq, row in enumerate(rows, start=1)
        if not row.component
    ]

    def judge_all() -> None:
        bed = BedAnalysis(
            catalogue, default_limits(), BedState(Known(admission="bench"))
        )
        for vital, reading in readings:
            now_ms = reading.time_ms
            bed.take(vital, reading, judge(reading, catalogue[vital], now_ms), now_ms)

    return judge_all


def main() -> None:
    """Print what a day costs."""
    catalogue = Catalogue.load()
    rows = list(day())
    setting = Setting("default limits", default_limits())
    recording = Recording.of(catalogue, rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("time_ms,bed,vital,value,quality\n")
            for row in rows:
                vital = f"{row.vital}.{row.component}" if row.component else row.vital
                file.write(f"{row.at_ms},{row.bed},{vital},{row.value},good\n")
        read_s = best_of(
            3, lambda: Recording.of(catalogue, read_csv(path, catalogue, print))
        )
        here = Path(folder)
        start_s, _ = least_s(5, here, "analysis", "replay", "--help")
        whole_s, processor = least_s(5, here, "analysis", "replay", str(path))
    judge_s = best_of(3, lambda: replay(recording, setting))
    (stay,) = replay(recording, setting)
    total_s = read_s + judge_s
    print(
        f"a day of one bed without ECG: {stay.readings:,} readings, "
        f"{len(stay.episodes)} conditions"
    )
    print(
        f"  read from a CSV file  {read_s:6.2f} s  {read_s / len(rows) * 1e6:5.2f} us"
    )
    print(
        f"  judged by all rules   {judge_s:6.2f} s  {judge_s / len(rows) * 1e6:5.2f} us"
    )
    print(
        f"  together {total_s:.2f} s, {BUDGET_S / total_s:.1f} times within {BUDGET_S} s; "
        f"{DAY_S / total_s:,.0f} times real time"
    )
    print(
        f"`monitorme analysis replay day.csv`: {whole_s:.2f} s for the whole command "
        f"({processor:.2f} s of processor), {BUDGET_S / whole_s:.1f} times within "
        f"{BUDGET_S} s; its start (`--help`) {start_s:.2f} s"
    )
    hours = rows[: len(rows) // 8]
    live_s = best_of(3, live(catalogue, hours)) / len(hours)
    print(
        f"live, a reading by all rules, those of waveforms too: {live_s * 1e6:.2f} us"
    )
    points = [(n * 30_000, 95 + math.sin(n)) for n in range(20)]
    line_s = best_of(5, lambda: [fit(points) for _ in range(200)]) / 200
    print(f"a robust line through 20 points: {line_s * 1e6:.0f} us")


if __name__ == "__main__":
    main()
