"""What is stored, as lines to compare with a ledger: by the recorder, or in InfluxDB."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from monitorme.errors import ConfigError, MonitorMeError

_EVER_MS: Final = 1 << 53


def in_recorder(url: str) -> Iterator[bytes]:
    """Return what the recorder says it has; raises MonitorMeError."""
    import urllib3

    try:
        answer = urllib3.PoolManager().request(
            "GET", f"{url}/v1/readings", preload_content=False, retries=False
        )
        rest = b""
        for block in answer.stream(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
    except urllib3.exceptions.HTTPError as error:
        raise MonitorMeError(
            f"no answer from the recorder at {url}: {error}"
        ) from error


def in_influxdb(
    contents: Iterable[tuple[object, ...]], config: Path | None
) -> Iterator[bytes]:
    """Return what InfluxDB has of the beds and vitals that a ledger names.

    `contents` begin with bed (`ward/bed`) and vital. Raises MonitorMeError.
    """
    from monitorme.site import Site
    from monitorme_recorder.api.lines import for_comparison
    from monitorme_recorder.history_store import Period, Series
    from monitorme_recorder.influx.history import InfluxHistory
    from monitorme_recorder.influx.settings import in_effect
    from monitorme_recorder.plugin import Recorder

    site = Site.load(config)
    configured = Recorder.Config.model_validate(site.plugin_config(Recorder))
    settings = in_effect(configured.influxdb)
    if settings is None:
        raise ConfigError(
            "no InfluxDB is configured: name the site's file with --config, or set "
            "MONITORME_INFLUXDB_URL"
        )
    history = InfluxHistory(settings, site.catalogue())
    try:
        for bed, vital in sorted({(str(one[0]), str(one[1])) for one in contents}):
            ward, _, name = bed.partition("/")
            series = Series(ward, name, vital)
            for reading in history.readings(series, Period(0, _EVER_MS)):
                yield for_comparison(reading)
    finally:
        history.close()
