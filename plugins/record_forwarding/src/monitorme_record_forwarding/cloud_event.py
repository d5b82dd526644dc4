"""Events for MonitorThem: CloudEvents 1.0, structured, without anybody's name."""

from datetime import UTC, datetime
from typing import Any

from monitorme.contract.payloads import Event
from monitorme.contract.topics import BedId


def cloud_event(bed: BedId, event: Event) -> dict[str, Any]:
    """Return an event as a CloudEvent; its id makes a repetition harmless."""
    moment = datetime.fromtimestamp(event.time_ms / 1000, UTC)
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/monitorme/{event.service}",
        "type": f"com.stayhealthy.monitorme.{event.kind}",
        "subject": str(bed),
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"admission": event.admission, **event.details},
    }
