"""Ventricular tachycardia with nothing before it to compare with: what is told, and why."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from statistics import quantiles
from typing import Final

import numpy as np

from monitorme_analysis.ecg.beat import Beat
from monitorme_analysis.ecg.detector import BeatDetector
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.recording.wfdb_record import read_record
from monitorme_analysis.validation.annotations import (
    NORMAL,
    VENTRICULAR,
    read_annotations,
)
from monitorme_analysis.validation.irregular import told_s
from monitorme_analysis.validation.made import made_ecg
from monitorme_analysis.validation.markdown import paragraph, table

CODE: Final = "ecg_ventricular_tachycardia"
FAST: Final = "ecg_extreme_tachycardia"
RATES: Final = (100, 110, 120, 130, 140, 150, 160, 180, 200, 220, 240)
SECONDS: Final = 60
_USUAL_BEATS: Final = 40
_USUAL_S: Final = 0.8
_RATE_HZ: Final = 250
_NEAR_S: Final = 0.15
_FEWEST: Final = 20


def report(data: Path) -> Iterator[str]:
    """Yield what is said of ventricular tachycardia that was there from the start."""
    headers = sorted((data / "mitdb").glob("*.hea"))
    yield paragraph(
        f"""Ventricular tachycardia of {SECONDS} s in hearts made for it: after how many
        seconds `{CODE}` is told first, and in how many seconds of it. Where usual beats
        came before, wide ones are told by being wider; where the ECG begins within the
        tachycardia, only where beats are so fast and broad that the line comes to rest
        for less than half of each: so they last 120 ms or longer. Above 200 a minute
        narrow beats do the same, and `{FAST}` is told of both. The last column is of
        narrow beats, of which it must not be told."""
    )
    yield table(
        [
            "a minute",
            "after usual beats: first",
            "seconds",
            "from the start: first",
            "seconds",
            f"`{FAST}`: first",
            "narrow: seconds",
        ],
        [_row(rate) for rate in RATES],
    )
    yield paragraph(
        f"""What it could not get right: one that is there from the start and slower than
        150 a minute is told by its rate alone (limits of the heart rate, extreme
        tachycardia above 140). The width of beats by itself does not tell it: here are
        the quartiles of what the detector takes for their width, in ms, of beats marked
        as normal and as ventricular. A measure of the QRS complex from its onset to its
        end was tried, and took T waves and noise of normal beats for width. The longest
        run of ventricular beats in these recordings has {_longest_run(headers)}, and none
        has a bundle branch block that is fast, which looks the same: nothing would say
        how often it rang for that."""
    )
    rows = [_widths(path) for path in headers]
    yield table(["record", "normal", "ventricular"], [row for row in rows if row])


def made_tachycardia(rate: float, *, usual: int = 0, is_broad: bool = True) -> Samples:
    """Return one lead of a tachycardia, after so many usual beats."""
    times = [0.5 + place * _USUAL_S for place in range(usual)]
    begin_s = times[-1] + 60 / rate if times else 0.5
    times += [begin_s + place * 60 / rate for place in range(int(rate * SECONDS / 60))]
    ventricular = range(usual, len(times)) if is_broad else ()
    return made_ecg(
        times, times[-1] + 0.1, _RATE_HZ, ventricular=ventricular, noise_mv=0.02
    )


def _row(rate: float) -> list[object]:
    begin_s = _USUAL_BEATS * _USUAL_S
    after = _told(made_tachycardia(rate, usual=_USUAL_BEATS), CODE, begin_s)
    start = made_tachycardia(rate)
    narrow = made_tachycardia(rate, is_broad=False)
    return [
        rate,
        *after,
        *_told(start, CODE),
        _told(start, FAST)[0],
        _told(narrow, CODE)[1],
    ]


def _told(lead: Samples, code: str, begin_s: float = 0.0) -> tuple[object, int]:
    seconds = told_s(lead[None], _RATE_HZ, code)
    return round(seconds[0] - begin_s) if seconds else "-", len(seconds)


def _longest_run(headers: Sequence[Path]) -> int:
    """Return how many ventricular beats follow each other at most."""
    codes = (read_annotations(one.with_suffix(".atr")).codes for one in headers)
    runs = (
        len(list(run))
        for of_record in codes
        for is_ventricular, run in groupby(of_record, VENTRICULAR.__contains__)
        if is_ventricular
    )
    return max(runs, default=0)


def _widths(header: Path) -> list[object] | None:
    record = read_record(header.with_suffix(""))
    marked = read_annotations(header.with_suffix(".atr"))
    leads = np.stack([one.samples for one in record.signals])
    detector = BeatDetector(record.rate_hz, tuple(one.name for one in record.signals))
    found = detector.feed(leads) + detector.finish()
    at = np.array([beat.sample for beat in found])
    by_kind: dict[str, list[float]] = {"normal": [], "ventricular": []}
    for sample, code in zip(marked.beats, marked.codes, strict=True):
        kind = {NORMAL: "normal", **dict.fromkeys(VENTRICULAR, "ventricular")}.get(code)
        near: Beat = found[int(np.abs(at - sample).argmin())]
        if kind and abs(near.sample - sample) <= _NEAR_S * record.rate_hz:
            by_kind[kind].append(near.width_ms)
    if min(map(len, by_kind.values())) < _FEWEST:
        return None
    return [record.name, *(_quartiles(one) for one in by_kind.values())]


def _quartiles(widths: list[float]) -> str:
    return " / ".join(f"{one:.0f}" for one in quantiles(widths, n=4))
