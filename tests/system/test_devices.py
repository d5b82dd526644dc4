"""A technician sees whose clock is wrong."""

import json
import time
from collections.abc import Callable

import pytest

from monitorme.bus import BusSettings, connect
from monitorme.testing import needs
from tests.system.conftest import System, eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]

BED = "monitorme/v1/ward-a/bed-01"


def test_a_clock_that_is_behind_is_shown_with_its_offset(
    make_system: Callable[..., System],
) -> None:
    needs.program("mosquitto")
    system = make_system()
    settings = BusSettings("127.0.0.1", system.port, "d-1", clean_session=True)
    born = {"device": "d-1", "boot": "b1", "state": "online", "time_ms": 0}
    seq = 0
    with connect(settings) as bus:
        assert bus.wait_connected(30)
        bus.publish(f"{BED}/device/d-1/status", json.dumps(born).encode())

        def is_shown() -> bool:
            nonlocal seq
            seq += 1
            time_ms = int(time.time() * 1000) - 30_000
            reading = {"device": "d-1", "boot": "b1", "seq": seq, "time_ms": time_ms}
            payload = json.dumps({**reading, "value": 70.0, "quality": "good"})
            bus.publish(f"{BED}/vital/heart_rate", payload.encode())
            bus.flush(timeout_s=30)
            (device,) = system.json("devices")["devices"]
            offset_ms = device["clock_offset_ms"]
            return offset_ms is not None and -32_000 < offset_ms < -28_000

        eventually(is_shown, "the offset of the clock is known")
    assert "clock -30" in system.run("devices").stdout
