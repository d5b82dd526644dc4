"""Detectors that others made, where they are installed, to stand beside ours."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

Detector = Callable[[NDArray[np.float64], float], list[int]]


def _xqrs(lead: NDArray[np.float64], rate_hz: float) -> list[int]:
    processing = import_module("wfdb.processing")
    return list(map(int, processing.xqrs_detect(sig=lead, fs=rate_hz, verbose=False)))


def _neurokit(lead: NDArray[np.float64], rate_hz: float) -> list[int]:
    neurokit = import_module("neurokit2")
    rate = round(rate_hz)
    clean = neurokit.ecg_clean(lead, sampling_rate=rate)
    _, found = neurokit.ecg_peaks(clean, sampling_rate=rate)
    return list(map(int, found["ECG_R_Peaks"]))


def _sleepecg(lead: NDArray[np.float64], rate_hz: float) -> list[int]:
    sleepecg = import_module("sleepecg")
    return list(map(int, sleepecg.detect_heartbeats(lead, rate_hz)))


_KNOWN: Final[dict[str, tuple[str, Detector]]] = {
    "XQRS": ("wfdb", _xqrs),
    "NeuroKit2": ("neurokit2", _neurokit),
    "SleepECG": ("sleepecg", _sleepecg),
}


def installed() -> dict[str, Detector]:
    """Return the detectors that can run here, by name; each takes one lead."""
    return {
        name: detector
        for name, (module, detector) in _KNOWN.items()
        if find_spec(module) is not None
    }
