"""Times without a usable reading, and why: what a chart shows as a gap, never as a line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitorme_recorder.history.losses import Loss
from monitorme_recorder.history_store import Period, StoredReading


class Silence(NamedTuple):
    """A time without a usable reading, between the readings around it."""

    from_ms: int
    to_ms: int
    reason: str


def silences(
    readings: Iterable[StoredReading],
    period: Period,
    longest_ms: int,
    losses: Sequence[Loss],
    damaged: Sequence[Period],
) -> Iterator[Silence]:
    """Return the silences of a period that are longer than `longest_ms`, in order.

    A reason is, in this order: `journal_damaged` where an hour's file is; what the
    devices said of the readings that are there and not usable (`lead_off`); why readings
    are lost for ever (`gone_at_device`); `device_restarted` or `device_changed`; and
    `not_sent` where nothing says more.
    """
    last: StoredReading | None = None
    last_ms, unusable = period.from_ms, Counter[str]()
    for one in readings:
        if not one.kept.is_usable:
            unusable[one.kept.reason or "not_usable"] += 1
            continue
        if one.kept.at_ms - last_ms > longest_ms:
            between = Period(last_ms, one.kept.at_ms)
            reason = _reason(between, last, one, unusable, losses, damaged)
            yield Silence(*between, reason)
        last, last_ms = one, one.kept.at_ms
        if unusable:
            unusable = Counter()
    if period.to_ms - last_ms > longest_ms:
        between = Period(last_ms, period.to_ms)
        yield Silence(*between, _reason(between, last, None, unusable, losses, damaged))


def quiet(times: NDArray[np.int64], period: Period, longest_ms: int) -> list[Period]:
    """Return the parts of a period that are longer than `longest_ms` without a time.

    Each begins at the reading before and takes in the reading after.
    """
    first, last = np.searchsorted(times, period)
    edges = np.concatenate([[period.from_ms], times[first:last], [period.to_ms]])
    found = np.flatnonzero(np.diff(edges) > longest_ms)
    return [
        Period(int(edges[at]), min(int(edges[at + 1]) + 1, period.to_ms))
        for at in found
    ]


def _reason(
    between: Period,
    before: StoredReading | None,
    after: StoredReading | None,
    unusable: Counter[str],
    losses: Sequence[Loss],
    damaged: Sequence[Period],
) -> str:
    if any(
        one.from_ms < between.to_ms and between.from_ms < one.to_ms for one in damaged
    ):
        return "journal_damaged"
    if unusable:
        return unusable.most_common(1)[0][0]
    for loss in losses:
        if _lies_between(loss, before, after):
            return loss.reason
    if before is None or after is None:
        return "not_sent"
    if before.stream.device != after.stream.device:
        return "device_changed"
    if before.stream.boot != after.stream.boot:
        return "device_restarted"
    return "not_sent"


def _lies_between(
    loss: Loss, before: StoredReading | None, after: StoredReading | None
) -> bool:
    """Say whether readings that are lost came between two that are there."""
    name = (loss.device, loss.boot)
    starts = before is not None and (before.stream.device, before.stream.boot) == name
    ends = after is not None and (after.stream.device, after.stream.boot) == name
    if before is not None and starts and loss.last_seq < before.kept.seq:
        return False
    if after is not None and ends and loss.first_seq > after.kept.seq:
        return False
    return starts or ends
