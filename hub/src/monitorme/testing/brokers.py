"""Real brokers and buses for tests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monitorme import credentials
from monitorme.broker.embedded import EmbeddedBroker
from monitorme.broker.mosquitto import Mosquitto
from monitorme.broker.process import BrokerProcess
from monitorme.bus import BusSettings, MqttBus
from monitorme.messaging import Will
from monitorme.site import BrokerKind
from monitorme.testing import needs


@contextmanager
def running_broker(
    folder: Path, kind: BrokerKind = BrokerKind.MOSQUITTO
) -> Iterator[BrokerProcess]:
    """Run a real broker on a free port; skips where its program is absent."""
    make: type[BrokerProcess] = EmbeddedBroker
    if kind is BrokerKind.MOSQUITTO:
        needs.program("mosquitto")
        make = Mosquitto
    secret_file = folder / "secret"
    with make(
        host="127.0.0.1", port=0, folder=folder / "broker", secret_file=secret_file
    ) as broker:
        credentials.load_secret(secret_file)
        yield broker


def bus_on(
    broker: BrokerProcess,
    client_id: str,
    subscriptions: Sequence[str] = (),
    *,
    clean_session: bool = False,
    will: Will | None = None,
    linger_ms: int = 0,
) -> MqttBus:
    """Return a connected bus on a broker of `running_broker`."""
    secret = credentials.load_secret(broker.secret_file)
    bus = MqttBus(
        BusSettings(
            host=broker.host,
            port=broker.port,
            client_id=client_id,
            password=credentials.password_for(secret, client_id),
            subscriptions=tuple(subscriptions),
            clean_session=clean_session,
            will=will,
            linger_ms=linger_ms,
        )
    )
    try:
        assert bus.wait_connected(10), f"{client_id} could not connect"
    except BaseException:
        bus.close()
        raise
    return bus
