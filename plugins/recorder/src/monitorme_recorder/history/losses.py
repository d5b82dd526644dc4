"""What is lost for ever, and what happened, as the journal has it written down."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from monitorme_recorder.events import Repeats
from monitorme_recorder.history.hour_readers import HourReaders, Reader
from monitorme_recorder.history.parts import Listing
from monitorme_recorder.history.stays import AdmissionMessage
from monitorme_recorder.history_store import Period
from monitorme_recorder.hours import hour_of
from monitorme_recorder.spans import Span
from monitorme_recorder.store import Store


class Loss(NamedTuple):
    """Readings that nobody can give any more.

    `from_ms` and `to_ms` are the times of the readings around them, where known.
    """

    device: str
    boot: str
    first_seq: int
    last_seq: int
    noticed_ms: int
    reason: str
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def readings(self) -> int:
        """How many readings are lost."""
        return self.last_seq - self.first_seq + 1


class Happening(NamedTuple):
    """An alarm, an admission or an event, as it arrived."""

    received_ms: int
    kind: str
    payload: bytes


_EVENTS: Final = (
    "select received_ms, kind, payload from event where ward=? and bed=?"
    " and received_ms<? order by received_ms, id"
)

_ADMISSIONS: Final = (
    "select received_ms, ward, bed, payload from event where kind='admission'"
    " order by id"
)


class Written:
    """Answers from the journal's tables of gaps and events."""

    def __init__(self, store: Store, readers: HourReaders) -> None:
        self._store = store
        self._listing = Listing(store, readers)

    def losses(self, ward: str, bed: str) -> list[Loss]:
        """Return what of a bed's devices nobody can give, in order of noticing.

        What has come after all, from a device that was away for long, is not lost.
        """

        def ask(db: Reader) -> Iterator[Loss]:
            cursor = db.execute(
                "select * from gap where ward=? and bed=? order by noticed_ms",
                (ward, bed),
            )
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield from self._lost_of(_loss(dict(zip(names, row, strict=True))))

        with self._listing.moment(list, lambda stream: False) as moment:
            return list(moment.each_file(ask))

    def _lost_of(self, loss: Loss) -> list[Loss]:
        span = Span(loss.first_seq, loss.last_seq)
        return [
            loss._replace(first_seq=part.first, last_seq=part.last)
            for part in self._store.lacking(loss.device, loss.boot, span)
        ]

    def losses_in(self, ward: str, bed: str, period: Period) -> list[Loss]:
        """Return the losses that touch a period, as far as their time is known."""
        return [one for one in self.losses(ward, bed) if _touches(one, period)]

    def admissions(self) -> list[AdmissionMessage]:
        """Return what the journal has of admissions, of all beds, in order."""

        def ask(db: Reader) -> Iterator[AdmissionMessage]:
            return (AdmissionMessage(*row) for row in db.execute(_ADMISSIONS))

        with self._listing.moment(list, lambda stream: False) as moment:
            return list(moment.each_file(ask))

    def events(
        self, ward: str, bed: str, period: Period, limit: int
    ) -> list[Happening]:
        """Return alarms, admissions and events of a bed, in order of arrival.

        What came again is told as of when it came first, whatever the period: so that
        pages are the same as one answer.
        """
        repeats = Repeats()

        def ask(db: Reader) -> Iterator[Happening]:
            rows = db.execute(_EVENTS, (ward, bed, period.to_ms))
            return (Happening(*row) for row in rows)

        def is_told(one: Happening) -> bool:
            is_new = repeats.is_new(ward, bed, one.kind, one.payload)
            return is_new and one.received_ms >= period.from_ms

        with self._listing.moment(
            lambda paths: [path for path in paths if hour_of(path) < period.to_ms],
            lambda stream: False,
        ) as moment:
            return list(islice(filter(is_told, moment.each_file(ask)), limit))


def _touches(loss: Loss, period: Period) -> bool:
    from_ms = loss.noticed_ms if loss.from_ms is None else loss.from_ms
    to_ms = loss.noticed_ms if loss.to_ms is None else loss.to_ms
    return from_ms < period.to_ms and period.from_ms <= to_ms


def _loss(row: dict[str, Any]) -> Loss:
    return Loss(
        row["device"],
        row["boot"],
        row["first"],
        row["last"],
        row["noticed_ms"],
        row["reason"],
        row.get("from_ms"),
        row.get("to_ms"),
    )
