"""Requests to services that wait for their answer."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from monitorme.contract import topics
from monitorme.contract.payloads import LONGEST_TEXT, Command, Reply, decode
from monitorme.contract.topics import CommandTopic, ReplyTopic
from monitorme.errors import CommandFailed, ContractError

REPLY_PREFIX: Final = f"{topics.ROOT}/reply/".encode()


@dataclass(slots=True, eq=False)
class Request:
    """One request on its way: subscribe to its answer, send it, wait."""

    topic: CommandTopic
    command: Command
    is_sent: bool = False
    is_over: bool = False
    reply: Reply | None = None
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def reply_topic(self) -> str:
        """The topic of the answer."""
        return str(ReplyTopic(self.command.id))

    def answer(self, payload: bytes) -> None:
        """Take the answer in; one that cannot be read is a refusal."""
        try:
            self.reply = decode(Reply, payload)
        except ContractError as error:
            text = f"the answer cannot be read: {error}"[:LONGEST_TEXT]
            self.reply = Reply(id=self.command.id, ok=False, error=text)
        self.answered.set()

    def outcome(self) -> Reply:
        """Return the answer; raises CommandFailed where it is a refusal, or is none."""
        service, verb = self.topic.service, self.topic.verb
        if self.reply is None:
            waited_s = (self.command.expires_ms - self.command.time_ms) / 1000
            raise CommandFailed(f"{service} did not answer {verb} in {waited_s:g} s")
        if not self.reply.ok:
            raise CommandFailed(self.reply.error or f"{service} refused {verb}")
        return self.reply


class Requests:
    """The requests of one bus, by the topic of their answers.

    `make` and `end` are for whoever asks, from any thread, everything else is for the
    bus's own.
    """

    def __init__(self, client_id: str, unique: str) -> None:
        self._prefix = f"{client_id}-{unique}"
        self._numbers = itertools.count(1)
        self._made: deque[Request] = deque()
        self._over: deque[Request] = deque()
        self._waiting: dict[str, Request] = {}

    def make(
        self,
        topic: CommandTopic,
        args: Mapping[str, Any],
        *,
        by: str,
        timeout_s: float,
    ) -> Request:
        """Make a request, which waits until its answer can be subscribed to."""
        now_ms = time.time_ns() // 1_000_000
        command = Command(
            id=f"{self._prefix}-{next(self._numbers)}",
            time_ms=now_ms,
            expires_ms=now_ms + int(timeout_s * 1000),
            by=by,
            args=dict(args),
        )
        request = Request(topic, command)
        self._made.append(request)
        return request

    def end(self, request: Request) -> None:
        """Wait no longer; what was not sent yet never is."""
        request.is_over = True
        self._over.append(request)

    def to_subscribe(self) -> Iterator[str]:
        """Return the topics of the answers to what was made since, and wait for them."""
        while self._made:
            request = self._made.popleft()
            self._waiting[request.reply_topic] = request
            yield request.reply_topic

    def to_unsubscribe(self) -> Iterator[str]:
        """Return the topics of answers that nobody waits for any longer.

        The session would keep them for ever, and a broker looks through what it keeps.
        """
        while self._over:
            topic = self._over.popleft().reply_topic
            if self._waiting.pop(topic, None) is not None:
                yield topic

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
            if request is not None and not (request.is_sent or request.is_over):
                request.is_sent = True
                send(request)

    def take(self, topic: bytes, payload: bytes) -> bool:
        """Take an answer in; says whether the message was one."""
        if not topic.startswith(REPLY_PREFIX):
            return False
        request = self._waiting.get(topic.decode(errors="replace"))
        if request is not None:
            request.answer(payload)
        return True
