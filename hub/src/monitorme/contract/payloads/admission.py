"""Who lies in a bed."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from monitorme.contract.payloads.payload import Id, Milliseconds, Payload, Text


class Category(StrEnum):
    """The kind of patient that limits are chosen by."""

    ADULT = "adult"
    PAEDIATRIC = "paediatric"
    NEONATE = "neonate"


class Admission(Payload):
    """Who lies in a bed, and since when. The only topic that carries a name."""

    admission: Id
    """Names this stay; it goes with the patient from bed to bed."""
    patient: Id
    """Names the patient for ever."""
    name: Text
    """The patient's name, as staff say it."""
    mrn: Text
    """The hospital's medical record number."""
    category: Category
    """The kind of patient."""
    birth_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    """Date of birth, ISO 8601."""
    sex: Literal["female", "male", "other", "unknown"] = "unknown"
    """Administrative sex, as in FHIR."""
    admitted_ms: Milliseconds
    """When the stay began."""
    since_ms: Milliseconds
    """Since when the patient lies in this bed: older readings are someone else's."""
