"""Recordings of real patients as sources: what was measured is sent again.

`open_recording` chooses the reader by what it finds. A recording is read whole when it
is opened, so that what is wrong with it is said before anything is sent.
"""

from monitorme_device_sim.recordings.beat_table import BeatTable
from monitorme_device_sim.recordings.failure import RecordingError
from monitorme_device_sim.recordings.numerics import BidmcNumerics, CsvNumerics
from monitorme_device_sim.recordings.opening import open_recording
from monitorme_device_sim.recordings.wfdb_record import WfdbRecord

__all__ = [
    "BeatTable",
    "BidmcNumerics",
    "CsvNumerics",
    "RecordingError",
    "WfdbRecord",
    "open_recording",
]
