"""What `monitorme doctor` says of InfluxDB."""

from collections.abc import Mapping

from monitorme.errors import ConfigError
from monitorme.finding import Finding, Verdict
from monitorme_recorder.influx.errors import InfluxError, NotAllowed
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings, in_effect

PATIENCE_S = 5.0
_SUBJECT = "InfluxDB"


def examine(
    configured: InfluxSettings | None, environment: Mapping[str, str]
) -> list[Finding]:
    """Say whether InfluxDB answers and lets us in; nothing where there is none."""
    try:
        settings = in_effect(configured, environment)
        if settings is None:
            return []
        quick = settings.model_copy(update={"timeout_s": PATIENCE_S})
        with InfluxServer(quick, environment) as server:
            server.ready()
    except ConfigError as error:
        return [Finding(_SUBJECT, Verdict.WRONG, str(error), "mend that")]
    except NotAllowed as error:
        advice = "make a token that may read and write the buckets"
        return [Finding(_SUBJECT, Verdict.WRONG, str(error), advice)]
    except InfluxError as error:
        advice = "start it, or see to the url; the journal keeps what it lacks"
        return [Finding(_SUBJECT, Verdict.WRONG, str(error), advice)]
    text = f"answers at {settings.url}, organisation {settings.org}"
    return [Finding(_SUBJECT, Verdict.FINE, text)]
