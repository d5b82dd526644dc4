"""What a rule is: a pure step from state and reading to state and findings.

A distribution adds rules through `monitorme_analysis.hooks`. One rule object serves all
beds: it keeps nothing but its settings. What it knows of a bed is its `State`, which
analysis keeps, writes down and hands back, so that a restart resumes where it ended:

    state = rule.begin()
    state, findings = rule.step(state, observed, context)   # each reading of its vitals
    state, findings = rule.elapse(state, now_ms, context)   # as time passes

Both return all that is true now, or None where nothing has changed since the last call:
return None on the usual path, it costs nothing. A state may be changed in place or
replaced; it is handed to no one else. A rule reads no clock, no file and no randomness:
the same calls give the same findings, which is what replay and catching up rest on.

A rule that raises is switched off for that bed, with a technical condition, and tried
again later from `begin`; what it found before stays until it judges again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Generic, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict

from monitorme.contract.payloads import Category, ConditionKind, Priority
from monitorme.contract.readings import LATE_AFTER_MS, QualityWord, ReadingValue
from monitorme.contract.vitals import Catalogue, Vital
from monitorme_analysis.limit import Sleep, VitalLimits

EVERY_VITAL: Final = ("*",)
"""For `Rule.vitals`: readings of every vital of the catalogue."""

YEAR_MS: Final = 365.2425 * 86_400_000


class Observed(msgspec.Struct, frozen=True, gc=False):
    """A reading as it was judged, in order: never older than one observed before."""

    vital: str
    """The vital's name in the catalogue."""
    at_ms: int
    """When it was taken, by the device; never later than `received_ms` + 5 s."""
    received_ms: int
    """When it came, by the hub's clock."""
    value: ReadingValue
    """The value in the catalogue's unit; None where it is invalid."""
    quality: QualityWord
    """How far it can be trusted; `value` is None where it is `invalid`."""
    reason: str | None
    """Why the quality is not good."""
    device: str
    """The device that took it."""
    boot: str
    """The device's boot."""
    seq: int
    """Its number within the boot, over all vitals of the device."""
    sent: ReadingValue
    """The value as the device sent it, even if impossible: to say what is wrong."""

    @property
    def counts_from_ms(self) -> int:
        """From when on it ages: from its arrival; where it came late, from its time."""
        is_late = self.received_ms - self.at_ms > LATE_AFTER_MS
        return self.at_ms if is_late else self.received_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a rule holds to be true of a bed now: it becomes a condition."""

    code: str
    """Names it within the bed: 1 to 64 of a-z, 0-9 and _."""
    kind: ConditionKind
    """About the patient or about the equipment."""
    priority: Priority
    """How soon somebody has to respond."""
    text: str
    """What is wrong, for people."""
    since_ms: int
    """Since when it is true, by the readings' time."""
    vital: str | None = None
    """The vital that it is about."""
    component: str | None = None
    """The component of a composite vital."""
    value: float | None = None
    """The newest value; a new value alone is not told at once, but when republished."""
    worst: float | None = None
    """The value farthest beyond the limit since it began."""
    limit: float | None = None
    """The limit that was reached."""
    unit: str | None = None
    """UCUM code of value, worst and limit."""
    caused_by_ms: int | None = None
    """The time of the reading that changed it."""
    device: str | None = None
    """The device, where it is about one."""
    holds_back: tuple[str, ...] = ()
    """Of a technical one: vitals and codes that it makes meaningless.

    While it is true, physiological findings about such a vital, or of such a code, are
    not published; the condition's text says which those are.
    """


Findings = tuple[Finding, ...] | None
"""All that a rule finds now; None: as before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What staff entered about a patient, for as long as it counts."""

    value: bool | float | str
    """What was entered."""
    entered_ms: int
    """When."""
    expires_ms: int
    """From when on it is not known any more."""
    by: str
    """By whom."""


@dataclass(slots=True)
class RuleContext:
    """What a rule may know of a bed besides its own vitals; rules never change it."""

    catalogue: Catalogue
    """The site's vitals."""
    ward: str = ""
    """The bed's ward."""
    bed: str = ""
    """The bed."""
    admission: str | None = None
    """The stay; a rule's state begins anew with another."""
    since_ms: int = 0
    """Since when the patient lies in this bed."""
    category: Category = Category.ADULT
    """The kind of patient."""
    birth_ms: int | None = None
    """Midnight, UTC, of the date of birth, where it is known; negative before 1970."""
    limits: Mapping[str, VitalLimits] = field(default_factory=dict)
    """The limits in force for this patient, by vital or `vital.component`."""
    entered: Mapping[str, Entry] = field(default_factory=dict)
    """What staff entered, expired or not: `oxygen` (bool: breathes extra oxygen),
    `consciousness` (A, C, V, P or U), `spo2_scale` (1 or 2), `pregnant` (bool)."""
    latest: Mapping[str, Observed] = field(default_factory=dict)
    """The newest reading of each vital, valid or not, this one included."""
    latest_valid: Mapping[str, Observed] = field(default_factory=dict)
    """The newest reading of each vital that has a value, however old."""
    sleep_states: tuple[str, ...] = ()
    """The last two sleep states given, oldest first."""

    def age_years(self, now_ms: int) -> float | None:
        """Return the patient's age, where the date of birth is known."""
        if self.birth_ms is None:
            return None
        return (now_ms - self.birth_ms) / YEAR_MS

    def entry(self, name: str, now_ms: int) -> Entry | None:
        """Return what staff entered, unless it has expired."""
        found = self.entered.get(name)
        return found if found is not None and now_ms < found.expires_ms else None

    def sleep(self, at_ms: int) -> Sleep:
        """Return whether the patient sleeps; unknown where nothing fresh says so.

        Asleep takes two states in a row: a single one may be somebody lying still.
        """
        newest = self.latest_valid.get("sleep_state")
        if newest is None or not self.sleep_states:
            return "unknown"
        stale_after_ms = self.catalogue["sleep_state"].stale_after_ms
        if at_ms - newest.at_ms > stale_after_ms:
            return "unknown"
        return "asleep" if self.sleep_states == ("asleep", "asleep") else "awake"


class RuleSettings(BaseModel):
    """Settings of a rule; the docstrings of its attributes are its manual."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    """Whether the rule judges at all."""


St = TypeVar("St")
Se = TypeVar("Se", bound=RuleSettings)


class Rule(ABC, Generic[St, Se]):
    """Judges one thing about a patient or the equipment, for every bed."""

    name: ClassVar[str]
    """Names the rule: in settings (`rules = { name = {…} }`), snapshots and reports."""
    vitals: ClassVar[tuple[str, ...]]
    """The vitals whose readings it steps on; `EVERY_VITAL` for all."""
    Settings: ClassVar[type[RuleSettings]]
    """The model of its settings."""
    State: ClassVar[type]
    """What it knows of a bed: a dataclass that pydantic can write down and read back."""
    source: ClassVar[str] = ""
    """Where its figures come from, for docs/analysis.md."""
    every_ms: ClassVar[Mapping[str, int]] = {}
    """By vital: it needs no more than the first reading of each such stretch of time.

    A rate that comes twice a second need not be looked at twice a second to see where it
    goes in an hour, and a reading that no rule looks at costs nothing.
    """
    takes_late: ClassVar[bool] = False
    """Whether an episodic measurement that came late, but is the newest of its vital, goes
    to `step`, for it speaks of now; to `fill` otherwise, as all that comes late."""
    elapse_every_ms: ClassVar[int] = 1_000
    """How often it wants to know that time passes."""

    def __init__(self, settings: Se) -> None:
        """Keep the settings; a rule holds nothing else."""
        self.settings = settings

    def wants(self, name: str, vital: Vital) -> bool:
        """Say whether readings of a vital are stepped on; asked once, at the start."""
        del vital
        return self.vitals == EVERY_VITAL or name in self.vitals

    @abstractmethod
    def begin(self) -> St:
        """Return the state of a bed of which nothing is known."""

    @abstractmethod
    def step(
        self, state: St, observed: Observed, context: RuleContext
    ) -> tuple[St, Findings]:
        """Take in a reading, valid or not; readings come in order, each once."""

    def fill(self, state: St, observed: Observed, context: RuleContext) -> St:
        """Take in a reading that came after its time: it may be known, and finds nothing.

        A device that was out of reach sends what it took meanwhile, in order, but after
        or between newer readings, and maybe again. What was true then rings no more; a
        rule that looks back overrides this, so that what comes is judged with it.
        """
        del observed, context
        return state

    def elapse(
        self, state: St, now_ms: int, context: RuleContext
    ) -> tuple[St, Findings]:
        """Take in that time passes.

        Called every `elapse_every_ms`, and at once when limits or what staff entered
        have changed. A rule that does not override it is not called.
        """
        del now_ms, context
        return state, None
