"""What the signals of a recording are, from their names and units."""

import re
from typing import Final, Literal

from monitorme_analysis.ecg.tuning import QRS
from monitorme_analysis.recording.wfdb_record import Record, RecordError, RecordSignal

SignalKind = Literal["ecg", "pleth", "pressure", "other"]

_ECG: Final = re.compile(
    r"(M?L?I{1,3}|[aA]V[RLFrlf]+|V\d?|MV\d?|MCL\d?|D\d|C[CM]\d|mod\..*|ECG.*)",
)
_PLETH: Final = re.compile(r"PLETH.*|PPG.*", re.IGNORECASE)
_PRESSURE: Final = re.compile(r"ABP|ART|AOBP|UAP|FAP|BP|IBP|P[1-4]", re.IGNORECASE)


def kind_of(signal: RecordSignal) -> SignalKind:
    """Say what a signal is: a lead of an ECG, a pleth, an arterial pressure."""
    if _PLETH.fullmatch(signal.name):
        return "pleth"
    if _PRESSURE.fullmatch(signal.name) and signal.unit.lower().startswith("mmhg"):
        return "pressure"
    if _ECG.fullmatch(signal.name) or signal.unit.lower() in ("mv", "uv"):
        return "ecg"
    return "other"


def ecg_leads(record: Record) -> list[RecordSignal]:
    """Return the leads of a record; raises RecordError where it has none."""
    leads = [one for one in record.signals if kind_of(one) == "ecg"]
    if not leads:
        names = ", ".join(one.name for one in record.signals) or "none"
        raise RecordError(f"record {record.name} has no ECG lead; its signals: {names}")
    if record.rate_hz < QRS.lowest_rate_hz:
        raise RecordError(
            f"record {record.name} has {record.rate_hz:g} samples a second; beats are "
            f"found in {QRS.lowest_rate_hz:g} or more"
        )
    return leads
