"""What doctor and status make of what a service says of itself."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from monitorme.checkup import examine_services
from monitorme.contract.payloads import Priority, Service, ServiceState, decode
from monitorme.finding import Verdict
from monitorme.host import birth
from monitorme.messaging import Message
from monitorme.plugin import Plugin, PluginConfig
from monitorme.testing import PluginRun


class Idle(Plugin[PluginConfig]):
    """Does nothing, and may say something."""

    name = "idle"
    Config = PluginConfig

    def handle(self, batch: Sequence[Message]) -> None:
        """Do nothing."""


@pytest.fixture
def idle(tmp_path: Path) -> PluginRun:
    return PluginRun(Idle, tmp_path / "idle")


def told(run: PluginRun) -> Service:
    run.host._report(ServiceState.RUNNING)
    return decode(Service, run.published("monitorme/v1/service/+/+")[-1].payload)


def verdicts(service: Service) -> list[tuple[Verdict, str]]:
    found = examine_services([service], service.time_ms)
    return [(one.verdict, one.text) for one in found if one.verdict != Verdict.FINE]


def test_an_alarm_is_wrong_and_a_trouble_that_reads_the_same_a_warning(
    idle: PluginRun,
) -> None:
    idle.context.alarm("disk", "it is full", Priority.MEDIUM)
    idle.context.trouble["other_disk"] = "it is full"
    service = told(idle)
    assert verdicts(service) == [
        (Verdict.WRONG, "it is full"),
        (Verdict.WARNING, "it is full"),
    ]


def test_a_subject_with_an_id_in_it_and_a_long_sentence_can_be_told(
    idle: PluginRun,
) -> None:
    idle.context.trouble["device_D-1"] = "x" * 1_000
    (trouble,) = told(idle).troubles
    assert (trouble.code, len(trouble.text)) == ("device_d_1", 500)


def test_an_older_service_says_only_texts() -> None:
    service = birth("idle", "1", "0.0.1").model_copy(
        update={"state": ServiceState.RUNNING, "trouble": ("it is full",)}
    )
    assert verdicts(service) == [(Verdict.WARNING, "it is full")]
