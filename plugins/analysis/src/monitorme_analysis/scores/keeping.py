"""Scores as the service keeps and answers them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from monitorme.commanding import Answer, Handler, Refused, arguments
from monitorme.contract.payloads import Command
from monitorme.contract.topics import BedId
from monitorme.errors import ContractError, StorageError
from monitorme.plugin import Context
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.scores.assessment import Assessment
from monitorme_analysis.scores.history import Entry, ScoreHistory
from monitorme_analysis.scores.rule import Scored, Scores

log = logging.getLogger(__name__)

LOOK_EVERY_MS: Final = 20_000
FORGET_EVERY_MS: Final = 3_600_000
HOUR_MS: Final = 3_600_000
AT_MOST: Final = 2_000
"""Lines of one answer; the newest."""


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ward: str
    bed: str
    hours: float = Field(default=24.0, gt=0, le=24 * 30)


class ScoreKeeping:
    """Keeps the scores of all beds, and answers for one. A disk that refuses stops
    nothing but this."""

    def __init__(
        self,
        context: Context,
        beds: Callable[[], Iterable[tuple[BedId, BedAnalysis]]],
        *,
        kept_h: float,
        every_min: float,
    ) -> None:
        """Open what was kept."""
        self._context, self._beds = context, beds
        self._kept_ms = round(kept_h * HOUR_MS)
        self._every_ms = round(every_min * 60_000)
        self._looked_ms = self._forgot_ms = 0
        self._history: ScoreHistory | None = None
        self._guarded(self._open)
        self.verbs: Mapping[str, Handler] = {"scores": self._answer}

    def tick(self, now_ms: int) -> None:
        """Keep what has changed."""
        if now_ms - self._looked_ms < LOOK_EVERY_MS:
            return
        self._looked_ms = now_ms
        self._guarded(lambda: self._keep(now_ms))

    def stop(self) -> None:
        """Close the file."""
        if self._history is not None:
            self._history.close()

    def _open(self) -> ScoreHistory:
        if self._history is None:
            self._history = ScoreHistory(
                self._context.folder, at_least_every_ms=self._every_ms
            )
        return self._history

    def _keep(self, now_ms: int) -> None:
        history = self._open()
        history.add(
            [
                (admission, scored.assessments)
                for _, bed in self._beds()
                if (admission := bed.context.admission) is not None
                and (scored := _scored(bed)) is not None
            ],
            now_ms,
        )
        if now_ms - self._forgot_ms >= FORGET_EVERY_MS:
            self._forgot_ms = now_ms
            history.forget(now_ms - self._kept_ms)

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StorageError as error:
            if "scores" not in self._context.trouble:
                log.error("scores are not kept: %s", error)
            self._context.trouble["scores"] = f"scores are not kept: {error}"
        else:
            self._context.trouble.pop("scores", None)

    def _answer(self, command: Command) -> Answer:
        asked = arguments(_Asked, command)
        try:
            bed_id = BedId(asked.ward, asked.bed)
        except ContractError as error:
            raise Refused(str(error)) from error
        bed = dict(self._beds()).get(bed_id)
        admission = bed.context.admission if bed else None
        scored = _scored(bed) if bed else None
        if bed is None or admission is None:
            raise Refused(f"nobody lies in {bed_id}")
        if scored is None:
            raise Refused("scores are switched off: rules = { scores = … }")
        since_ms = self._context.now_ms() - round(asked.hours * HOUR_MS)
        return {
            "bed": str(bed_id),
            "admission": admission,
            "at_ms": scored.at_ms,
            "now": [_shown(one, scored.at_ms) for one in scored.assessments],
            "not_for": scored.not_for,
            "history": self._past(admission, since_ms),
        }

    def _past(self, admission: str, since_ms: int) -> list[dict[str, Any]]:
        try:
            found = self._open().of_stay(admission, since_ms)
        except StorageError as error:
            raise Refused(str(error)) from error
        return [_shown(one, one.at_ms) for one in found[-AT_MOST:]]


def _scored(bed: BedAnalysis) -> Scored | None:
    slot = bed.state.slots.get(Scores.name)
    state = slot.state if slot is not None else None
    return state if isinstance(state, Scored) else None


def _shown(one: Assessment | Entry, at_ms: int) -> dict[str, Any]:
    return {
        "name": one.name,
        "at_ms": at_ms,
        "score": one.low if one.is_complete else None,
        "low": one.low,
        "high": one.high,
        "text": one.text,
        "response": one.response,
    }
