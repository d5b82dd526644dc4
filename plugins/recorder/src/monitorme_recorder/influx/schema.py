"""How readings stand in InfluxDB: names, fields and times (docs/influxdb.md).

A measurement is a vital; its tags say where and by which device. The nanoseconds of a
timestamp below the millisecond tell readings of one series apart, so that none overwrites
another, and the same reading sent twice has the same timestamp.
"""

import zlib
from typing import Final

NS_OF_MS: Final = 1_000_000
LAST_MS: Final = 9_223_372_036_854
"""InfluxDB knows no later millisecond (2262): nanoseconds in 64 bits."""
TAGS: Final = frozenset({"ward", "bed", "device", "lead"})
ABOUT: Final = frozenset(
    {"time", "seq", "boot", "delay_ms", "device_ms", "quality", "reason"}
)
"""The fields that say something about a reading; all others are its value."""
NAMED: Final = frozenset({"seq", "boot", "delay_ms"})
"""Those of them that every reading has."""
BLOCK: Final = frozenset(
    {"rate_hz", "unit", "scale", "offset", "samples", "encoding", "data"}
)
"""The fields of a waveform's block; a long one goes on in `data_1`, `data_2` …"""
NUMBER: Final = "value"
STATE: Final = "state"
SENT: Final = "sent_"
"""Begins the fields of a value that was sent but cannot be used."""
_TAKEN: Final = TAGS | ABOUT | BLOCK | {NUMBER, STATE}


def shift_of(boot: str) -> int:
    """Return what a boot adds to the sub-millisecond part of its readings' times.

    A device whose clock begins anew at every start says the same times with the same
    seqs again: these are other readings.
    """
    return zlib.crc32(boot.encode()) % NS_OF_MS


def time_ns(at_ms: int, seq: int, shift: int) -> int:
    """Return the timestamp of a reading; within a boot no two of a million share one."""
    return at_ms * NS_OF_MS + (seq + shift) % NS_OF_MS


def field_of(component: str) -> str:
    """Return the field of a component; one that is called like ours gets a `_`."""
    taken = component in _TAKEN or component.startswith((SENT, "data"))
    return f"{component}_" if taken else component


def component_of(field: str) -> str:
    """Return the component of a field."""
    component = field.removesuffix("_")
    return component if field_of(component) == field else field


def escape_tag(text: str) -> str:
    """Return a tag's value as line protocol has it."""
    for mark in ("\\", ",", "=", " "):
        text = text.replace(mark, "\\" + mark)
    return text


def quote(text: str) -> str:
    """Return a string field as line protocol has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
