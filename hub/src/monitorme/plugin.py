"""The contract of a plugin: batch in, acknowledged on return."""

import logging
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from monitorme.contract.payloads import LONGEST_TEXT, Priority, ServiceAlarm
from monitorme.contract.vitals import Catalogue
from monitorme.finding import Finding
from monitorme.messaging import Message, Publisher

log = logging.getLogger(__name__)


def wall_clock_ms() -> int:
    """Return the time in integer milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def _beside_site(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return folder / path if folder is not None else path


SitePath = Annotated[Path, AfterValidator(_beside_site)]
"""A file named by the site's file, relative to it."""


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward: the beds that one nurses' station watches, in the screen's order."""

    name: str
    beds: tuple[str, ...]


def default_wards() -> dict[str, Ward]:
    """Return the wards of a site that configures none: one, of twenty beds."""
    return {"ward-a": Ward("Ward A", tuple(f"bed-{n:02}" for n in range(1, 21)))}


class PluginConfig(BaseModel):
    """Settings of one plugin; the docstrings of its attributes are its manual.

    The sample configuration and the README's block are generated from them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    wards: tuple[str, ...] = ()
    """Wards that this instance serves; none means all of them."""


@dataclass(slots=True)
class Context:
    """What the host lends a plugin."""

    bus: Publisher
    """Where to publish; safe from any thread."""
    catalogue: Catalogue
    """The site's vitals."""
    folder: Path
    """The plugin's own folder on disk; it exists."""
    wards: Mapping[str, Ward] = field(default_factory=default_wards)
    """The site's wards by id."""
    instance: str = "1"
    """Tells instances of one plugin apart."""
    now_ms: Callable[[], int] = wall_clock_ms
    """The clock, in milliseconds since the epoch."""
    counts: Counter[str] = field(default_factory=Counter)
    """What the plugin counts; shown by `monitorme status`."""
    figures: dict[str, float] = field(default_factory=dict)
    """What the plugin measures; shown by `monitorme status`."""
    endpoints: dict[str, str] = field(default_factory=dict)
    """Where the plugin serves HTTP, by name; published in its birth."""
    trouble: dict[str, str] = field(default_factory=dict)
    """What an operator should know now, a sentence by subject; delete when over."""
    alarms: dict[str, ServiceAlarm] = field(default_factory=dict)
    """What of that is a technical alarm, by subject; see `alarm` and `over`."""

    def alarm(self, code: str, text: str, priority: Priority = Priority.LOW) -> None:
        """Tell a trouble as a technical alarm too; stations show it until it is over."""
        text = text[:LONGEST_TEXT]
        before = self.alarms.get(code)
        since_ms = self.now_ms() if before is None else before.since_ms
        if before is None:
            log.error("technical alarm code=%s: %s", code, text)
        self.trouble[code] = text
        self.alarms[code] = ServiceAlarm(
            code=code, priority=priority, text=text, since_ms=since_ms
        )

    def over(self, code: str) -> None:
        """End a technical alarm; nothing where there is none."""
        self.trouble.pop(code, None)
        if self.alarms.pop(code, None) is not None:
            log.info("technical alarm is over code=%s", code)


C = TypeVar("C", bound=PluginConfig)


class Plugin(ABC, Generic[C]):
    """A service that reacts to messages on the bus.

    The host calls all four methods from one thread, in this order: `start` once,
    `handle` and `tick` in turn, `stop` once. A plugin that serves HTTP does so from a
    thread of its own, and hands over to and from it by itself.
    """

    name: ClassVar[str]
    """Names the plugin; also its service name on the wire."""
    Config: ClassVar[type[PluginConfig]]
    """The model of its settings."""
    subscriptions: ClassVar[tuple[str, ...]] = ()
    """Topic filters; a ward level of `+` is narrowed to the instance's wards."""
    linger_ms: ClassVar[int] = 5
    """How long to collect messages before a batch is handed over."""

    @classmethod
    def examine(cls, config: C, environment: Mapping[str, str]) -> Iterable[Finding]:
        """Look at what the plugin depends on, for `monitorme doctor`; runs nothing."""
        return ()

    def __init__(self, config: C, context: Context) -> None:
        """Keep settings and context; acquire nothing before `start`."""
        self.config = config
        self.context = context

    def start(self) -> None:
        """Acquire what the plugin needs; called once, before the first batch."""

    @abstractmethod
    def handle(self, batch: Sequence[Message]) -> None:
        """React to a batch, in order of arrival.

        Returning acknowledges it, as soon as what was published meanwhile is
        confirmed; raising does not. A StorageError has the batch tried again until it
        works; any other exception has its messages tried one by one, and those that
        still raise are set aside in the host's quarantine and counted.
        """

    def tick(self, now_ms: int) -> None:
        """Do what is due; called about once a second, between batches."""

    def stop(self) -> None:
        """Release what `start` acquired; nothing follows. Safe without `start`."""
