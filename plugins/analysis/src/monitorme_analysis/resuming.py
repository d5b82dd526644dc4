"""Beds whose state was written down some time ago, until what came since is in it.

The state as it was written down, then the readings that the recorder took since, then
what came live meanwhile: judged in this order, the conditions are those of a service
that was never away. Until then nothing is said of such a bed; what was retained stands.
Where the recorder does not answer in time, the bed goes live on what is known, and
begins again from what was written down as soon as the recorder does.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.readings import judge
from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ContractError
from monitorme_analysis.bed import LONGEST_SILENCE_MS, SECOND_MS, BedAnalysis
from monitorme_analysis.ended import Ended, Following
from monitorme_analysis.past import Line, Part, Past

log = logging.getLogger(__name__)

LONGEST_MS: Final = 86_400_000
"""What came earlier is not asked for: it would be judged late anyhow."""
KEPT_MS: Final = 60_000
"""Live readings are kept for so long: the recorder's history is behind by less."""

Take = Callable[[BedAnalysis], None]
"""Hands one live message to a bed."""


@dataclass(slots=True)
class _Behind:
    point_ms: int
    fresh: BedAnalysis | None = None
    """What was written down, with some of the past."""
    admit: Take | None = None
    """Who lies there by the newest word, where there was one since the start."""
    live: deque[tuple[int, Take]] = field(default_factory=deque)
    """When a live message came, and how it is taken in."""
    following: Following = field(default_factory=Following)
    """What is true, and what ended, as far as the past has been judged."""
    revision: int = -1
    """The bed's, at the last look."""

    def forget(self, before_ms: int) -> None:
        """Forget live messages that the recorder surely has."""
        while self.live and self.live[0][0] < before_ms:
            self.live.popleft()

    def begin(self, bed: BedAnalysis) -> None:
        """Note what was true when the bed was written down."""
        self.following, self.revision = Following(), -1
        self.look(bed, self.point_ms)

    def advance(self, bed: BedAnalysis, now_ms: int) -> None:
        """Let time pass, and note what ends by itself meanwhile, when it does."""
        known = bed.state.known
        if now_ms - known.elapsed_ms > LONGEST_SILENCE_MS:
            bed.advance(now_ms)
        while known.elapsed_ms + SECOND_MS <= now_ms:
            bed.advance(known.elapsed_ms + SECOND_MS)
            self.look(bed, known.elapsed_ms)

    def look(self, bed: BedAnalysis, now_ms: int) -> None:
        """Note what has begun and ended since the last look."""
        known = bed.state.known
        # Before they lay here, nothing was true of them.
        if bed.revision == self.revision or now_ms < known.since_ms:
            return
        self.revision = bed.revision
        self.following.look(bed.findings(now_ms), known.admission, now_ms)


@dataclass(frozen=True, slots=True)
class Level:
    """A bed whose past is in."""

    analysis: BedAnalysis
    over: Sequence[Ended]
    """What ended in the past that was judged, in order."""


class Resuming:
    """The beds that are behind; used from the plugin's thread only."""

    def __init__(
        self,
        points_ms: Mapping[BedId, int],
        written: Callable[[BedId], BedAnalysis],
        catalogue: Catalogue,
    ) -> None:
        """Take the moment up to which each bed is known, and what reads it back."""
        self._behind = {bed: _Behind(point) for bed, point in points_ms.items()}
        self._written, self._catalogue = written, catalogue
        self._past = Past()

    def __contains__(self, bed: BedId) -> bool:
        return bed in self._behind

    def __iter__(self) -> Iterator[BedId]:
        return iter(self._behind)

    def __len__(self) -> int:
        return len(self._behind)

    def ask(self, url: str, now_ms: int) -> None:
        """Ask the recorder for all that is missing, unless it is being asked."""
        earliest_ms = now_ms - LONGEST_MS
        self._past.ask(
            url,
            [(bed, max(b.point_ms, earliest_ms)) for bed, b in self._behind.items()],
        )

    def admit(self, bed: BedId, admit: Take) -> None:
        """Note who lies in a bed; the past is judged for them."""
        self._behind[bed].admit = admit

    def wait(self, bed: BedId, received_ms: int, take: Take) -> None:
        """Keep a live message until the past is in."""
        behind = self._behind[bed]
        behind.live.append((received_ms, take))
        if behind.fresh is None:
            behind.forget(received_ms - KEPT_MS)

    def kept(self, bed: BedId) -> Iterator[Take]:
        """Return the live messages that wait, for a bed that cannot wait any longer."""
        return (take for _, take in self._behind[bed].live)

    def resume(self, now_ms: int, may_go_on: Callable[[], bool]) -> dict[BedId, Level]:
        """Judge what the recorder has handed over; returns the beds that are level.

        It looks at `may_go_on` between parts, so that live beds are not kept waiting.
        """
        level: dict[BedId, Level] = {}
        for part in self._past.parts():
            done = self._take_part(part, now_ms)
            if done is not None:
                level[part.bed] = done
            if not may_go_on():
                break
        return level

    def stop(self) -> None:
        """Ask no more."""
        self._past.stop()

    def _take_part(self, part: Part, now_ms: int) -> Level | None:
        behind = self._behind.get(part.bed)
        if behind is None:
            return None
        if part.begins:
            behind.fresh = self._written(part.bed)
            if behind.admit is not None:
                behind.admit(behind.fresh)
            if behind.live:
                behind.forget(behind.live[-1][0] - KEPT_MS)
            behind.begin(behind.fresh)
        fresh = behind.fresh
        if fresh is None:
            return None
        for line in part.lines:
            behind.advance(fresh, line.received_ms)
            self._take_line(fresh, line)
            behind.look(fresh, line.received_ms)
        if not part.ends:
            return None
        for received_ms, take in behind.live:
            behind.advance(fresh, received_ms)
            take(fresh)
            behind.look(fresh, received_ms)
        behind.advance(fresh, now_ms)
        del self._behind[part.bed]
        return Level(fresh, behind.following.over)

    def _take_line(self, bed: BedAnalysis, line: Line) -> None:
        entry = self._catalogue.get(line.vital)
        if entry is None:
            return  # the catalogue has changed since
        try:
            judged = judge(line.reading, entry, line.received_ms)
        except ContractError:
            return
        bed.take(line.vital, line.reading, judged, line.received_ms, again=True)
