"""`monitorme analysis limits` and `enter`, over a real broker."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitorme.broker.process import BrokerProcess
from monitorme.contract.payloads import Admission
from monitorme.contract.topics import AdmissionTopic, BedId
from monitorme.contract.vitals import Catalogue
from monitorme.host import Host, birth, subscriptions
from monitorme.plugin import Context, wall_clock_ms
from monitorme.testing.brokers import bus_on, running_broker
from monitorme_analysis.commands import analysis
from monitorme_analysis.config import AnalysisConfig
from monitorme_analysis.plugin import Analysis

pytestmark = pytest.mark.broker

Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Run a command against a service that knows a patient in ward-a/bed-01."""
    with running_broker(tmp_path) as broker, Service(tmp_path, broker) as asked:
        yield asked


class Service:
    """Analysis in a thread, on a real broker, with a patient in a bed."""

    def __init__(self, folder: Path, broker: BrokerProcess) -> None:
        self._folder, self._broker = folder, broker
        self._must_stop = threading.Event()

    def __enter__(self) -> Ask:
        (self._folder / "analysis").mkdir()
        bus = bus_on(
            self._broker, "analysis-1", subscriptions(Analysis, ()), linger_ms=5
        )
        context = Context(bus, Catalogue.load(), self._folder / "analysis")
        host = Host(
            Analysis(AnalysisConfig(), context),
            bus,
            born=birth("analysis", "1", "test"),
        )
        bus.publish(AdmissionTopic(BedId("ward-a", "bed-01")), _someone(), retain=True)

        def run() -> None:
            with bus:
                host.run(self._must_stop.is_set)

        self._thread = threading.Thread(target=run)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not context.counts["messages"]:
            assert time.monotonic() < deadline, "the patient never arrives"
            time.sleep(0.01)
        return self._ask

    def __exit__(self, *error: object) -> None:
        self._must_stop.set()
        self._thread.join()

    def _ask(self, *arguments: str) -> Result:
        where = f"mqtt://127.0.0.1:{self._broker.port}"
        there = ["--broker", where, "--data", str(self._folder)]
        return CliRunner(env={"COLUMNS": "110", "TERM": "dumb"}).invoke(
            analysis, [*arguments, *there]
        )


def _someone() -> Admission:
    now_ms = wall_clock_ms()
    return Admission.model_validate(
        {
            "admission": "a-1",
            "patient": "p-1",
            "name": "Ada",
            "mrn": "1",
            "category": "adult",
            "admitted_ms": now_ms,
            "since_ms": now_ms,
        },
        strict=False,
    )


def test_limits_are_set_shown_and_cleared(ask: Ask) -> None:
    bed = "ward-a/bed-01"
    done = ask("limits", "set", bed, "heart_rate", "--low", "45", "--high", "off")
    assert done.exit_code == 0, done.output
    shown = ask("limits", "show", bed).stdout
    (row,) = [line for line in shown.splitlines() if "heart_rate" in line]
    assert "45" in row
    assert "120" not in row
    assert "the patient" in row
    assert "heart_rate" in ask("limits", "clear", bed).stdout
    shown = ask("limits", "show", bed).stdout
    assert "the patient" not in shown


def rows_of(ask: Ask, vital: str) -> list[list[str]]:
    """Return the cells of a vital's rows, awake and asleep."""
    lines = [
        [cell.strip() for cell in line.split("│")]
        for line in ask("limits", "show", "ward-a/bed-01").stdout.splitlines()
    ]
    first = next(n for n, cells in enumerate(lines) if vital in cells)
    return [cells[2:6] for cells in lines[first : first + 2]]


def test_off_is_off_awake_and_asleep(ask: Ask) -> None:
    done = ask("limits", "set", "ward-a/bed-01", "heart_rate", "--low", "off")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    awake, asleep = rows_of(ask, "heart_rate")
    assert (awake[0], asleep[0]) == ("", "")
    assert (awake[1], asleep[1]) == ("120", "120")


def test_off_for_one_state_of_sleep_says_what_the_other_has(ask: Ask) -> None:
    bed = "ward-a/bed-01"
    done = ask("limits", "set", bed, "heart_rate", "--low", "off", "--awake")
    assert "heart_rate while awake are set" in done.stdout
    assert "heart_rate asleep: low still is 45" in done.stderr
    awake, asleep = rows_of(ask, "heart_rate")
    assert (awake[0], asleep[0]) == ("", "45")
    ask("limits", "set", bed, "heart_rate", "--low", "off", "--asleep")
    assert rows_of(ask, "heart_rate")[1][0] == ""


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "x"])
@pytest.mark.parametrize("option", ["--low", "--deadband"])
def test_what_is_no_number_is_a_usage_error(ask: Ask, option: str, number: str) -> None:
    told = ask("limits", "set", "ward-a/bed-01", "heart_rate", option, number)
    assert told.exit_code == 2
    assert number in told.stderr


def test_what_is_refused_is_said_in_words(ask: Ask) -> None:
    refused = ask("limits", "set", "ward-a/bed-01", "heart_rate", "--low", "200")
    assert refused.exit_code == 1
    assert "limits must rise" in str(refused.exception)
    nobody = ask("limits", "show", "ward-a/bed-02")
    assert "nobody lies in ward-a/bed-02" in str(nobody.exception)


def test_a_limit_that_alarms_at_every_full_saturation_is_said(ask: Ask) -> None:
    told = ask("limits", "set", "bed-01", "oxygen_saturation", "--high", "100")
    assert told.exit_code == 0
    assert "alarms at every 100" in told.stderr


def test_what_staff_enter_is_shown(ask: Ask) -> None:
    ask("enter", "ward-a/bed-01", "--oxygen", "--consciousness", "V")
    shown = ask("limits", "show", "ward-a/bed-01").stdout
    assert "oxygen: yes" in shown
    assert "consciousness: V" in shown


def test_nothing_to_set_is_a_usage_error(ask: Ask) -> None:
    assert ask("limits", "set", "bed-01", "heart_rate").exit_code == 2
    assert ask("limits", "set", "bed-01", "heart_rate", "--low", "x").exit_code == 2
