"""Slow variation: how a body value strays and comes back."""

from math import exp, sqrt
from random import Random


class Drift:
    """A bounded Ornstein-Uhlenbeck process around zero, stepped once a second."""

    __slots__ = ("_bound", "_keep", "_noise", "_rng", "_value")

    def __init__(self, rng: Random, *, spread: float, time_constant_s: float) -> None:
        """Start anywhere typical.

        Args:
            rng: where chance comes from.
            spread: standard deviation in the long run; never more than 2.5 times this.
            time_constant_s: how long a deviation lasts.
        """
        self._rng = rng
        self._keep = exp(-1 / time_constant_s)
        self._noise = spread * sqrt(1 - self._keep**2)
        self._bound = 2.5 * spread
        self._value = self._bounded(rng.gauss(0, spread))

    def step(self) -> float:
        """Return the deviation one second later."""
        strayed = self._value * self._keep + self._noise * self._rng.gauss(0, 1)
        self._value = self._bounded(strayed)
        return self._value

    def _bounded(self, value: float) -> float:
        return max(-self._bound, min(self._bound, value))


class Lag:
    """A value that follows another one slowly (first order), stepped once a second."""

    __slots__ = ("_share", "_value")

    def __init__(self, *, time_constant_s: float) -> None:
        self._share = 1 - exp(-1 / time_constant_s)
        self._value: float | None = None

    def step(self, towards: float) -> float:
        """Return the value one second later; the first time, `towards` itself."""
        if self._value is None:
            self._value = towards
        self._value += self._share * (towards - self._value)
        return self._value
