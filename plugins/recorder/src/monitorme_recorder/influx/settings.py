"""Where InfluxDB is, and how it is let in; the token is never in a file of settings."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitorme.errors import ConfigError
from monitorme.influxd import (
    ORG_VARIABLE,
    TOKEN_FILE_VARIABLE,
    TOKEN_VARIABLE,
    URL_VARIABLE,
)
from monitorme.plugin import SitePath

_OTHERS_MAY_READ: Final = 0o077


class InfluxSettings(BaseModel):
    """An InfluxDB 2 to keep readings in.

    The token comes from the environment (`MONITORME_INFLUXDB_TOKEN`) or from a file that
    only its owner can read. `MONITORME_INFLUXDB_URL` and `MONITORME_INFLUXDB_ORG` go
    before what is written here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = "http://127.0.0.1:8086"
    """Where it answers; https anywhere but on this machine."""
    org: str = Field(default="monitorme", min_length=1)
    """The organisation that owns the buckets."""
    bucket: str = Field(default="vitals", min_length=1)
    """Where readings go; made when absent."""
    waveform_bucket: str = Field(default="waveforms", min_length=1)
    """Where blocks of waveforms go; made when absent."""
    curve_bucket: str = Field(default="curves", min_length=1)
    """Where curves go, packed for history's own use; made when absent."""
    retention_days: int = Field(default=30, ge=0)
    """How long a bucket that is made keeps readings; 0 means for ever."""
    waveform_retention_hours: int = Field(default=48, ge=0)
    """How long a bucket that is made keeps waveforms; 0 means for ever."""
    token_file: SitePath | None = None
    """A file with the token, mode 600; MONITORME_INFLUXDB_TOKEN goes before it."""
    ca_file: SitePath | None = None
    """The certificate of your own authority, for https."""
    batch_lines: int = Field(default=10_000, ge=1, le=50_000)
    """At most about so many lines go in one request."""
    linger_s: float = Field(default=1.0, gt=0, le=60)
    """How long readings are collected for a request."""
    timeout_s: float = Field(default=30.0, gt=0)
    """How long an answer may take before the request is made again."""

    @model_validator(mode="after")
    def _token_stays_secret(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{self.url!r} is not an http or https URL")
        if parts.username or parts.password or parts.query:
            raise ValueError("the url holds no user, password or token")
        if parts.scheme == "http" and not _is_this_machine(parts.hostname):
            raise ValueError(
                f"{self.url} would carry the token in the clear: use https"
            )
        if len({self.bucket, self.waveform_bucket, self.curve_bucket}) < 3:
            raise ValueError("readings, waveforms and curves need a bucket each")
        return self


def in_effect(
    configured: InfluxSettings | None, environment: Mapping[str, str] = os.environ
) -> InfluxSettings | None:
    """Return the settings, those of the environment first; None without InfluxDB.

    Raises ConfigError where the environment says what cannot be used.
    """
    given = {
        "url": environment.get(URL_VARIABLE),
        "org": environment.get(ORG_VARIABLE),
        "token_file": environment.get(TOKEN_FILE_VARIABLE),
    }
    update = {name: value for name, value in given.items() if value}
    if configured is None and "url" not in update:
        return None
    known = configured.model_dump() if configured else {}
    try:
        return InfluxSettings.model_validate({**known, **update})
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ConfigError(f"{URL_VARIABLE} and what goes with it: {said}") from error


def token_of(
    settings: InfluxSettings, environment: Mapping[str, str] = os.environ
) -> str:
    """Return the token; raises ConfigError where there is none, or others can read it."""
    given = environment.get(TOKEN_VARIABLE, "").strip()
    if given:
        return given
    path = settings.token_file
    if path is None:
        raise ConfigError(
            f"InfluxDB needs a token: set {TOKEN_VARIABLE}, or token_file to a file "
            "with mode 600"
        )
    return _token_in(path)


def _token_in(path: Path) -> str:
    try:
        if path.stat().st_mode & _OTHERS_MAY_READ:
            raise ConfigError(f"others can read the token in {path}: chmod 600 {path}")
        token = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"cannot read the token {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} does not hold a token") from error
    if not token:
        raise ConfigError(f"{path} is empty: write the token of InfluxDB into it")
    return token


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
