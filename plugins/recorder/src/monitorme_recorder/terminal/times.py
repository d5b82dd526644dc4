"""Times and spans as people read them, in the zone of the machine."""

from datetime import datetime


def local(at_ms: float, form: str = "%d %b %H:%M:%S") -> str:
    """Return a time for people."""
    return f"{datetime.fromtimestamp(at_ms / 1000):{form}}"


def spoken(span_ms: float) -> str:
    """Return a span for people."""
    seconds = span_ms / 1000
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
