"""The course of a scenario: what it does at each second of a patient's time."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from monitorme_device_sim.scenarios import Parameter, Rhythm, Scenario, Step


@dataclass(frozen=True, slots=True)
class Pull:
    """How a scenario pulls one body value: by `weight` (0 to 1) towards `target`."""

    target: float
    weight: float

    def of(self, own: float) -> float:
        """Return the body value, given what it would be by itself."""
        return own + self.weight * (self.target - own)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a scenario does at one moment."""

    pulls: dict[Parameter, Pull]
    step: Step | None = None

    @property
    def rhythm(self) -> Rhythm:
        """Return what the heart does."""
        return self.step.rhythm if self.step else "sinus"

    @property
    def clock_offset_ms(self) -> int:
        """Return how far the device's clock is ahead."""
        return round(1_000 * self.step.clock_offset_s) if self.step else 0

    def is_silent(self, vital: str) -> bool:
        """Say whether the device sends nothing of a vital."""
        return self.step is not None and (
            self.step.silent == "all" or vital in self.step.silent
        )

    def fault(self, vital: str) -> str | None:
        """Return why the device sends a vital as invalid, or None."""
        return self.step.invalid.get(vital) if self.step else None


_NOTHING = Moment({})


class Course:
    """A scenario laid on the time axis, from `delay_s` after the start."""

    def __init__(self, scenario: Scenario, *, delay_s: float = 0.0) -> None:
        self._steps = scenario.steps
        self._delay_s = delay_s
        self._lasts_s = scenario.lasts_s
        self._repeats = scenario.repeat
        lengths = (step.lasts_s for step in scenario.steps)
        self._starts_s = tuple(accumulate(lengths, initial=0.0))[:-1]
        self._before = tuple(_pulls_before(scenario.steps))

    def at(self, at_s: float) -> Moment:
        """Return what the scenario does `at_s` seconds after the start."""
        into_s = at_s - self._delay_s
        if into_s < 0 or not self._steps:
            return _NOTHING
        if self._repeats:
            into_s %= self._lasts_s
        index = bisect_right(self._starts_s, into_s) - 1
        step = self._steps[index]
        share = _share(into_s - self._starts_s[index], step)
        return Moment(_pulled(self._before[index], step, share), step)

    def measurements(self) -> Iterator[tuple[int, str]]:
        """Yield (at_ms, vital) of extra measurements in time; endless if it repeats."""
        round_s = self._delay_s
        while True:
            for start_s, step in zip(self._starts_s, self._steps, strict=True):
                for vital in step.measure:
                    yield round(1_000 * (round_s + start_s)), vital
            if not self._repeats or not any(step.measure for step in self._steps):
                return
            round_s += self._lasts_s


def _share(into_s: float, step: Step) -> float:
    ramp_s = step.lasts_s if step.ramp_s is None else step.ramp_s
    return 1.0 if into_s >= ramp_s else into_s / ramp_s


def _pulled(
    before: dict[Parameter, Pull], step: Step, share: float
) -> dict[Parameter, Pull]:
    """Return the pulls once a `share` of the step's ramp is behind."""
    if not step.to and not step.recover:
        return before
    pulls = dict(before)
    for name in step.recovering() & pulls.keys():
        pulls[name] = Pull(pulls[name].target, pulls[name].weight * (1 - share))
    for name, target in step.to.items():
        was = before.get(name, Pull(target, 0.0))
        moved = was.target + share * (target - was.target)
        pulls[name] = Pull(moved, was.weight + share * (1 - was.weight))
    return pulls


def _pulls_before(steps: tuple[Step, ...]) -> Iterator[dict[Parameter, Pull]]:
    """Yield the pulls at the start of each step."""
    pulls: dict[Parameter, Pull] = {}
    for step in steps:
        yield pulls
        after = _pulled(pulls, step, 1.0)
        pulls = {name: pull for name, pull in after.items() if pull.weight > 0}
