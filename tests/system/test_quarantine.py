"""What was refused is tried again once its cause is gone, and lost by no try."""

import json
import urllib.request
from collections.abc import Callable

import pytest

from monitorme.bus import BusSettings, connect
from monitorme.samples import sample_files
from monitorme.testing import needs
from tests.system.conftest import System, eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]

PULSE = """
[pulse_rate]
label = "PR"
name = "pulse rate"
kind = "numeric"
unit = "/min"
cadence_ms = 1000
stale_after_ms = 5000
decimals = 0
plausible = [0, 350]
loinc = "8889-8"
mdc = 149530
"""


def test_a_reading_of_an_unknown_vital_is_stored_once_the_catalogue_has_it(
    make_system: Callable[..., System],
) -> None:
    needs.program("mosquitto")
    system = make_system()
    now_ms = system.service("recorder")["time_ms"]
    reading = {"device": "d-1", "boot": "b1", "seq": 1, "time_ms": now_ms}
    pulse = json.dumps({**reading, "value": 61.0, "quality": "good"}).encode()
    settings = BusSettings("127.0.0.1", system.port, "device-1", clean_session=True)
    with connect(settings) as bus:
        assert bus.wait_connected(30)
        bus.publish("monitorme/v1/ward-a/bed-01/vital/pulse_rate", pulse)
        bus.publish("monitorme/v1/ward-a/bed-01/vital/heart_rate", b"no JSON")
        assert bus.flush(timeout_s=30)

    def refused() -> list[dict[str, str]]:
        found: list[dict[str, str]] = system.json("recorder", "quarantine")["refused"]
        return found

    eventually(lambda: len(refused()) == 2, "both are in quarantine")
    assert system.down() == 0
    vitals = system.config.with_name("vitals.toml")
    vitals.write_text(sample_files()["vitals.toml"] + PULSE)
    system.config.write_text(f'vitals = "{vitals}"\n' + system.config.read_text())
    system.up()
    retried = system.json("recorder", "quarantine", "--retry")
    assert retried == {"retried": 2, "left": 0}
    eventually(
        lambda: [one["reason"][:10] for one in refused()] == ["unparsable"],
        "the one that cannot be read is back, the other is not",
    )
    url = f"{system.url('recorder', 'history')}/v1/beds/ward-a/bed-01/latest"
    with urllib.request.urlopen(url) as answer:
        assert json.load(answer)["pulse_rate"]["value"] == 61.0
