"""How a command finds what runs, on a real broker."""

import threading
import time
from pathlib import Path

import pytest

from monitorme.commands import connection
from monitorme.contract.payloads import Service, ServiceState
from monitorme.contract.topics import ServiceTopic
from monitorme.errors import MonitorMeError
from monitorme.testing.brokers import bus_on, running_broker

URL = "http://127.0.0.1:7777"


@pytest.mark.broker
def test_a_recorder_that_is_just_back_is_waited_for(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker, bus_on(broker, "recorder-1") as bus:
        topic = ServiceTopic("recorder", "1")
        gone = Service(
            service="recorder",
            instance="1",
            state=ServiceState.OFFLINE,
            pid=1,
            version="1",
            time_ms=1,
            started_ms=1,
        )
        bus.publish(topic, gone, retain=True)
        assert bus.flush(timeout_s=5)

        def come_back() -> None:
            time.sleep(1)
            back = {"state": ServiceState.RUNNING, "endpoints": {"history": URL}}
            bus.publish(topic, gone.model_copy(update=back), retain=True)
            bus.flush(timeout_s=5)

        recorder = threading.Thread(target=come_back)
        recorder.start()
        url = f"mqtt://{broker.host}:{broker.port}"
        try:
            assert connection.history_url(tmp_path, url) == URL
        finally:
            recorder.join()


@pytest.mark.broker
def test_where_there_is_no_recorder_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RECORDER_TIMEOUT_S", 0.5)
    with running_broker(tmp_path) as broker:
        url = f"mqtt://{broker.host}:{broker.port}"
        with pytest.raises(MonitorMeError, match="is it running"):
            connection.history_url(tmp_path, url)
