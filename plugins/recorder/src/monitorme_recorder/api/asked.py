"""About whom and about when a question is: a bed, or a patient from bed to bed."""

from collections.abc import Callable
from typing import NamedTuple

from fastapi import HTTPException

from monitorme_recorder.api.questions import Id, Ms, wanted_period
from monitorme_recorder.history.legs import Leg, legs_of
from monitorme_recorder.history.past import Past
from monitorme_recorder.history.stays import Stay
from monitorme_recorder.history_store import Period

Who = Callable[[Past, Callable[[], int], int], Callable[..., "Asked"]]
"""Makes questions about somebody, of a span where they have no beginning."""


class Asked(NamedTuple):
    """A period, where to look in it, and who lay there."""

    period: Period
    legs: list[Leg]
    stays: list[Stay]


def of_bed(past: Past, now_ms: Callable[[], int], span_ms: int) -> Callable[..., Asked]:
    """Return what makes a question about a bed, whoever lay there."""

    def asked(ward: Id, bed: Id, from_ms: Ms = None, to_ms: Ms = None) -> Asked:
        period = wanted_period(from_ms, to_ms, now_ms(), span_ms)
        stays = past.stays.of_bed(ward, bed, period)
        return Asked(period, [Leg(ward, bed, period)], stays)

    return asked


def of_patient(
    past: Past, now_ms: Callable[[], int], span_ms: int
) -> Callable[..., Asked]:
    """Return what makes a question about a patient, in whichever beds they lay."""

    def asked(patient: Id, from_ms: Ms = None, to_ms: Ms = None) -> Asked:
        period = wanted_period(from_ms, to_ms, now_ms(), span_ms)
        if not past.stays.knows(patient):
            raise HTTPException(
                404,
                f"no patient {patient!r} has lain here, by id or by record number",
            )
        stays = past.stays.of_patient(patient, period)
        return Asked(period, legs_of(stays, period), stays)

    return asked
