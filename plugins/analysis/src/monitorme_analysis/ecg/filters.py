"""Linear-phase filters for the beat detector, as numbers."""

from base64 import b64decode, b64encode
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator


def _write(samples: NDArray[np.float64]) -> tuple[list[int], str]:
    data = np.ascontiguousarray(samples, dtype="<f8").tobytes()
    return list(samples.shape), b64encode(data).decode("ascii")


def _read(written: object) -> NDArray[np.float64]:
    if isinstance(written, np.ndarray):
        return written
    if not isinstance(written, list | tuple) or len(written) != 2:
        raise ValueError("samples are written as shape and base64")
    shape, data = written
    return np.frombuffer(b64decode(data), dtype="<f8").reshape(shape).copy()


_BASELINE_S: Final = 0.6
_PIECE: Final = 32
"""Samples that come out of a piece: of 16 to 48, all cost about the same."""

Samples = Annotated[NDArray[np.float64], PlainValidator(_read), PlainSerializer(_write)]
"""Numbers of a signal; pydantic writes them down to the last bit."""


class Fir:
    """A filter of the same taps from both ends, for rows of one length.

    A row is cut into overlapping pieces, and a piece filtered by a product with a matrix
    that has the taps in each column, one lower in each: all in one product, where a
    convolution makes one for each sample that comes out.
    """

    def __init__(self, taps: Samples, out: int, rows: int, columns: int) -> None:
        """Prepare for the ends of so many rows that lie in one array.

        Args:
            taps: of the filter.
            out: how many samples come out of a row: those of its end.
            rows: how many rows are filtered, the first ones of the array.
            columns: how long rows are there; at least `out` and the taps, less one.
        """
        reach = len(taps) - 1
        begins = np.arange(0, out, _PIECE)[:, None]
        # What the last piece has too much is cut off again.
        piece = np.minimum(begins + np.arange(_PIECE + reach), out + reach - 1)
        ends = np.arange(1, rows + 1)[:, None, None] * columns
        places = ends - (out + reach) + piece
        self._places = places.reshape(-1, _PIECE + reach)
        self._matrix = np.zeros((_PIECE + reach, _PIECE))
        for column in range(_PIECE):
            self._matrix[column : column + len(taps), column] = taps
        self._shape, self._out = (rows, -1), (slice(None), slice(0, out))

    def __call__(self, samples: Samples) -> Samples:
        """Return what comes out of the rows of an array."""
        pieces = samples.ravel()[self._places]
        out: Samples = pieces.dot(self._matrix).reshape(self._shape)[self._out]
        return out


def low_pass(cutoff_hz: float, rate_hz: float, length: int) -> Samples:
    """Return a Hamming-windowed sinc of unit gain at rest."""
    position = np.arange(length) - (length - 1) / 2
    taps = np.sinc(2 * cutoff_hz / rate_hz * position) * np.hamming(length)
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def band_pass(low_hz: float, high_hz: float, rate_hz: float, length: int) -> Samples:
    """Return the difference of two low-passes: no gain at rest."""
    return low_pass(high_hz, rate_hz, length) - low_pass(low_hz, rate_hz, length)


def odd(seconds: float, rate_hz: float) -> int:
    """Return the odd number of samples nearest to a duration, at least 3."""
    return max(3, 2 * int(seconds * rate_hz / 2) + 1)


def without_baseline(wave: Samples, rate_hz: float) -> Samples:
    """Return the middle of one lead without its mean over 0.6 s around each sample."""
    length = round(_BASELINE_S * rate_hz)
    base = np.convolve(wave, np.ones(length) / length, "same")
    return (wave - base)[length // 2 : -length // 2]
