"""The settings of analysis."""

from pydantic import Field

from monitorme.plugin import PluginConfig, SitePath
from monitorme_analysis.limits import Limits, default_limits


class AnalysisConfig(PluginConfig):
    """Settings of analysis."""

    limits_file: SitePath | None = None
    """Alarm limits, a file beside the site's; none means those that come along."""
    limits: Limits = Field(default_factory=Limits)
    """Limits that go before those of the file, by category and vital."""
    rules: dict[str, dict[str, object]] = Field(default_factory=dict)
    """Settings of rules, by name of rule; `{ enabled = false }` switches one off."""
    entries_valid_h: float = Field(default=12.0, gt=0, le=48)
    """How long oxygen and consciousness count as known after staff entered them: as
    long as the longest interval that NEWS2 allows between observations."""
    scores_kept_h: float = Field(default=72.0, gt=0, le=24 * 90)
    """How long scores are kept, to show how they came about."""
    scores_every_min: float = Field(default=15.0, gt=0, le=720)
    """A score that does not change is kept so often."""
    republish_every_s: float = Field(default=30.0, gt=0)
    """How often a condition that holds is published again."""
    snapshot_every_s: float = Field(default=15.0, gt=0)
    """How often each bed's state is written down; the readings that came after it are
    asked of the recorder at a start."""
    wait_for_history_s: float = Field(default=5.0, ge=0, le=60)
    """How long a start waits for the recorder to say what came meanwhile; then it goes
    live on what it knows, and catches up when the recorder answers."""

    def all_limits(self) -> Limits:
        """Return the limits of the file, with those of the site's file before them."""
        base = Limits.load(self.limits_file) if self.limits_file else default_limits()
        return base.with_above(self.limits)
