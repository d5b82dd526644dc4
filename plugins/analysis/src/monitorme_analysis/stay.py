"""What was set and entered for one stay: it goes with the patient, and ends with it."""

from pydantic import BaseModel, ConfigDict, Field

from monitorme_analysis.limit import VitalLimits
from monitorme_analysis.rule import Entry


class StaySettings(BaseModel):
    """Limits of one patient, and what staff entered about them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limits: dict[str, VitalLimits] = Field(default_factory=dict)
    """By vital or `vital.component`; they go before all others."""
    entered: dict[str, Entry] = Field(default_factory=dict)
    """By name: `oxygen`, `consciousness` …"""
