"""The network between devices and broker: a relay that drops, delays and halves."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Network:
    """Relays TCP to the broker, in a thread of its own, and does what it is told.

    `delay_s` is added to everything that is on its way. `swallow` lets nothing through
    while connections stay up, as a pulled cable does; one that has lost something is
    broken when it could go on, for TCP never goes on behind a hole.
    """

    def __init__(self, port: int) -> None:
        self._to_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._is_up = True
        self.port = 0
        self.delay_s = 0.0
        self.swallow = False
        self.halves = False

    def cut(self) -> None:
        """Break every connection, and let none be made."""
        self._is_up = False
        self.break_all()

    def mend(self) -> None:
        """Let everything through again."""
        self.delay_s, self.swallow, self.halves = 0.0, False, False
        self._is_up = True

    def break_all(self) -> None:
        """Break every connection at once, in the midst of whatever is on its way."""
        self._loop.call_soon_threadsafe(self._abort_all)

    @contextmanager
    def running(self) -> Iterator["Network"]:
        """Relay until the end."""
        self._thread.start()
        assert self._started.wait(5)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._relay, "127.0.0.1", 0, backlog=1000)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._abort_all()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _abort_all(self) -> None:
        for pair in list(self._pairs):
            for writer in pair:
                writer.transport.abort()

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self._is_up:
            writer.transport.abort()
            return
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(reader, far), self._pump(far_reader, writer)
            )
        finally:
            self._pairs.discard(pair)
            for one in pair:
                one.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        has_hole = False
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self.swallow:
                    has_hole = True
                    continue
                if has_hole:
                    break
                if self.halves and random.random() < 0.02:
                    # The end comes in the middle of a packet.
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
