"""The heartbeats of a record, found as they would be at the bedside."""

from collections.abc import Iterator

import numpy as np

from monitorme_analysis.ecg.beat import Beat
from monitorme_analysis.ecg.detector import BeatDetector
from monitorme_analysis.recording.kinds import ecg_leads
from monitorme_analysis.recording.wfdb_record import Record


def beats_of(record: Record) -> Iterator[Beat]:
    """Yield the beats of a record, in order; raises RecordError where it has no ECG."""
    leads = ecg_leads(record)
    detector = BeatDetector(record.rate_hz, tuple(lead.name for lead in leads))
    yield from detector.feed(np.stack([lead.samples for lead in leads]))
    yield from detector.finish()
