"""The past of a patient: from bed to bed, and never of who lay there before."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from monitorme.plugin import Context
from monitorme_recorder.api.asked import of_patient
from monitorme_recorder.api.charts import add_charts
from monitorme_recorder.api.exports import add_export
from monitorme_recorder.api.models import Problem
from monitorme_recorder.history.past import Past

_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "This patient has lain in none of the beds."}
}


def patient_routes(past: Past, context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(
        prefix="/v1/patients/{patient}", tags=["patients"], responses=_UNKNOWN
    )
    add_charts(router, past, context, of_patient)
    add_export(router, past, context, of_patient)
    return router


def record_number_routes(past: Past) -> APIRouter:
    """Return the route that finds a patient."""
    router = APIRouter(prefix="/v1", tags=["patients"])

    @router.get("/patients")
    def patients(mrn: Annotated[str, Query(min_length=1, max_length=500)]) -> list[str]:
        """Return the patients that were admitted under a medical record number."""
        return past.stays.patients(mrn)

    return router
