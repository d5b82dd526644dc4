"""What came while analysis was away, asked of the recorder from a thread of its own."""

import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec
import urllib3

from monitorme.contract.readings import QualityWord, Reading, ReadingValue
from monitorme.contract.topics import BedId

log = logging.getLogger(__name__)

OVERLAP_MS: Final = 30_000
"""Asked again from before the point that is known: two services' clocks of arrival
differ, and a reading that is known already changes nothing."""
LINES_PER_PART: Final = 1_000
PARTS_AHEAD: Final = 4
CONNECT_S: Final = 2.0
READ_S: Final = 20.0
PUT_S: Final = 0.2


class Line(msgspec.Struct, frozen=True, gc=False):
    """A reading of the past, as it was sent, with its arrival at the recorder."""

    device: str
    boot: str
    seq: int
    vital: str
    time_ms: int
    received_ms: int
    value: ReadingValue
    quality: QualityWord
    reason: str | None = None

    @property
    def reading(self) -> Reading:
        """The reading as the device sent it."""
        return Reading(
            self.device,
            self.boot,
            self.seq,
            self.time_ms,
            self.value,
            self.quality,
            self.reason,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what came to a bed, in order of arrival."""

    bed: BedId
    lines: Sequence[Line] = ()
    begins: bool = False
    """The first part of a bed; what was handed over of it before is void."""
    ends: bool = False
    """Nothing more came until the question was asked."""


class HistoryFailed(Exception):
    """The recorder does not answer, or not sensibly; the text says how."""


_decoder = msgspec.json.Decoder(Line)


class Past:
    """Asks for one bed after the other, and hands over parts in a short queue."""

    def __init__(self) -> None:
        self._parts: queue.Queue[Part] = queue.Queue(maxsize=PARTS_AHEAD)
        self._thread: threading.Thread | None = None
        self._must_stop = threading.Event()
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S), retries=False
        )

    @property
    def is_asking(self) -> bool:
        """Whether the recorder is being asked."""
        return self._thread is not None and self._thread.is_alive()

    def ask(self, url: str, since_ms: Sequence[tuple[BedId, int]]) -> None:
        """Ask the history at `url` for what came to each bed since its moment.

        Nothing where it is being asked already. It ends early where the recorder
        fails: whoever asks sees which beds have not ended, and asks again.
        """
        if self.is_asking or not since_ms or self._must_stop.is_set():
            return
        self._thread = threading.Thread(
            target=self._run, args=(url, since_ms), name="past", daemon=True
        )
        self._thread.start()

    def parts(self) -> Iterator[Part]:
        """Return what has been handed over since the last call; never waits."""
        while True:
            try:
                yield self._parts.get_nowait()
            except queue.Empty:
                return

    def stop(self) -> None:
        """Ask no more."""
        self._must_stop.set()
        if self._thread is not None:
            self._thread.join(CONNECT_S + READ_S)

    def _run(self, url: str, since_ms: Sequence[tuple[BedId, int]]) -> None:
        try:
            for bed, moment_ms in since_ms:
                for part in self._of_bed(url, bed, moment_ms):
                    self._put(part)
        except _Stopped:
            return
        except (urllib3.exceptions.HTTPError, HistoryFailed, OSError) as error:
            log.warning("history does not answer, asking again url=%s: %s", url, error)

    def _of_bed(self, url: str, bed: BedId, moment_ms: int) -> Iterator[Part]:
        where = f"{quote(bed.ward, safe='')}/{quote(bed.bed, safe='')}"
        since_ms = max(0, moment_ms - OVERLAP_MS)
        answer = self._pool.request(
            "GET",
            f"{url}/v1/beds/{where}/since?received_ms={since_ms}",
            preload_content=False,
        )
        try:
            if answer.status != 200:
                raise HistoryFailed(f"the recorder said {answer.status} about {bed}")
            yield Part(bed, begins=True)
            lines: list[Line] = []
            for raw in _lines(answer):
                lines.append(_decoded(raw))
                if len(lines) == LINES_PER_PART:
                    yield Part(bed, lines)
                    lines = []
            yield Part(bed, lines, ends=True)
        finally:
            answer.release_conn()

    def _put(self, part: Part) -> None:
        while not self._must_stop.is_set():
            try:
                self._parts.put(part, timeout=PUT_S)
            except queue.Full:
                continue
            return
        raise _Stopped


class _Stopped(Exception):
    """Analysis stops; nothing is wrong."""


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for block in answer.stream(65_536):
        *whole, rest = (rest + block).split(b"\n")
        yield from filter(None, whole)
    if rest:
        yield rest


def _decoded(raw: bytes) -> Line:
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HistoryFailed(f"a line makes no sense: {error}") from error
