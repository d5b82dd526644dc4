"""What was over when it was found: the content of an event."""

import json
from typing import ClassVar, Self

from monitorme.contract.payloads.alarm import Found
from monitorme.contract.payloads.event import Event
from monitorme.contract.payloads.payload import Milliseconds, Name, decode


class PastCondition(Found):
    """A condition that began and ended while nobody could say so: an event carries it.

    It was found afterwards, in what was recorded meanwhile. It is no condition on a
    topic of its own, so that nobody takes what is over for what is true.
    """

    KIND: ClassVar[str] = "condition_past"
    """The kind of the event."""

    code: Name
    """Names the condition within the bed."""
    from_ms: Milliseconds
    """Since when it was true, by the readings' time."""
    to_ms: Milliseconds
    """When it ended."""

    def event(self, id: str, service: str, found_ms: int) -> Event:
        """Return the event that tells of it."""
        return Event(
            id=id,
            time_ms=found_ms,
            service=service,
            kind=self.KIND,
            admission=self.admission,
            details=self.model_dump(
                mode="json", exclude_none=True, exclude={"admission"}
            ),
        )

    @classmethod
    def told_by(cls, event: Event) -> Self:
        """Return what an event of this kind tells; raises ContractError."""
        fields = {**event.details, "admission": event.admission}
        return decode(cls, json.dumps(fields).encode())
