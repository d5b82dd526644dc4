"""The bus beside plain paho, on the same Mosquitto: processor time per message.

Run by `make bench`. Both receive with QoS 1 and acknowledge by hand.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from monitorme.broker.mosquitto import Mosquitto
from monitorme.bus import BusSettings, MqttBus

MESSAGES = 60_000
RATE_PER_S = 2_110
RATE_SECONDS = 6
PAYLOAD = (
    b'{"device":"ward-a-bed-01-monitor","boot":"0198-a1b2","seq":4711,'
    b'"time_ms":1796000000123,"value":72.0,"quality":"good"}'
)


def publish(port: int, count: int, rate_per_s: float | None) -> None:
    """Publish from another process: flat out, or evenly spread."""
    bus = MqttBus(BusSettings("127.0.0.1", port, "bench-writer", linger_ms=0))
    assert bus.wait_connected(5)
    began_s = time.monotonic()
    for number in range(count):
        bus.publish(f"monitorme/v1/w/bed-{number % 500}/vital/heart_rate", PAYLOAD)
        if rate_per_s is not None:
            ahead_s = number / rate_per_s - (time.monotonic() - began_s)
            if ahead_s > 0.001:
                bus.idle(seconds=ahead_s)
        elif number % 1_000 == 999:
            bus.flush(timeout_s=30)
    bus.flush(timeout_s=60)
    bus.close()


def receive_with_bus(port: int, count: int, linger_ms: int) -> None:
    """Receive and acknowledge so many messages with the bus."""
    settings = BusSettings(
        "127.0.0.1", port, "bench-reader", subscriptions=("#",), linger_ms=linger_ms
    )
    with MqttBus(settings) as bus:
        left = count
        while left > 0:
            batch = bus.receive(timeout_s=5)
            assert batch is not None
            left -= len(batch.messages)
            bus.acknowledge(batch)
        bus.idle(seconds=0.2)


def receive_with_paho(port: int, count: int, _: int) -> None:
    """Receive and acknowledge so many messages with plain paho."""
    left = count
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        "bench-reader",
        clean_session=False,
        manual_ack=True,
    )

    def take(client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        nonlocal left
        left -= 1
        client.ack(message.mid, message.qos)

    client.on_message = take
    client.connect("127.0.0.1", port)
    client.subscribe("#", 1)
    client.loop_start()
    while left > 0:
        time.sleep(0.01)
    time.sleep(0.2)
    client.loop_stop()


def measure(
    receive: Callable[[int, int, int], None],
    port: int,
    count: int,
    rate_per_s: float | None,
    linger_ms: int,
) -> tuple[float, float]:
    """Return messages a second, and processor us a message of the receiver."""
    writer = multiprocessing.Process(target=publish, args=(port, count, rate_per_s))
    writer.start()
    wall_s, processor_s = time.monotonic(), time.process_time()
    receive(port, count, linger_ms)
    processor_s = time.process_time() - processor_s
    wall_s = time.monotonic() - wall_s
    writer.join()
    return count / wall_s, processor_s / count * 1e6


def main() -> None:
    """Print the table."""
    spread = RATE_PER_S * RATE_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(
            host="127.0.0.1",
            port=0,
            folder=Path(folder),
            secret_file=Path(folder) / "s",
        )
        with broker:
            port = broker.port
            rows = [
                ("plain paho, flat out", receive_with_paho, MESSAGES // 3, None, 0),
                ("bus, flat out", receive_with_bus, MESSAGES, None, 5),
                ("plain paho, 2,110/s", receive_with_paho, spread, RATE_PER_S, 0),
                ("bus, 2,110/s, linger 5 ms", receive_with_bus, spread, RATE_PER_S, 5),
                (
                    "bus, 2,110/s, linger 20 ms",
                    receive_with_bus,
                    spread,
                    RATE_PER_S,
                    20,
                ),
            ]
            figures = {}
            print(
                f"{'receive and acknowledge, QoS 1':32}{'messages/s':>12}{'us each':>9}"
            )
            for name, receive, count, rate, linger in rows:
                speed, cost = measure(receive, port, count, rate, linger)
                figures[name] = cost
                print(f"{name:32}{speed:12,.0f}{cost:9.1f}")
    flat = figures["bus, flat out"] / figures["plain paho, flat out"]
    slow = figures["bus, 2,110/s, linger 5 ms"] / figures["plain paho, 2,110/s"]
    print(f"bus / paho: {flat:.2f} flat out, {slow:.2f} at 2,110/s")


if __name__ == "__main__":
    main()
