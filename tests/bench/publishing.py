"""Publishes readings faster than anything reads them; a program of its own.

MQTT 3.1.1 by hand on one socket: packets are made beforehand, or one by one as their turn
comes, and confirmations only counted. It prints `ready`, waits for a line, publishes, and
prints how many seconds that took.
"""

import argparse
import json
import socket
import sys
import time
from collections.abc import Iterator

from monitorme.mqtt.packets import publish_packet, remaining_length

WINDOW = 4_000
"""How many may be unconfirmed."""
AT_ONCE = 200


def connect(port: int) -> socket.socket:
    """Return a socket that the broker has accepted."""
    connection = socket.create_connection(("127.0.0.1", port))
    name = f"publisher-{time.time_ns()}".encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    connection.sendall(b"\x10" + remaining_length(len(body)) + body)
    assert connection.recv(4) == b"\x20\x02\x00\x00"
    return connection


def packet(number: int, beds: int, boot: str, time_ms: int) -> bytes:
    """Return the PUBLISH of a reading."""
    bed, seq = number % beds, number // beds + 1
    payload = (
        f'{{"device":"bed-{bed}-monitor","boot":"{boot}","seq":{seq},'
        f'"time_ms":{time_ms},"value":{60 + seq % 40},"quality":"good"}}'
    )
    topic = f"monitorme/v1/ward-{bed // 20}/bed-{bed}/vital/heart_rate"
    return publish_packet(topic.encode(), payload.encode(), number % 65_000 + 1)


class Confirmed:
    """Counts confirmations: nothing but PUBACKs of four bytes comes back."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._bytes = 0

    def wait_for(self, count: int) -> None:
        """Wait until so many are confirmed."""
        while self._bytes < 4 * count:
            self._bytes += len(self._connection.recv(65_536))

    def take(self) -> None:
        """Take what has come, without waiting."""
        try:
            self._bytes += len(self._connection.recv(65_536, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return


def flat_out(connection: socket.socket, packets: list[bytes]) -> None:
    """Send as fast as the broker confirms."""
    confirmed = Confirmed(connection)
    for start in range(0, len(packets), AT_ONCE):
        connection.sendall(b"".join(packets[start : start + AT_ONCE]))
        confirmed.wait_for(start + AT_ONCE - WINDOW)
    confirmed.wait_for(len(packets))


def spread(connection: socket.socket, packets: Iterator[bytes], rate: float) -> None:
    """Send each message by itself, evenly."""
    confirmed = Confirmed(connection)
    began_s = time.perf_counter()
    number = 0
    for number, one in enumerate(packets, 1):
        ahead_s = began_s + number / rate - time.perf_counter()
        if ahead_s > 0:
            time.sleep(ahead_s)
        connection.sendall(one)
        if number % 100 == 0:
            confirmed.take()
    confirmed.wait_for(number)


def main() -> None:
    """Publish what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("boot")
    parser.add_argument("--beds", type=int, default=500)
    parser.add_argument("--rate", type=float)
    wanted = parser.parse_args()
    connection = connect(wanted.port)
    started_ms = time.time_ns() // 1_000_000
    numbers = range(wanted.count)
    made: list[bytes] = []
    if wanted.rate is None:
        # Five a second of each device lie behind: as many times as readings.
        first_ms = started_ms - wanted.count // wanted.beds * 200
        made = [
            packet(n, wanted.beds, wanted.boot, first_ms + n // wanted.beds * 200)
            for n in numbers
        ]
    print("ready", flush=True)
    sys.stdin.readline()
    began_s = time.perf_counter()
    if wanted.rate is None:
        flat_out(connection, made)
    else:
        live = (
            packet(n, wanted.beds, wanted.boot, time.time_ns() // 1_000_000)
            for n in numbers
        )
        spread(connection, live, wanted.rate)
    print(json.dumps({"seconds": time.perf_counter() - began_s}), flush=True)
    connection.close()


if __name__ == "__main__":
    main()
