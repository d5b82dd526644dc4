"""The settings of alerting."""

from pydantic import Field

from monitorme.plugin import PluginConfig


class AlertingConfig(PluginConfig):
    """Settings of alerting."""

    resolved_keep_s: float = Field(default=30.0, ge=0)
    """How long a resolved alarm stays to be seen before it is gone."""
    source_lost_after_s: float = Field(default=180.0, ge=60)
    """A condition that holds but is not repeated for so long has lost its source: the
    alarm stays, and a technician is told."""
