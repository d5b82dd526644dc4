"""What a test needs of the machine it runs on: skipped with the reason where absent.

`MONITORME_REQUIRE` lists what must be there (`mosquitto,chromium,data,influxdb`);
missing it is a failure then, so that nothing is skipped silently where it should run.
"""

import os
import shutil
from pathlib import Path
from typing import Final, NoReturn

import pytest

from monitorme.broker.process import find_mosquitto
from monitorme.influxd import PROGRAM_VARIABLE, find_influxd

DATA_VARIABLE: Final = "MONITORME_DATA"
REQUIRE_VARIABLE: Final = "MONITORME_REQUIRE"


def program(name: str) -> str:
    """Return the path of a program."""
    found = find_mosquitto() if name == "mosquitto" else shutil.which(name)
    if found is None:
        _missing(name, f"{name} is not installed")
    return found


def chromium() -> str:
    """Return the path of Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if (found := shutil.which(name)) is not None:
            return found
    _missing("chromium", "Chromium is not installed")


def influxd() -> str:
    """Return the path of InfluxDB's server."""
    found = find_influxd()
    if found is None:
        _missing("influxdb", f"influxd is not installed; set {PROGRAM_VARIABLE}")
    return found


def data(folder: str = "") -> Path:
    """Return the folder of the recordings, or one inside it."""
    root = Path(os.environ.get(DATA_VARIABLE) or _project_root() / "../shared/data")
    if not (root / folder).is_dir():
        _missing("data", f"no recordings at {root / folder}; set {DATA_VARIABLE}")
    return (root / folder).resolve()


def _project_root() -> Path:
    """Return where pytest was started for, so that it works for installed copies."""
    start = Path.cwd().resolve()
    for folder in (start, *start.parents):
        if (folder / "plugins").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    return start


def _missing(what: str, reason: str) -> NoReturn:
    required = os.environ.get(REQUIRE_VARIABLE, "").replace(" ", "").split(",")
    if what in required:
        pytest.fail(f"{reason}, and {REQUIRE_VARIABLE} asks for it")
    pytest.skip(reason)
