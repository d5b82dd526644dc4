"""Heartbeats and alarms of the ECG on recordings."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitorme_analysis.ecg.detector import BeatDetector
from monitorme_analysis.ecg.tuning import QRS
from monitorme_analysis.recording.wfdb_record import Record, read_record
from monitorme_analysis.validation import broad, challenge, detectors, irregular
from monitorme_analysis.validation.annotations import Annotations, read_annotations
from monitorme_analysis.validation.markdown import paragraph, table
from monitorme_analysis.validation.matching import Score, compare

Leads = NDArray[np.float64]
Change = Callable[[Leads, float], Leads]

WINDOW_S: Final = 0.150
RATES_HZ: Final = (round(QRS.lowest_rate_hz), 125, 250, 500)


def report(data: Path) -> str:
    """Return the section about the ECG."""
    return "\n\n".join(
        [
            "## ECG",
            *_beats(data / "mitdb"),
            *_challenge(data / "challenge2015"),
            *broad.report(data),
            *irregular.report(data),
        ]
    )


def found_in(leads: Leads, rate_hz: float) -> list[int]:
    """Return the samples of the beats of some leads."""
    names = tuple(str(place) for place in range(len(leads)))
    detector = BeatDetector(rate_hz, names)
    return [beat.sample for beat in detector.feed(leads) + detector.finish()]


def marked_records(folder: Path) -> Iterator[tuple[Record, Annotations]]:
    """Yield records with what was marked in them."""
    for header in sorted(folder.glob("*.hea")):
        marked = read_annotations(header.with_suffix(".atr"))
        yield read_record(header.with_suffix("")), marked


def score_of(found: list[int], marked: Annotations, rate_hz: float) -> Score:
    """Return how found beats compare with those marked, outside of flutter."""
    return compare(marked.beats, found, round(WINDOW_S * rate_hz), marked.flutter)


def changes() -> dict[str, Change]:
    """Return what is done to records to see that nothing is tuned to them."""

    def at_s(leads: Leads, rate_hz: float) -> Leads:
        return np.asarray(np.arange(leads.shape[1]) / rate_hz)

    def noisy(leads: Leads, millivolts: float) -> Leads:
        noise = np.random.default_rng(1).standard_normal(leads.shape)
        return leads + millivolts * noise

    def takes_turns(leads: Leads, rate_hz: float) -> Leads:
        minute = at_s(leads, rate_hz) // 60
        return np.stack(
            [np.where(minute % 2 == i, 0, row) for i, row in enumerate(leads)]
        )

    return {
        "as recorded": lambda leads, _: leads,
        "first lead alone": lambda leads, _: leads[:1],
        "second lead alone": lambda leads, _: leads[1:],
        "upside down": lambda leads, _: -leads,
        "a third as high": lambda leads, _: leads * 0.3,
        "three times as high": lambda leads, _: leads * 3,
        "drift of 1 mV at 0.3 Hz": lambda leads, rate: (
            leads + np.sin(2 * np.pi * 0.3 * at_s(leads, rate))
        ),
        "hum of 0.3 mV at 50 Hz": lambda leads, rate: (
            leads + 0.3 * np.sin(2 * np.pi * 50 * at_s(leads, rate))
        ),
        "white noise of 0.1 mV": lambda leads, _: noisy(leads, 0.1),
        "white noise of 0.2 mV": lambda leads, _: noisy(leads, 0.2),
        "one lead off, in turns of a minute": takes_turns,
    }


def resampled(leads: Leads, rate_hz: float, to_hz: float) -> Leads:
    """Return leads at another rate, by straight lines between samples."""
    count = leads.shape[1]
    times = np.arange(int(count * to_hz / rate_hz)) * rate_hz / to_hz
    return np.stack([np.interp(times, np.arange(count), row) for row in leads])


def _beats(folder: Path) -> Iterator[str]:
    records = list(marked_records(folder))
    yield paragraph(
        """Beats of MIT-BIH records (360 Hz, two leads, half an hour each) against those
        that two cardiologists marked: a beat is found where one lies within 150 ms.
        Whole records; symbols that mark no beat do not count, nor do episodes of
        ventricular flutter, in which no beats are marked. Ours hears both leads; the
        others, from PyPI, take one and get the first. In per cent: of the marked beats
        those found / of the found ones those marked."""
    )
    yield _comparison(records)
    yield paragraph(
        f"""The same records, changed: what a detector tuned to these recordings would
        not survive. Total of all of them, and beats missed and invented. An ECG of fewer
        than {QRS.lowest_rate_hz:g} samples a second is not judged, and that is told."""
    )
    yield _changed(records)


def _comparison(records: list[tuple[Record, Annotations]]) -> str:
    others = detectors.installed()
    totals = dict.fromkeys(["MonitorMe", *others], Score())
    rows: list[list[object]] = []
    for record, marked in records:
        leads = np.stack([one.samples for one in record.signals])
        found = {"MonitorMe": found_in(leads, record.rate_hz)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the others' own affairs
            for name, detect in others.items():
                found[name] = detect(leads[0], record.rate_hz)
        scores = {n: score_of(f, marked, record.rate_hz) for n, f in found.items()}
        totals = {name: totals[name] + one for name, one in scores.items()}
        ours = scores["MonitorMe"]
        percents = map(_percents, scores.values())
        counts = (ours.missed, ours.invented)
        rows.append([record.name, len(marked.beats), *percents, *counts])
    total = totals["MonitorMe"]
    count = total.found + total.missed
    rows.append(
        ["total", count, *map(_percents, totals.values()), total.missed, total.invented]
    )
    head = ["record", "beats", *totals, "missed by ours", "invented by ours"]
    return table(head, rows)


def _changed(records: list[tuple[Record, Annotations]]) -> str:
    rows = []
    for name, change in changes().items():
        total = Score()
        for record, marked in records:
            leads = np.stack([one.samples for one in record.signals])
            found = found_in(change(leads, record.rate_hz), record.rate_hz)
            total += score_of(found, marked, record.rate_hz)
        rows.append([name, _percents(total), total.missed, total.invented])
    for rate_hz in RATES_HZ:
        total = Score()
        for record, marked in records:
            leads = np.stack([one.samples for one in record.signals])
            found = found_in(resampled(leads, record.rate_hz, rate_hz), rate_hz)
            scaled = [round(at * record.rate_hz / rate_hz) for at in found]
            total += score_of(scaled, marked, record.rate_hz)
        rows.append(
            [f"at {rate_hz} Hz", _percents(total), total.missed, total.invented]
        )
    return table(["change", "found / right, %", "missed", "invented"], rows)


def _challenge(folder: Path) -> Iterator[str]:
    judged = list(challenge.alarms(folder))
    yield paragraph(
        f"""Alarms of monitors in intensive care that experts held to be true or false
        (PhysioNet/CinC Challenge 2015, {len(judged)} records here; the alarm comes at
        300 s). Ours counts where a condition of the alarm's type holds within the 16 s
        before. Score: 100 (TP + TN) / (TP + TN + FP + 5 FN)."""
    )
    rows: list[list[object]] = []
    for kind in [*challenge.CODES, "all"]:
        some = [one for one in judged if kind in (one.type, "all")]
        rows.append([kind.replace("_", " ").lower(), *_confusion(some)])
    yield table(["type", "TP", "FN", "FP", "TN", "score"], rows)
    always = [challenge.Alarm(a.record, a.type, a.is_true, True) for a in judged]
    never = [challenge.Alarm(a.record, a.type, a.is_true, False) for a in judged]
    yield paragraph(
        f"""To give every alarm would score {challenge.score(always):.1f}, to give none
        {challenge.score(never):.1f}. The definitions of the conditions are those of the
        challenge; a pulse that goes on contradicts an alarm, one that is missing never
        takes one back."""
    )


def _confusion(some: list[challenge.Alarm]) -> list[object]:
    counts: list[object] = [
        sum((one.is_true, one.is_found) == pair for one in some)
        for pair in ((True, True), (True, False), (False, True), (False, False))
    ]
    return [*counts, challenge.score(some)]


def _percents(score: Score) -> str:
    return f"{score.sensitivity_percent:.2f} / {score.predictivity_percent:.2f}"
