"""What the waveforms of a record say, from beginning to end."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from monitorme_analysis.ecg.heart import Heart
from monitorme_analysis.ecg.sign import Sign
from monitorme_analysis.recording.kinds import ecg_leads, kind_of
from monitorme_analysis.recording.wfdb_record import Record


@dataclass(slots=True)
class Spell:
    """A condition of a record, from when it was true to when it was no more."""

    code: str
    from_ms: int
    to_ms: int | None
    detail: str


def conditions_of(record: Record) -> Iterator[Spell]:
    """Yield the conditions of a record, in order of their ends; raises RecordError."""
    leads = ecg_leads(record)
    pulses = [one for one in record.signals if kind_of(one) in ("pleth", "pressure")]
    heart = Heart()
    heart.begin_ecg(record.rate_hz, tuple(lead.name for lead in leads), 0)
    for pulse in pulses:
        heart.begin_pulse(pulse.name, record.rate_hz, 0)
    ecg = np.stack([lead.samples for lead in leads])
    second = round(record.rate_hz)
    open_: dict[str, Spell] = {}
    for begin in range(0, ecg.shape[1], second):
        for pulse in pulses:
            heart.take_pulse(pulse.name, pulse.samples[begin : begin + second])
        for now_ms, signs in heart.take_ecg(ecg[:, begin : begin + second]):
            yield from _step(open_, signs, now_ms)
    end_ms = round(ecg.shape[1] / record.rate_hz * 1000)
    yield from _step(open_, heart.finish(), end_ms)
    yield from open_.values()


def _step(open_: dict[str, Spell], signs: list[Sign], now_ms: int) -> Iterator[Spell]:
    true_now = {sign.code: sign for sign in signs}
    for code in [code for code in open_ if code not in true_now]:
        ended = open_.pop(code)
        ended.to_ms = now_ms
        yield ended
    for code, sign in true_now.items():
        if code in open_:
            open_[code].detail = sign.text
        else:
            open_[code] = Spell(code, sign.since_ms, None, sign.text)
