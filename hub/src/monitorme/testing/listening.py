"""Listening to a bus beside a test or a measurement."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from monitorme.messaging import Bus, Message

ENDS_WITHIN_S = 10.0


@contextmanager
def heard(
    connect: Callable[[], AbstractContextManager[Bus]], take: Callable[[Message], None]
) -> Iterator[None]:
    """Hand over every message that comes, in a thread of its own, until the end.

    `connect` is called in that thread, which owns the bus.
    """
    ending = threading.Event()

    def listen() -> None:
        with connect() as bus:
            while not ending.is_set():
                batch = bus.receive(timeout_s=0.1)
                if batch is None:
                    continue
                for message in batch.messages:
                    take(message)
                bus.acknowledge(batch)

    thread = threading.Thread(target=listen, name="listener", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(ENDS_WITHIN_S)
