"""What is asked of a service, and its answer."""

from typing import Any

from pydantic import Field

from monitorme.contract.payloads.payload import Id, Milliseconds, Name, Payload, Text


class Command(Payload):
    """A request to a service."""

    id: Id
    """Names the request; the answer is published to `reply/<id>`."""
    time_ms: Milliseconds
    """When it was made."""
    expires_ms: Milliseconds
    """After this it must not be carried out: a stale command is worse than none."""
    by: Text
    """Who asks."""
    args: dict[Name, Any] = Field(default_factory=dict)
    """The verb's arguments."""


class Reply(Payload):
    """A service's answer to a request."""

    id: Id
    """The request's id."""
    ok: bool
    """Whether it was carried out."""
    error: Text | None = None
    """Why not, and what to do."""
    result: dict[str, Any] = Field(default_factory=dict)
    """What came of it."""
