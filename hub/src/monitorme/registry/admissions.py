"""The rules of admitting, transferring and discharging, without their effects."""

from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_URL, uuid4, uuid5

from pydantic import BaseModel, ConfigDict, Field

from monitorme.commanding import Refused, arguments
from monitorme.contract.payloads import Admission, Category, Command, Id
from monitorme.contract.topics import BedId
from monitorme.errors import ContractError
from monitorme.registry.store import RegistryStore


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Admit(_Arguments):
    """Arguments of `admit`."""

    ward: Id
    bed: Id
    name: str = Field(min_length=1, max_length=200)
    mrn: str = Field(min_length=1, max_length=100)
    patient: Id | None = None
    category: Category = Category.ADULT
    birth_date: str | None = None
    sex: Literal["female", "male", "other", "unknown"] = "unknown"


class Transfer(_Arguments):
    """Arguments of `transfer`; `exchange` swaps the patients of two beds."""

    ward: Id
    bed: Id
    to_ward: Id
    to_bed: Id
    exchange: bool = False


class Discharge(_Arguments):
    """Arguments of `discharge`."""

    ward: Id
    bed: Id


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer that may be carried out."""

    bed: BedId
    admission: Admission
    to: BedId
    exchanged: Admission | None


def admit(
    store: RegistryStore, command: Command, now_ms: int
) -> tuple[BedId, Admission]:
    """Return the bed and the admission to write down; raises Refused."""
    wanted = arguments(Admit, command)
    bed = _free_bed(store, wanted.ward, wanted.bed)
    patient = wanted.patient or _patient_of(wanted.mrn)
    elsewhere = store.bed_of(patient)
    if elsewhere is not None:
        raise Refused(f"the patient already lies in {elsewhere}; transfer instead")
    return bed, Admission(
        admission=str(uuid4()),
        patient=patient,
        name=wanted.name,
        mrn=wanted.mrn,
        category=wanted.category,
        birth_date=wanted.birth_date,
        sex=wanted.sex,
        admitted_ms=now_ms,
        since_ms=now_ms,
    )


def transfer(store: RegistryStore, command: Command, now_ms: int) -> Move:
    """Return the move to write down; raises Refused."""
    wanted = arguments(Transfer, command)
    bed, admission = _occupied_bed(store, wanted.ward, wanted.bed)
    to = _bed(store, wanted.to_ward, wanted.to_bed)
    if to == bed:
        raise Refused(f"the patient already lies in {bed}")
    there = store.occupant(to)
    if there is not None and not wanted.exchange:
        raise Refused(f"{to} is occupied; discharge or transfer that patient first")
    moved = {"since_ms": now_ms}
    return Move(
        bed,
        admission.model_copy(update=moved),
        to,
        there.model_copy(update=moved) if there else None,
    )


def discharge(store: RegistryStore, command: Command) -> tuple[BedId, Admission]:
    """Return the bed to vacate and who lies there; raises Refused."""
    wanted = arguments(Discharge, command)
    return _occupied_bed(store, wanted.ward, wanted.bed)


def _patient_of(mrn: str) -> str:
    """Return the id of a patient who is known by the record number alone."""
    return f"p-{uuid5(NAMESPACE_URL, 'monitorme:mrn:' + mrn)}"


def _bed(store: RegistryStore, ward: str, bed: str) -> BedId:
    try:
        found = BedId(ward, bed)
    except ContractError as error:
        raise Refused(str(error)) from error
    if not store.has_bed(found):
        raise Refused(f"there is no bed {found}; add it to [wards] of the site's file")
    return found


def _free_bed(store: RegistryStore, ward: str, bed: str) -> BedId:
    found = _bed(store, ward, bed)
    if store.occupant(found) is not None:
        raise Refused(f"{found} is occupied; discharge or transfer that patient first")
    return found


def _occupied_bed(store: RegistryStore, ward: str, bed: str) -> tuple[BedId, Admission]:
    found = _bed(store, ward, bed)
    admission = store.occupant(found)
    if admission is None:
        raise Refused(f"nobody lies in {found}")
    return found, admission
