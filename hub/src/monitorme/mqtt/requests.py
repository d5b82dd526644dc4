"""Requests to services that wait for their answer."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from monitorme.contract import topics
from monitorme.contract.payloads import Command, Reply, decode
from monitorme.contract.topics import CommandTopic, ReplyTopic
from monitorme.errors import ContractError

REPLY_PREFIX = f"{topics.ROOT}/reply/".encode()


@dataclass(slots=True)
class Request:
    """One request on its way: subscribe to its answer, send it, wait."""

    topic: CommandTopic
    command: Command
    is_sent: bool = False
    reply: Reply | None = None
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def reply_topic(self) -> str:
        """The topic of the answer."""
        return str(ReplyTopic(self.command.id))


class Requests:
    """The requests of one bus, by the topic of their answers."""

    def __init__(self, client_id: str, unique: str) -> None:
        self._prefix = f"{client_id}-{unique}"
        self._numbers = itertools.count(1)
        self._waiting: dict[str, Request] = {}

    def new_id(self) -> str:
        """Return an id for a request."""
        return f"{self._prefix}-{next(self._numbers)}"

    def add(self, request: Request) -> None:
        """Wait for the answer of a request."""
        self._waiting[request.reply_topic] = request

    def remove(self, request: Request) -> None:
        """Wait no longer."""
        self._waiting.pop(request.reply_topic, None)

    @property
    def reply_topics(self) -> list[str]:
        """The topics of all answers that are awaited."""
        return list(self._waiting)

    def send_unsent(
        self, subscribed: list[str], send: Callable[[Request], None]
    ) -> None:
        """Send what had to wait until its answer was subscribed to."""
        for topic in subscribed:
            request = self._waiting.get(topic)
            if request is not None and not request.is_sent:
                request.is_sent = True
                send(request)

    def take(self, topic: bytes, payload: bytes) -> bool:
        """Take an answer in; says whether the message was one."""
        if not topic.startswith(REPLY_PREFIX):
            return False
        request = self._waiting.get(topic.decode(errors="replace"))
        if request is not None:
            try:
                request.reply = decode(Reply, payload)
            except ContractError as error:
                text = f"the answer cannot be read: {error}"
                request.reply = Reply(id=request.command.id, ok=False, error=text[:500])
            request.answered.set()
        return True
