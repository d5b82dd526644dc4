"""What the recorder refused: listed for a technician, and tried again."""

from pathlib import Path
from typing import Any, Final

from monitorme.commands.connection import open_bus
from monitorme.errors import BusError
from monitorme.quarantine import Refused, Taken, refused_in

CONFIRM_TIMEOUT_S: Final = 30.0
SHOWN_BYTES: Final = 60


def list_refused(folder: Path, reason: str) -> list[dict[str, Any]]:
    """Return what is in quarantine, oldest first, as it is shown."""
    return [_shown(one) for one in refused_in(folder) if one.reason.startswith(reason)]


def retry_refused(
    folder: Path, data: Path, broker: str | None, reason: str
) -> dict[str, int]:
    """Publish what was refused again; returns how many were, and how many stayed.

    Raises BusError, with everything still in quarantine, where the broker does not
    confirm.
    """
    retried = stayed = 0
    with open_bus(data, broker) as bus, Taken(folder) as taken:
        for one in taken.refused:
            if one.is_whole and one.reason.startswith(reason):
                bus.publish(one.topic, one.payload)
                retried += 1
            else:
                taken.keep(one)
                stayed += 1
            if retried % 1000 == 0:
                bus.flush(timeout_s=CONFIRM_TIMEOUT_S)
        if not bus.flush(timeout_s=CONFIRM_TIMEOUT_S):
            raise BusError("the broker did not confirm: nothing left the quarantine")
    return {"retried": retried, "left": stayed}


def _shown(one: Refused) -> dict[str, Any]:
    beginning = one.payload[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return {
        "received_ms": one.received_ms,
        "topic": one.topic,
        "reason": one.reason,
        "bytes": one.size_bytes,
        "beginning": beginning.replace("\n", " "),
    }
