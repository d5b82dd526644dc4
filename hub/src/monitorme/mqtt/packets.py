"""MQTT 3.1.1 packets on the hot path: walked out of large reads, built in one piece.

Plain paho spends about seven system calls on a message. Here one large read is walked
at once: PUBLISH and PUBACK are taken out, everything else is left to paho.
"""

from dataclasses import dataclass, field
from typing import Final

MAX_PACKET_BYTES: Final = 1024 * 1024
"""A larger packet is a defect or an attack: the connection is closed."""
PUBACK: Final = b"\x40\x02"
"""What every PUBACK begins with; the packet id of two bytes follows."""

_PUBLISH_TYPE: Final = 3
_PUBACK_TYPE: Final = 4
_DUPLICATE: Final = 0x08
_QOS_1: Final = 0x02
_RETAIN: Final = 0x01
PLAIN: Final = _PUBLISH_TYPE << 4 | _QOS_1
"""The first byte of a PUBLISH with QoS 1, neither retained nor sent before."""


Publish = tuple[bytes, bytes, bytes, int]
"""Topic, packet id as its two bytes (empty for QoS 0), payload, first byte."""


class MalformedPacket(Exception):
    """The other side does not speak MQTT; only closing the connection helps."""


@dataclass(slots=True)
class Walked:
    """What a read held.

    `confirmed` are packet ids of our own publishes; `others` is everything else as it
    came; `rest` begins a packet whose end has not been read yet.
    """

    publishes: list[Publish] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)
    rest: bytes = b""


def walk(data: bytes) -> Walked:
    """Take the packets out of `data`; raises MalformedPacket."""
    walked = Walked()
    publishes = walked.publishes
    start, end = 0, len(data)
    while end - start >= 2:
        first = data[start]
        # The remaining length of most packets is one byte or two.
        length = data[start + 1]
        body = start + 2
        if length >= 0x80 and start + 3 <= end and data[start + 2] < 0x80:
            length += (data[start + 2] - 1) << 7
            body = start + 3
        elif length >= 0x80:
            decoded = _long_length(data, start + 1, end)
            if decoded is None:
                break
            length, body = decoded
        stop = body + length
        if stop > end:
            break
        packet_type = first >> 4
        if first == PLAIN:
            # Nearly all are this: what `_publish` does, without the call.
            topic = body + 2
            packet_id = (
                topic + (data[body] << 8 | data[body + 1]) if length > 1 else end
            )
            payload = packet_id + 2
            if payload > stop:
                raise MalformedPacket("PUBLISH shorter than its topic")
            publishes.append(
                (
                    data[topic:packet_id],
                    data[packet_id:payload],
                    data[payload:stop],
                    first,
                )
            )
        elif packet_type == _PUBLISH_TYPE and not first & 0x04:
            publishes.append(_publish(data, first, body, stop))
        elif packet_type == _PUBACK_TYPE:
            if length != 2:
                raise MalformedPacket(f"PUBACK of {length} bytes")
            walked.confirmed.append(data[body] << 8 | data[body + 1])
        else:
            walked.others.append(data[start:stop])
        start = stop
    walked.rest = data[start:]
    return walked


def _long_length(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return length and start of the body, or None where more has to be read."""
    length = shift = 0
    for position in range(start, min(start + 4, end)):
        byte = data[position]
        length |= (byte & 0x7F) << shift
        if length > MAX_PACKET_BYTES:
            raise MalformedPacket(f"packet of more than {MAX_PACKET_BYTES} bytes")
        if byte < 0x80:
            return length, position + 1
        shift += 7
    if end - start >= 4:
        raise MalformedPacket("remaining length of more than four bytes")
    return None


def _publish(data: bytes, first: int, body: int, stop: int) -> Publish:
    topic_start = body + 2
    if topic_start > stop:
        raise MalformedPacket("PUBLISH without a topic")
    topic_stop = topic_start + (data[body] << 8 | data[body + 1])
    payload_start = topic_stop + 2 if first & _QOS_1 else topic_stop
    if payload_start > stop:
        raise MalformedPacket("PUBLISH shorter than its topic")
    return (
        data[topic_start:topic_stop],
        data[topic_stop:payload_start],
        data[payload_start:stop],
        first,
    )


def is_retained(first: int) -> bool:
    """Say whether a PUBLISH's first byte has RETAIN set."""
    return bool(first & _RETAIN)


def is_duplicate(first: int) -> bool:
    """Say whether a PUBLISH's first byte has DUP set."""
    return bool(first & _DUPLICATE)


def publish_packet(
    topic: bytes, payload: bytes, packet_id: int, *, retain: bool = False
) -> bytes:
    """Return a PUBLISH with QoS 1."""
    first = 0x30 | _QOS_1 | (_RETAIN if retain else 0)
    body = b"%b%b%b" % (
        len(topic).to_bytes(2, "big"),
        topic,
        packet_id.to_bytes(2, "big"),
    )
    length = remaining_length(len(body) + len(payload))
    return b"%c%b%b%b" % (first, length, body, payload)


def as_duplicate(packet: bytes) -> bytes:
    """Return a PUBLISH marked as sent before."""
    return bytes([packet[0] | _DUPLICATE]) + packet[1:]


def remaining_length(length: int) -> bytes:
    """Return a remaining length as MQTT writes it (3.1.1, section 2.2.3)."""
    encoded = bytearray()
    while True:
        length, low = divmod(length, 128)
        encoded.append(low | 0x80 if length else low)
        if not length:
            return bytes(encoded)


def acknowledgements(packet_ids: list[bytes]) -> bytes:
    """Return the PUBACKs of packet ids of two bytes each, in one run."""
    return PUBACK + PUBACK.join(packet_ids) if packet_ids else b""
