"""What `up` writes down about itself, so that other commands find it."""

import json
import os
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from monitorme.errors import MonitorMeError, StorageError

DEFAULT_DATA: Final = Path("data")


class Running(BaseModel):
    """A running installation."""

    model_config = ConfigDict(frozen=True)

    pid: int
    """The process of `up`."""
    broker_host: str
    """Where the broker listens."""
    broker_port: int
    """The broker's TCP port."""
    started_ms: int
    """When it was started."""
    data: Path
    """Its data folder."""
    influxdb_url: str | None = None
    """Where the InfluxDB answers that `up` started; None without."""


def run_file(data: Path) -> Path:
    """Return where `up` writes itself down."""
    return data / "run" / "up.json"


def secret_file(data: Path) -> Path:
    """Return where the site's secret lies, from which credentials are derived."""
    return data / "secret"


def write(running: Running) -> None:
    """Write `up` down, atomically."""
    path = run_file(running.data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(running.model_dump_json(indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def remove(data: Path) -> None:
    """Take the note away when `up` ends."""
    run_file(data).unlink(missing_ok=True)


def find(data: Path = DEFAULT_DATA) -> Running | None:
    """Return what runs on a data folder, or None where nothing does."""
    try:
        text = run_file(data).read_text(encoding="utf-8")
        running = Running.model_validate_json(text)
    except (OSError, ValidationError, json.JSONDecodeError):
        return None
    return running if _is_alive(running.pid) else None


def require(data: Path = DEFAULT_DATA) -> Running:
    """Return what runs on a data folder; raises MonitorMeError where nothing does."""
    running = find(data)
    if running is None:
        raise MonitorMeError(
            f"nothing runs on {data}; start it with `monitorme up --data {data}` "
            "or name another folder with --data"
        )
    return running


def broker_url(data: Path = DEFAULT_DATA) -> str:
    """Return the broker's URL of what runs on a data folder."""
    running = require(data)
    return f"mqtt://{running.broker_host}:{running.broker_port}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
