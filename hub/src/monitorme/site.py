"""The site's configuration: one pydantic model, read from one TOML file.

`[plugins.<name>]` tables hold the settings of plugins; each is validated by that
plugin's own model when it starts, because the hub need not have it installed.
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from monitorme.contract import topics
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ConfigError, ContractError
from monitorme.plugin import Plugin, PluginConfig, Ward, default_wards

BROKER_PORT = 1883


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerKind(StrEnum):
    """Which MQTT broker serves the site."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    MOSQUITTO = "mosquitto"
    EXTERNAL = "external"


class BrokerConfig(_Section):
    """The MQTT broker."""

    kind: BrokerKind = BrokerKind.AUTO
    """`mosquitto` and `embedded` are started by `up`, `external` is already there;
    `auto` takes Mosquitto where it is installed."""
    host: str = "127.0.0.1"
    """Where it listens; only loopback until the work on trust."""
    port: int = Field(default=BROKER_PORT, ge=0, le=65_535)
    """Its TCP port; 0 picks a free one."""
    keepalive_s: int = Field(default=30, ge=5, le=60)
    """After 1.5 times this, a silent client counts as gone."""


class InfluxdbConfig(_Section):
    """An InfluxDB that `up` starts for the recorder."""

    managed: bool = False
    """True has `up` run `influxd`, with its data and a token of its own in the data
    folder; an InfluxDB elsewhere goes into [plugins.recorder.influxdb]."""
    host: str = "127.0.0.1"
    """Where it listens; only loopback until the work on trust."""
    port: int = Field(default=8086, ge=0, le=65_535)
    """Its TCP port; 0 picks a free one."""


class WardConfig(_Section):
    """A ward: the beds that one nurses' station watches."""

    name: str
    """What staff call it."""
    beds: tuple[str, ...]
    """Ids of its beds, in the order of the screen."""


class Site(_Section):
    """A site's configuration."""

    name: str = "MonitorMe"
    """What the site is called."""
    vitals: Path | None = None
    """The vitals catalogue, beside this file; none means the one that comes along."""
    broker: BrokerConfig = BrokerConfig()
    """The MQTT broker."""
    influxdb: InfluxdbConfig = InfluxdbConfig()
    """An InfluxDB that `up` starts for the recorder."""
    wards: dict[str, WardConfig] = Field(
        default_factory=lambda: {
            ward: WardConfig(name=section.name, beds=section.beds)
            for ward, section in default_wards().items()
        }
    )
    """The wards by id."""
    services: tuple[str, ...] = (
        "registry",
        "recorder",
        "analysis",
        "alerting",
        "nurse_station",
        "record_forwarding",
        "firmware_bridge",
    )
    """The plugins that `up` runs, in order of start."""
    plugins: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of plugins, by name."""

    _folder: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _ids_are_ids(self) -> Self:
        try:
            for ward, section in self.wards.items():
                for bed in section.beds:
                    topics.BedId(ward, bed)
        except ContractError as error:
            raise ValueError(str(error)) from error
        return self

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the file at `path`, or take the defaults; raises ConfigError."""
        if path is None:
            return cls()
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from error
        try:
            site = cls.model_validate(tables)
        except ValidationError as error:
            raise ConfigError(f"{path}: {first_mistake(error)}") from error
        if site.vitals is not None:
            site = site.model_copy(update={"vitals": path.parent / site.vitals})
        site._folder = path.parent
        return site

    def wards_by_id(self) -> dict[str, Ward]:
        """Return the wards as plugins get them."""
        return {
            ward: Ward(section.name, section.beds)
            for ward, section in self.wards.items()
        }

    def catalogue(self) -> Catalogue:
        """Return the site's vitals."""
        return Catalogue.load(self.vitals)

    def plugin_config(self, plugin: type[Plugin[Any]]) -> PluginConfig:
        """Return the validated settings of a plugin; raises ConfigError."""
        try:
            return plugin.Config.model_validate(
                self.plugins.get(plugin.name, {}), context={"folder": self._folder}
            )
        except ValidationError as error:
            raise ConfigError(
                f"[plugins.{plugin.name}] {first_mistake(error)}"
            ) from error


def first_mistake(error: ValidationError) -> str:
    """Return a validation error's first mistake as `where: what`."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
