"""How a line is, for people: counted by its thread, read by the host's."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

REFUSAL_SHOWN_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class LineReport:
    """What a line has counted and measured, and what an operator should know of it."""

    counts: dict[str, int]
    figures: dict[str, float]
    trouble: str | None


@dataclass(slots=True)
class LineState:
    """What a line says of itself; safe from any thread."""

    device: str
    _counts: Counter[str] = field(default_factory=Counter)
    _figures: dict[str, float] = field(default_factory=dict)
    _broken: str | None = None
    _refusal: str | None = None
    _refused_ms: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str, number: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += number

    def measure(self, name: str, figure: float) -> None:
        """Note a figure."""
        with self._lock:
            self._figures[name] = figure

    def refuse(self, reason: str, length: int, now_ms: int) -> None:
        """Count bytes that made no sense."""
        with self._lock:
            self._counts["refused_bytes"] += length
            self._counts[f"refused_{reason}"] += 1
            self._refusal, self._refused_ms = reason, now_ms

    def breaks(self, text: str) -> bool:
        """Note what is wrong with the line; says whether that is news."""
        with self._lock:
            self._counts["broken"] += 1
            is_news = self._broken != text
            self._broken = text
            return is_news

    def waits(self, text: str) -> None:
        """Note what the line waits for."""
        with self._lock:
            self._broken = self._broken or text

    def works(self) -> None:
        """Note that something sensible came."""
        with self._lock:
            self._broken = None

    def report(self, now_ms: int) -> LineReport:
        """Return how the line is."""
        with self._lock:
            return LineReport(
                dict(self._counts), dict(self._figures), self._trouble(now_ms)
            )

    def _trouble(self, now_ms: int) -> str | None:
        if self._broken is not None:
            return f"line of {self.device}: {self._broken}"
        if lost := self._figures.get("dropped"):
            return f"line of {self.device}: outbox was full, {lost:.0f} readings lost"
        if self._refusal is None or now_ms - self._refused_ms > REFUSAL_SHOWN_MS:
            return None
        refused = self._counts["refused_bytes"]
        return f"line of {self.device}: bytes refused {refused}, last {self._refusal}"
