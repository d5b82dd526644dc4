"""What a page says when the services behind it are not there."""

import time

import pytest

from monitorme.contract.payloads import Priority, ServiceAlarm
from monitorme_nurse_station import services
from monitorme_nurse_station.services import NEEDED, NO_BROKER, STUCK, Services

START_MS = 1_750_000_000_000
LATER_MS = START_MS + 10_000


def with_all_there(*, now_ms: int = LATER_MS) -> Services:
    heard = Services(now_ms=START_MS)
    for name in NEEDED:
        heard.take(name, "1", is_there=True, now_ms=now_ms)
    return heard


def troubles(heard: Services, *, now_ms: int = LATER_MS) -> list[str]:
    return heard.troubles(is_connected=True, now_ms=now_ms)


def test_where_all_are_there_nothing_is_said() -> None:
    assert troubles(with_all_there()) == []


def test_alarms_of_services_go_with_them() -> None:
    heard = with_all_there()
    alarm = ServiceAlarm(
        code="disk_nearly_full", priority=Priority.MEDIUM, text="full", since_ms=7
    )
    heard.take("recorder", "1", is_there=True, now_ms=LATER_MS, alarms=(alarm,))
    (shown,) = heard.alarms()
    assert (shown["service"], shown["text"], shown["raised_ms"]) == (
        "recorder",
        "full",
        7,
    )
    heard.take("recorder", "1", is_there=False, now_ms=LATER_MS)
    assert heard.alarms() == []


@pytest.mark.parametrize("name", NEEDED)
def test_a_service_that_has_gone_is_told(name: str) -> None:
    heard = with_all_there()
    heard.take(name, "1", is_there=False, now_ms=LATER_MS)
    assert troubles(heard) == [NEEDED[name]]


def test_a_second_instance_keeps_a_service_there() -> None:
    heard = with_all_there()
    heard.take("analysis", "2", is_there=True, now_ms=LATER_MS)
    heard.take("analysis", "1", is_there=False, now_ms=LATER_MS)
    assert troubles(heard) == []


def test_a_service_that_says_nothing_any_more_is_told() -> None:
    heard = with_all_there()
    assert troubles(heard, now_ms=LATER_MS + 20_000) == []
    assert troubles(heard, now_ms=LATER_MS + 20_001) == list(NEEDED.values())


def test_one_that_was_never_heard_of_is_told_after_a_moment() -> None:
    heard = Services(now_ms=START_MS)
    assert troubles(heard, now_ms=START_MS + 4_999) == []
    assert troubles(heard, now_ms=START_MS + 5_000) == list(NEEDED.values())


def test_without_the_broker_nothing_else_matters() -> None:
    found = with_all_there().troubles(is_connected=False, now_ms=LATER_MS)
    assert found == [NO_BROKER]


def test_a_station_that_takes_nothing_in_any_more_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = with_all_there()
    heard.tick()
    assert troubles(heard) == []
    later_s = time.monotonic() + services.STUCK_AFTER_S + 1
    monkeypatch.setattr(services.time, "monotonic", lambda: later_s)
    assert troubles(heard) == [STUCK]
    heard.tick()
    assert troubles(heard) == []
