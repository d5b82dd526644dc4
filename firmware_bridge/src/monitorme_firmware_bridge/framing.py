"""Finding the frames in a stream that is cut anywhere and may hold anything."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from monitorme_firmware_bridge.decoder import Decoded, Decoder, Refusal

JUNK_BYTES: Final = 1024
"""Bytes outside of any frame are reported in pieces of this size."""


class NoFrame(Exception):  # it says what is there, not what went wrong
    """No frame begins here after all; the text is the reason, a word."""


class FramedDecoder(Decoder):
    """A decoder of frames that begin with a magic; two methods say what a frame is.

    Where no frame is, the search goes on one byte further, so that a frame is found
    behind any garbage. Garbage is reported when a frame follows it or it grows long.
    """

    magic: ClassVar[bytes]
    """What every frame begins with."""
    max_frame_bytes: ClassVar[int] = 65_536
    """A longer frame is none; also the most that is kept of the stream."""

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._unread = b""
        self._junk = _Junk()

    @abstractmethod
    def length(self, data: bytes, start: int) -> int | None:
        """Return how long the frame at `start` is, None where more bytes have to come.

        Raises NoFrame where it can be told already that none begins there.
        """

    @abstractmethod
    def read(self, frame: bytes, now_ms: int) -> Iterable[Decoded]:
        """Return what a whole frame says; raises NoFrame where it is damaged."""

    def feed(self, data: bytes, now_ms: int) -> list[Decoded]:
        """Take bytes in; return what they complete, in order."""
        self._unread += data
        decoded: list[Decoded] = []
        start = 0
        while (end := self._advance(start, now_ms, decoded)) > start:
            start = end
        self._unread = self._unread[start:]
        return decoded

    def _advance(self, start: int, now_ms: int, decoded: list[Decoded]) -> int:
        """Return where to go on: `start` itself where more bytes have to come."""
        found = _find(self._unread, self.magic, start)
        if found > start:
            decoded += self._junk.add(self._unread[start:found], "no_frame")
            return found
        if len(self._unread) - start < len(self.magic):
            return start
        try:
            frame = self._frame(start)
            said = None if frame is None else list(self.read(frame, now_ms))
        except NoFrame as error:
            decoded += self._junk.add(self._unread[start : start + 1], str(error))
            return start + 1
        if frame is None or said is None:
            return start
        decoded += self._junk.end()
        decoded += said
        return start + len(frame)

    def _frame(self, start: int) -> bytes | None:
        length = self.length(self._unread, start)
        if length is not None and length > self.max_frame_bytes:
            raise NoFrame("frame_too_long")
        if length is None or len(self._unread) - start < length:
            return None
        return self._unread[start : start + length]


class _Junk:
    """Collects bytes outside of frames, so that their cut does not depend on reads."""

    def __init__(self) -> None:
        self._data = b""
        self._reason = ""

    def add(self, data: bytes, reason: str) -> list[Decoded]:
        """Collect bytes; return the pieces that are full."""
        pieces: list[Decoded] = []
        while data:
            self._reason = self._reason if self._data else reason
            taken = JUNK_BYTES - len(self._data)
            self._data += data[:taken]
            data = data[taken:]
            if len(self._data) == JUNK_BYTES:
                pieces += self.end()
        return pieces

    def end(self) -> list[Decoded]:
        """Return what is collected, if anything is."""
        data, self._data = self._data, b""
        return [Refusal(self._reason, data)] if data else []


def _find(data: bytes, magic: bytes, start: int) -> int:
    """Return where a frame may begin: at the magic, or at its first half at the end."""
    found = data.find(magic, start)
    if found >= 0:
        return found
    for known in range(min(len(magic) - 1, len(data) - start), 0, -1):
        if data.endswith(magic[:known]):
            return len(data) - known
    return len(data)
