"""Records in PhysioNet's WFDB format: ECG in blocks, heart rate from marked beats."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge as merge_in_order
from pathlib import Path
from typing import TYPE_CHECKING, Final

from monitorme.contract.readings import Lead, ReadingValue
from monitorme_device_sim.physiology.heart import RateCount
from monitorme_device_sim.recordings.failure import RecordingError
from monitorme_device_sim.source import Sample

if TYPE_CHECKING:
    from types import ModuleType

BEAT_SYMBOLS: Final = frozenset("NLRBAaJSVrFejnE/fQ?")
"""WFDB's annotation codes that mark a beat; all others (`~ | + x " !` …) do not."""
BLOCK_MS: Final = 1_000
RATE_EVERY_MS: Final = 500
_INSTALL: Final = 'pip install "monitorme-device-sim[recordings]"'


@dataclass(frozen=True, slots=True)
class _Channel:
    """One ECG lead of a record, as stored."""

    name: str
    gain: float
    """Stored units in a millivolt."""
    baseline: int
    """What is stored for 0 mV."""
    missing: int
    """What is stored where nothing was recorded."""
    stored: Sequence[int]

    def lead(self, rate_hz: float, first: int, end: int) -> tuple[Lead | None, bool]:
        """Return a block of samples, and whether it has gaps; None if all is gap.

        A gap keeps the last sample before it, so that the rest stays in its place.
        """
        window = self.stored[first:end]
        known = [sample for sample in window if sample != self.missing]
        if not known:
            return None, True
        samples, last = [], known[0]
        for sample in window:
            last = last if sample == self.missing else sample
            samples.append(last)
        lead = Lead(
            rate_hz=rate_hz,
            unit="mV",
            scale=1 / self.gain,
            samples=samples,
            offset=-self.baseline / self.gain,
        )
        return lead, len(known) < len(window)


class WfdbRecord:
    """A source of a WFDB record: ECG each second, heart rate every half second.

    The heart rate is counted from the beats of the record's `.atr` file; without one
    there is none.
    """

    def __init__(self, path: Path, lead: str | None = None) -> None:
        """Read a record.

        Args:
            path: the record, with or without its `.hea`.
            lead: the lead to give; all of them unless named.

        Raises:
            RecordingError: the record cannot be used, or has no such lead; says why.
        """
        wfdb = _wfdb()
        record = path.with_suffix("") if path.suffix == ".hea" else path
        self._rate_hz, channels = _ecg(wfdb, record)
        self._channels = [c for c in channels if lead in (None, c.name)]
        if not self._channels:
            have = ", ".join(c.name for c in channels) or "none"
            asked = f"lead {lead!r}" if lead else "ECG lead"
            raise RecordingError(f"{record} has no {asked}; its ECG leads: {have}")
        self._beats_ms = _beats_ms(wfdb, record, self._rate_hz)
        rate = () if self._beats_ms is None else ("heart_rate",)
        self.vitals = (*rate, "ecg")
        self.lasts_ms = round(1_000 * len(channels[0].stored) / self._rate_hz)

    @property
    def beats_ms(self) -> tuple[int, ...]:
        """The beats that people marked, in milliseconds after the start."""
        return tuple(self._beats_ms or ())

    def samples(self) -> Iterator[Sample]:
        """Yield blocks (at the time of their first sample) and rates, in order."""
        return merge_in_order(
            self._blocks(), self._rates(), key=lambda sample: sample.at_ms
        )

    def _blocks(self) -> Iterator[Sample]:
        """Yield whole blocks; what is left at the end is too short for one."""
        for at_ms in range(0, self.lasts_ms - BLOCK_MS + 1, BLOCK_MS):
            first = round(at_ms * self._rate_hz / 1_000)
            end = round((at_ms + BLOCK_MS) * self._rate_hz / 1_000)
            yield self._block(at_ms, first, end)

    def _block(self, at_ms: int, first: int, end: int) -> Sample:
        value: dict[str, float | Lead] = {}
        gaps = False
        for channel in self._channels:
            lead, has_gaps = channel.lead(self._rate_hz, first, end)
            gaps = gaps or has_gaps
            if lead is not None:
                value[channel.name] = lead
        if not value:
            return Sample(at_ms, "ecg", None, "invalid", "no_signal")
        if gaps:
            return Sample(at_ms, "ecg", value, "questionable", "gap")
        return Sample(at_ms, "ecg", value)

    def _rates(self) -> Iterator[Sample]:
        if self._beats_ms is None:
            return
        count, beats = RateCount(), iter(self._beats_ms)
        beat = next(beats, None)
        for at_ms in range(0, self.lasts_ms, RATE_EVERY_MS):
            while beat is not None and beat <= at_ms:
                count.beat(beat)
                beat = next(beats, None)
            yield _rate_sample(at_ms, count.rate(at_ms))


def _rate_sample(at_ms: int, rate: float | None) -> Sample:
    if rate is None:
        return Sample(at_ms, "heart_rate", None, "invalid", "no_signal")
    value: ReadingValue = float(round(rate))
    return Sample(at_ms, "heart_rate", value)


def _wfdb() -> "ModuleType":
    """Import wfdb, which brings NumPy and pandas, only when a record is opened."""
    try:
        import wfdb
    except ImportError as error:
        raise RecordingError(
            f"WFDB records need the wfdb package: {_INSTALL}"
        ) from error
    module: ModuleType = wfdb
    return module


def _ecg(wfdb: "ModuleType", record: Path) -> tuple[float, list[_Channel]]:
    """Return the sampling rate and the channels in millivolts."""
    try:
        read = wfdb.rdrecord(str(record), physical=False)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise RecordingError(
            f"cannot read the WFDB record {record}; is all of it there? ({error})"
        ) from error
    if read.d_signal is None or not read.fs > 0:
        raise RecordingError(f"the WFDB record {record} holds no signals in time")
    channels = [
        _Channel(
            name=str(name),
            gain=float(read.adc_gain[i]),
            baseline=int(read.baseline[i]),
            missing=_missing_of(str(read.fmt[i])),
            stored=read.d_signal[:, i].tolist(),
        )
        for i, name in enumerate(read.sig_name)
        if read.units[i] == "mV"
    ]
    return float(read.fs), channels


def _missing_of(storage_format: str) -> int:
    """Return what a WFDB storage format writes where nothing was recorded."""
    bits = {"212": 12, "310": 10, "311": 10, "80": 8, "160": 16, "24": 24, "32": 32}
    return -(1 << (bits.get(storage_format, 16) - 1))


def _beats_ms(wfdb: "ModuleType", record: Path, rate_hz: float) -> list[int] | None:
    """Return the annotated beats, or None where nobody annotated the record."""
    if not record.with_name(f"{record.name}.atr").is_file():
        return None
    try:
        with warnings.catch_warnings():
            # wfdb's own use of pandas; nothing that whoever replays can act on.
            warnings.simplefilter("ignore", DeprecationWarning)
            marks = wfdb.rdann(str(record), "atr")
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise RecordingError(
            f"cannot read {record}.atr; is all of it there? ({error})"
        ) from error
    pairs = zip(marks.sample.tolist(), marks.symbol, strict=True)
    return [
        round(1_000 * sample / rate_hz)
        for sample, symbol in pairs
        if symbol in BEAT_SYMBOLS
    ]
