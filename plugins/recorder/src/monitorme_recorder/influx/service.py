"""InfluxDB within the recorder: what ships to it, and what it says of itself."""

from typing import Final, Self

from monitorme.plugin import Context
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.influx.history import InfluxHistory
from monitorme_recorder.influx.settings import InfluxSettings, in_effect
from monitorme_recorder.influx.shipper import Progress, Shipper

BEHIND_MS: Final = 60_000
"""An InfluxDB that is further behind is told to the technician."""
_SUBJECT: Final = "influxdb"


class InfluxService:
    """Ships the journal while the recorder runs; for the recorder's thread."""

    def __init__(self, settings: InfluxSettings, context: Context) -> None:
        self._shipper = Shipper(
            context.folder, settings, context.catalogue, context.now_ms
        )
        self.history = InfluxHistory(
            settings, context.catalogue, lambda: self._shipper.curves_from_ms
        )
        self._shipper.start()

    @classmethod
    def of(cls, config: RecorderConfig, context: Context) -> Self | None:
        """Return the service, started, where an InfluxDB is configured."""
        settings = in_effect(config.influxdb)
        if settings is None:
            return None
        return cls(settings, context)

    def stop(self) -> None:
        """Stop shipping, and close what history asks."""
        self._shipper.stop()
        self.history.close()

    @property
    def unshipped_from_ms(self) -> int:
        """The beginning of the oldest hour that must be kept for InfluxDB."""
        return self._shipper.unshipped_from_ms

    def notice(self, readings: int) -> None:
        """Take note that so many more readings are in the journal."""
        self._shipper.notice(readings)

    def report(self, context: Context) -> None:
        """Say how shipping goes: counts, figures, and what is wrong."""
        progress, lag_ms = self._shipper.progress, self._shipper.lag_ms()
        counts = {
            "lines": progress.lines,
            "curves": progress.curves,
            "refused": progress.refused,
            "too_old": progress.too_old,
            "unreadable": progress.unreadable,
            "retries": progress.retries,
            "hours_lost": len(progress.lost_hours),
        }
        for name, count in counts.items():
            context.counts[f"influxdb_{name}"] = count
        context.figures["influxdb_lag_s"] = lag_ms / 1000
        trouble = self._trouble(progress, lag_ms)
        if trouble and progress.needs_technician:
            context.alarm(_SUBJECT, trouble)
        elif _SUBJECT in context.alarms:
            context.over(_SUBJECT)
        self._tell(context, "", trouble)
        lost = ", ".join(progress.lost_hours)
        self._tell(
            context, "_lost", lost and f"not all in InfluxDB, and gone here: {lost}"
        )
        refusal = progress.last_refusal
        self._tell(
            context,
            "_refused",
            refusal
            and f"InfluxDB refused {progress.refused} lines, the last {refusal}",
        )

    def _trouble(self, progress: Progress, lag_ms: int) -> str | None:
        if progress.trouble is not None:
            return f"{progress.trouble}; the journal keeps what it lacks"
        if lag_ms > BEHIND_MS:
            return f"InfluxDB is {lag_ms / 60_000:.0f} min behind and catching up"
        return None

    def _tell(self, context: Context, about: str, text: str | None) -> None:
        if text:
            context.trouble[_SUBJECT + about] = text
        else:
            context.trouble.pop(_SUBJECT + about, None)
