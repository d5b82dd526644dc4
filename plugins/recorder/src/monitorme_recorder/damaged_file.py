"""What a damaged hour's file still says, whatever became of its trees.

A reading is in the log, and soon in a chunk as well. The log's records name themselves
twice, rows of the log and chunks carry checksums: what is taken from here is what was put
there.
"""

import logging
import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from monitorme_recorder.cells import Cell, Value, cells, is_shape, values
from monitorme_recorder.pages import Pages
from monitorme_recorder.records import (
    Kept,
    LogRecord,
    Stream,
    unpack_chunk,
    unpack_log,
)

log = logging.getLogger(__name__)

_LOG: Final = ("n", "b")
_STREAM: Final = ("n", "t", "t", "t", "t", "t")
_STREAM_INDEX: Final = ("t", "t", "t", "t", "t", "i")
_CHUNK: Final = (*"iiiiii", "rin", "rin", "rin", "b")
_EVENT: Final = (*"nitttb",)
_GAP: Final = (*"ttitti", "i", "t", "in", "in")
_SHORTER_GAP: Final = _GAP[:8]
"""A gap of a file to which the times around it were added later."""

_NONE: Final[Mapping[int, Stream]] = MappingProxyType({})


class _Name(msgspec.Struct, gc=False):
    """What a payload says of whose it is."""

    device: str
    boot: str
    seq: int


_said: Final = msgspec.json.Decoder(_Name).decode


class LogRow(NamedTuple):
    """A row of the log, and the readable records in it."""

    number: int
    records: list[LogRecord]
    data: bytes | None
    """The row as it is; None where not all of it is readable."""


class DamagedFile:
    """Reads a file cell by cell; what cannot be read is left out.

    `only_ahead` leaves out pages of which the write-ahead log has no version; `known` are
    the streams that they may name.
    """

    def __init__(
        self,
        pages: Pages,
        known: Mapping[int, Stream] = _NONE,
        *,
        only_ahead: bool = False,
    ) -> None:
        self._pages = pages
        self._log: dict[int, list[Cell]] = {}
        self._chunks: dict[tuple[int, int], list[Cell]] = {}
        self._others: dict[str, list[Cell]] = {"event": [], "gap": []}
        self.streams = dict(known)
        for cell in cells(pages, only_ahead=only_ahead):
            self._sort(cell)

    def log_rows(
        self, is_wanted: Callable[[LogRecord], bool] | None = None
    ) -> Iterator[LogRow]:
        """Return the readable rows of the log, in order, with what is wanted of them."""
        for number in sorted(self._log):
            for _, data in self._versions(self._log[number]):
                records = _unpacked_log(data)
                # What is not wanted need not be looked into, which takes longest.
                wanted = filter(is_wanted, records) if is_wanted else records
                found = [one for one in wanted if self._is_itself(one)]
                if found:
                    is_whole = len(found) == len(records)
                    yield LogRow(number, found, data if is_whole else None)  # type: ignore[arg-type]  # what could be unpacked is bytes
                    break

    def chunks(self) -> Iterator[tuple[Stream, list[Kept]]]:
        """Return the readable chunks, boot by boot, those of a stream in order."""
        known = [place for place in self._chunks if place[0] in self.streams]
        for place in sorted(known, key=self._by_boot):
            stream = self.streams[place[0]]
            for row in self._versions(self._chunks[place]):
                kept = _unpacked(row[-1])
                if kept:
                    yield stream, kept
                    break

    def events(self) -> Iterator[tuple[int, tuple[int, str, str, str, bytes]]]:
        """Return the events by their row: received_ms, ward, bed, kind and payload."""
        found: dict[int, tuple[Any, ...]] = {}
        for cell in self._others["event"]:
            for _, *fields in self._versions([cell]):
                if _is_text(fields[-1]):
                    found.setdefault(cell.row, tuple(fields))
        for row in sorted(found):
            yield row, found[row]

    def gaps(self) -> Iterator[tuple[Any, ...]]:
        """Return the gaps as their table declares them."""
        for row in self._versions(self._others["gap"]):
            device, boot, first, ward, bed, *rest = row
            last, *rest = rest
            times = (*rest, None, None)[:4]
            yield ward, bed, device, boot, first, last, *times

    def _sort(self, cell: Cell) -> None:
        letters = cell.letters
        if is_shape(letters, _LOG):
            self._log.setdefault(cell.row, []).append(cell)
        elif is_shape(letters, _CHUNK):
            for row in self._versions([cell]):
                self._chunks.setdefault((int(row[0]), int(row[1])), []).append(cell)  # type: ignore[arg-type]  # its shape says integers
                break
        elif is_shape(letters, _STREAM):
            for _, *fields in self._versions([cell]):
                self.streams.setdefault(cell.row, Stream(*fields))  # type: ignore[arg-type]  # its shape says texts
        elif is_shape(letters, _STREAM_INDEX):
            for *fields, number in self._versions([cell]):
                self.streams.setdefault(int(number), Stream(*fields))  # type: ignore[arg-type]  # its shape
        elif is_shape(letters, _EVENT):
            self._others["event"].append(cell)
        elif is_shape(letters, _GAP) or is_shape(letters, _SHORTER_GAP):
            self._others["gap"].append(cell)

    def _versions(self, found: list[Cell]) -> Iterator[list[Value]]:
        for cell in found:
            yield from values(self._pages, cell)

    def _by_boot(self, place: tuple[int, int]) -> tuple[str, str, int, int]:
        stream = self.streams[place[0]]
        return stream.device, stream.boot, *place

    def _is_itself(self, record: LogRecord) -> bool:
        """Say whether a record's head and payload name the same reading."""
        stream = self.streams.get(record.stream)
        if stream is None:
            return False
        try:
            said = _said(record.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        name = (stream.device, stream.boot, record.seq)
        return name == (said.device, said.boot, said.seq)


def _unpacked_log(row: Value) -> list[LogRecord]:
    try:
        return list(unpack_log(row)) if isinstance(row, bytes) else []
    # Noise in place of a row: whatever it says cannot be had.
    except (struct.error, ValueError, TypeError):
        return []


def _unpacked(data: Value) -> list[Kept]:
    try:
        return unpack_chunk(data) if isinstance(data, bytes) else []
    except (ValueError, msgspec.MsgspecError, TypeError):
        return []


def _is_text(data: Value) -> bool:
    """Say whether a payload may be one: an empty one says that an alarm is gone."""
    if not isinstance(data, bytes):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
