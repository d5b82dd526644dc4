"""Saying by which limits each patient is judged: at once when they change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monitorme.contract.payloads import LimitsInForce, LimitsOfNumber
from monitorme.contract.topics import BedId, LimitsTopic
from monitorme.messaging import Publisher
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.limit import Band, Sleep, VitalLimits

REPEAT_MS: Final = 300_000
"""Said again so often, so that a broker that has lost what it retained heals."""


@dataclass(frozen=True, slots=True)
class _Said:
    said_ms: int
    admission: str | None
    sleep: Sleep
    limits: Mapping[str, VitalLimits] | None


class LimitsTeller:
    """Publishes what is in force for a bed when it has changed, and now and then."""

    def __init__(self, bus: Publisher) -> None:
        self._bus = bus
        self._said: dict[BedId, _Said] = {}

    def say(self, bed: BedId, analysis: BedAnalysis, now_ms: int) -> None:
        """Publish the limits of a bed where they are not those that were said last."""
        context = analysis.context
        said = self._said.get(bed)
        admission, sleep = context.admission, context.sleep(now_ms)
        if said is not None and said.admission == admission:
            # The limits are another object whenever they may have changed.
            is_same = said.limits is context.limits and said.sleep == sleep
            is_fresh = now_ms - said.said_ms < REPEAT_MS
            if (is_same and is_fresh) or admission is None:
                return
        self._said[bed] = _Said(now_ms, admission, sleep, context.limits)
        if admission is None:
            self._bus.publish(str(LimitsTopic(bed)), b"", retain=True)
            return
        in_force = LimitsInForce(
            admission=admission,
            sleep=sleep,
            limits={
                name: _of_number(one.band(sleep))
                for name, one in context.limits.items()
            },
            of_patient=tuple(sorted(analysis.stay.limits)),
            time_ms=now_ms,
        )
        self._bus.publish(LimitsTopic(bed), in_force, retain=True)


def _of_number(band: Band) -> LimitsOfNumber:
    return LimitsOfNumber(
        critical_low=band.critical_low,
        low=band.low,
        high=band.high,
        critical_high=band.critical_high,
    )
