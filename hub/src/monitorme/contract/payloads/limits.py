"""The limits that a patient is judged by."""

from typing import Annotated, Literal

from pydantic import Field

from monitorme.contract.payloads.payload import Id, Milliseconds, Number, Payload

NumberName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}(\.[a-z0-9_]{1,64})?$")]


class LimitsOfNumber(Payload):
    """The limits of one number now; a side that is absent raises nothing: it is off."""

    critical_low: Number | None = None
    """At or below this: high priority."""
    low: Number | None = None
    """At or below this: medium priority."""
    high: Number | None = None
    """At or above this: medium priority."""
    critical_high: Number | None = None
    """At or above this: high priority."""


class LimitsInForce(Payload):
    """By which limits a patient is judged now; an empty payload says that the bed is free.

    They change with the patient, with sleep, and with what staff set.
    """

    admission: Id
    """The stay that they are for; a successor in the bed never inherits them."""
    sleep: Literal["awake", "asleep", "unknown"]
    """For which state they are; where it is unknown, the stricter of both sets."""
    limits: dict[NumberName, LimitsOfNumber]
    """By vital, or `vital.component`; a number that is absent has no limits at all."""
    of_patient: tuple[NumberName, ...] = ()
    """Those that were set for this patient, and go before the site's."""
    time_ms: Milliseconds
    """When this was said."""
