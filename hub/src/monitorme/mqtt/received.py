"""What has come and was not handed over yet."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from monitorme.messaging import Message
from monitorme.mqtt.packets import PLAIN, Publish, is_duplicate, is_retained

MAX_CACHED_TOPICS: Final = 100_000


class Received:
    """Messages in order, with the packet ids that acknowledge them.

    `is_answer` takes topic and payload of what may be an answer to a request of ours.
    """

    def __init__(self, is_answer: Callable[[bytes, bytes], bool]) -> None:
        self._is_answer = is_answer
        self._messages: list[Message] = []
        self._packet_ids: list[bytes] = []
        self._topics: dict[bytes, str] = {}

    @property
    def is_empty(self) -> bool:
        """Whether everything was handed over."""
        return not self._messages

    def take(self, publishes: Iterable[Publish]) -> list[bytes]:
        """Take in what has come; returns the packet ids of answers, now dealt with."""
        received_ms = time.time_ns() // 1_000_000
        add, topics, ids = self._messages.append, self._topics, self._packet_ids
        answers: list[bytes] = []
        for topic, packet_id, payload, first in publishes:
            name = topics.get(topic)
            if name is None:
                # The topic of an answer is never learnt: it comes once.
                if self._is_answer(topic, payload):
                    answers.append(packet_id)
                    continue
                name = self._learn(topic)
            if first == PLAIN:
                add(Message(name, payload, received_ms))
            else:
                flags = is_retained(first), is_duplicate(first)
                add(Message(name, payload, received_ms, *flags))
            ids.append(packet_id)
        return answers

    def hand_over(self, at_most: int) -> tuple[list[Message], list[bytes]]:
        """Return the oldest messages and the packet ids of them."""
        messages, self._messages = self._messages[:at_most], self._messages[at_most:]
        ids, self._packet_ids = self._packet_ids[:at_most], self._packet_ids[at_most:]
        return messages, ids

    def forget(self) -> None:
        """Forget what came over a connection that is lost: it comes again."""
        self._messages = []
        self._packet_ids = []

    def _learn(self, topic: bytes) -> str:
        if len(self._topics) >= MAX_CACHED_TOPICS:
            self._topics.clear()
        name = topic.decode(errors="replace")
        self._topics[topic] = name
        return name
