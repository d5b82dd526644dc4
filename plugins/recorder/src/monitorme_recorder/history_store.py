"""What a store of history answers, whichever store it is.

The journal answers so, InfluxDB answers so, and so do both joined. One contract suite,
`tests/contract/test_history_contract.py`, runs over each of them.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from monitorme.errors import StorageError
from monitorme_recorder.curve import Points
from monitorme_recorder.records import Kept, Stream


class NoCurve(StorageError):
    """A curve cannot be read; the readings that it was made of can be asked for."""


class Series(NamedTuple):
    """The readings of one vital at one bed, whichever devices sent them."""

    ward: str
    bed: str
    vital: str


class Period(NamedTuple):
    """A time in ms since the epoch; `to_ms` is not in it.

    Either end may be anything from 0 to 2**53: a store clamps what it cannot express.
    """

    from_ms: int
    to_ms: int


class StoredReading(NamedTuple):
    """A reading, and the stream that it is in.

    Where `kept.is_usable` is false a store may leave `kept.value` out (None): it is for
    the record, never shown or averaged. `kept.quality` and `kept.reason` say why.
    """

    stream: Stream
    kept: Kept

    @property
    def position(self) -> "Position":
        """Where the reading stands among all of its series."""
        device, boot = self.stream.device, self.stream.boot
        return Position(self.kept.at_ms, device, boot, self.kept.seq)


Latest = dict[str, StoredReading]
"""The newest readings of a bed, by the names of its vitals, sorted."""


class Position(NamedTuple):
    """A place in a series: by time, then by name, so that no two share one."""

    at_ms: int
    device: str
    boot: str
    seq: int


class Grid(NamedTuple):
    """Equal buckets for ever: bucket i begins at `origin_ms + i * width_ms`."""

    origin_ms: int
    width_ms: int

    def bucket_of(self, at_ms: int) -> int:
        """Return the number of the bucket that a time lies in."""
        return (at_ms - self.origin_ms) // self.width_ms

    def start_ms(self, index: int) -> int:
        """Return when a bucket begins."""
        return self.origin_ms + index * self.width_ms


def grid_of(period: Period, count: int) -> Grid:
    """Return the grid whose first `count` buckets cover a period."""
    return Grid(period.from_ms, max(1, -(-(period.to_ms - period.from_ms) // count)))


class Bucket(NamedTuple):
    """The numbers of one vital between two times; the end is not included."""

    start_ms: int
    end_ms: int
    numbers: int
    low: float
    high: float
    mean: float


class HistoryStore(Protocol):
    """Readings of the past; every method may be called from any thread.

    Raises StorageError where the store cannot be asked, never an empty answer instead.
    """

    def vitals(self, ward: str, bed: str) -> list[str]:
        """Return the vitals of which a bed has readings, sorted."""
        ...

    def readings(self, series: Series, period: Period) -> Iterator[StoredReading]:
        """Return the readings whose `at_ms` lies in a period, in order of position.

        Blocks of a waveform are readings too; a block belongs where it begins. The
        answer is lazy: a caller may stop early, and a day need not fit into memory.
        """
        ...

    def latest(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        """Return the reading with the last position of each vital, of each bed.

        One that is older than `since_ms` may be left out. Of many beds at once: to ask
        for each by itself takes many times as long.
        """
        ...

    def buckets(
        self, series: Series, period: Period, grid: Grid, component: str | None
    ) -> list[Bucket]:
        """Return a vital's usable numbers by the buckets of a grid, empty ones left out.

        A number counts in the bucket that its `at_ms` lies in, if that lies in the
        period too; the period may begin or end within a bucket. A bucket's start and
        end are the grid's. Of a composite vital the numbers are those of `component`;
        else it is None.
        """
        ...


class Archive(HistoryStore, Protocol):
    """A store of what the journal has no more, with its curves."""

    @property
    def curves_from_ms(self) -> int | None:
        """From when on all curves are here or in the journal; None where none are."""
        ...

    def points(self, series: Series, period: Period, before_hour: str) -> Points:
        """Return a numeric vital's numbers of a period and some around it, by time.

        Only those that came before an hour of the journal, named as its file is. Raises
        NoCurve where they are not readable.
        """
        ...
