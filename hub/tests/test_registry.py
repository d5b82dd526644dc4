"""The registry, as a service: commands in, retained admissions out."""

from pathlib import Path

import pytest

from monitorme.contract.payloads import Admission, Command, DeviceStatus
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    CommandTopic,
    DeviceTopic,
    ReplyTopic,
    admission_filter,
    event_filter,
)
from monitorme.registry.plugin import Registry
from monitorme.testing import PluginRun

ONE, TWO = BedId("ward-a", "bed-01"), BedId("ward-a", "bed-02")


@pytest.fixture
def registry(tmp_path: Path) -> PluginRun:
    return PluginRun(Registry, tmp_path / "registry")


def admit(registry: PluginRun, bed: BedId, mrn: str) -> None:
    reply = registry.request("admit", ward=bed.ward, bed=bed.bed, name="Ada", mrn=mrn)
    assert reply.ok, reply.error


def occupant(registry: PluginRun, bed: BedId) -> Admission | None:
    return registry.last(AdmissionTopic(bed), Admission)


def lies_in(registry: PluginRun, bed: BedId) -> str | None:
    admission = occupant(registry, bed)
    return admission.mrn if admission else None


def test_admitting_publishes_who_lies_there(registry: PluginRun) -> None:
    admit(registry, ONE, "4711")
    admission = occupant(registry, ONE)
    assert admission is not None
    assert (admission.mrn, admission.since_ms) == ("4711", registry.now_ms)
    assert str(AdmissionTopic(ONE)) in registry.broker.retained


def test_an_occupied_bed_is_refused_and_nothing_changes(registry: PluginRun) -> None:
    admit(registry, ONE, "4711")
    reply = registry.request("admit", ward="ward-a", bed="bed-01", name="B", mrn="2")
    assert not reply.ok
    assert "occupied" in (reply.error or "")
    assert lies_in(registry, ONE) == "4711"


def test_a_patient_lies_in_one_bed_only(registry: PluginRun) -> None:
    admit(registry, ONE, "4711")
    reply = registry.request("admit", ward="ward-a", bed="bed-02", name="A", mrn="4711")
    assert "transfer instead" in (reply.error or "")


def test_a_transfer_clears_the_old_bed_before_it_fills_the_new(
    registry: PluginRun,
) -> None:
    admit(registry, ONE, "4711")
    seen = len(registry.published(admission_filter()))
    registry.now_ms += 60_000
    reply = registry.request(
        "transfer", ward="ward-a", bed="bed-01", to_ward="ward-a", to_bed="bed-02"
    )
    assert reply.ok, reply.error
    first, second = registry.published(admission_filter())[seen:]
    assert (first.topic, first.payload) == (str(AdmissionTopic(ONE)), b"")
    assert second.topic == str(AdmissionTopic(TWO))
    moved = occupant(registry, TWO)
    assert moved is not None
    assert moved.since_ms == registry.now_ms > moved.admitted_ms


def test_two_patients_can_exchange_their_beds(registry: PluginRun) -> None:
    admit(registry, ONE, "1")
    admit(registry, TWO, "2")
    to = {"to_ward": "ward-a", "to_bed": "bed-02"}
    assert not registry.request("transfer", ward="ward-a", bed="bed-01", **to).ok
    reply = registry.request(
        "transfer", ward="ward-a", bed="bed-01", exchange=True, **to
    )
    assert reply.ok, reply.error
    assert lies_in(registry, ONE) == "2"
    assert lies_in(registry, TWO) == "1"


def test_discharging_empties_the_bed_and_is_told_without_a_name(
    registry: PluginRun,
) -> None:
    admit(registry, ONE, "4711")
    assert registry.request("discharge", ward="ward-a", bed="bed-01").ok
    assert occupant(registry, ONE) is None
    events = registry.published(event_filter())
    assert [b"Ada" in message.payload for message in events] == [False, False]
    assert not registry.request("discharge", ward="ward-a", bed="bed-01").ok


def test_admissions_survive_a_crash(registry: PluginRun) -> None:
    admit(registry, ONE, "4711")
    registry.broker.retained.clear()
    registry.restart()
    assert lies_in(registry, ONE) == "4711"


def test_an_unknown_bed_is_refused_with_what_to_do(registry: PluginRun) -> None:
    reply = registry.request("admit", ward="ward-a", bed="bed-99", name="A", mrn="1")
    assert "[wards]" in (reply.error or "")


@pytest.mark.parametrize(
    "args",
    [
        {"ward": "ward-a", "bed": "bed-01", "name": "A"},
        {"ward": "ward-a", "bed": "bed-01", "name": "A", "mrn": 5},
        {"ward": "Ward A", "bed": "bed-01", "name": "A", "mrn": "5"},
        {"ward": "ward-a", "bed": "bed-01", "name": "A", "mrn": "5", "x": 1},
    ],
)
def test_wrong_arguments_are_refused_by_name(
    registry: PluginRun, args: dict[str, object]
) -> None:
    reply = registry.request("admit", **args)
    assert not reply.ok
    assert reply.error


def test_a_stale_command_is_not_carried_out(registry: PluginRun) -> None:
    late = Command(
        id="late",
        time_ms=registry.now_ms - 60_000,
        expires_ms=registry.now_ms - 1,
        by="tester",
        args={"ward": "ward-a", "bed": "bed-01", "name": "A", "mrn": "5"},
    )
    registry.send(CommandTopic("registry", "admit"), late)
    assert occupant(registry, ONE) is None
    assert b'"ok":false' in (registry.broker.last(ReplyTopic("late")) or b"")


def test_garbage_is_counted_and_stops_nothing(registry: PluginRun) -> None:
    registry.send(CommandTopic("registry", "admit"), b"\xff{")
    registry.send(DeviceTopic(ONE, "d-1", "status"), b"[]")
    assert registry.context.counts["refused_unparsable"] == 1
    assert registry.context.counts["refused_wrong_type"] == 1
    admit(registry, ONE, "4711")


def birth(device: str, boot: str = "b1", state: str = "online") -> DeviceStatus:
    return DeviceStatus.model_validate(
        {"device": device, "boot": boot, "state": state, "time_ms": 1}, strict=False
    )


def test_devices_introduce_themselves(registry: PluginRun) -> None:
    registry.send(DeviceTopic(ONE, "d-1", "status"), birth("d-1"), retain=True)
    (known,) = registry.request("devices").result["devices"]
    assert (known["device"], known["bed"], known["state"]) == (
        "d-1",
        "ward-a/bed-01",
        "online",
    )


def test_a_late_will_of_an_older_boot_is_ignored(registry: PluginRun) -> None:
    topic = DeviceTopic(ONE, "d-1", "status")
    registry.send(topic, birth("d-1", "b2"))
    registry.send(topic, birth("d-1", "b1", "offline"))
    (known,) = registry.request("devices").result["devices"]
    assert known["state"] == "online"


def test_two_devices_that_claim_one_id_are_named(registry: PluginRun) -> None:
    registry.send(DeviceTopic(ONE, "d-1", "status"), birth("d-1"))
    registry.send(DeviceTopic(TWO, "d-1", "status"), birth("d-1", "b9"))
    assert "two devices" in registry.context.trouble["device_d-1"]
