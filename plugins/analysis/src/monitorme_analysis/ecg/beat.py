"""A heartbeat that was found."""

from typing import NamedTuple


class Beat(NamedTuple):
    """One QRS complex."""

    sample: int
    """Where its main deflection lies, counted in samples of the record's own rate."""
    lead: str
    """The lead that counted most."""
    strength: float
    """Its height over the usual height of beats, over all leads, at most 1.5."""
    noise: float
    """The restlessness of the seconds around it, in the same measure."""
    match: float
    """How well it correlates with the known shape that is most like it, at most 1."""
    shape: int
    """The number of that shape; shapes are numbered as they first come."""
    usual_match: float
    """How well it correlates with the usual shape."""
    width_ms: float
    """For how long its energy stays above half of its peak."""
