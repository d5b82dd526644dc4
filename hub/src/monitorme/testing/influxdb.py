"""A real InfluxDB for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitorme.influxd import Influxd
from monitorme.testing import needs


@contextmanager
def running_influxdb(folder: Path) -> Iterator[Influxd]:
    """Run an InfluxDB 2 of its own on a free port, set up; skips where it is absent.

    Its `url`, `token` and `token_file` say how to reach it, the organisation is
    `monitorme.influxd.ORG`. `kill` and `start` do to it what a crash does.
    """
    needs.influxd()
    with Influxd(folder=folder) as influxd:
        yield influxd
