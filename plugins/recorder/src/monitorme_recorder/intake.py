"""From messages to what may be stored: decoded and judged, or refused with the reason.

Nearly every message is a good number on a known topic from a known device. That path is
short: one decoder that takes nothing but good numbers, one look-up by topic and one by
(device, boot). Whatever it does not take goes the long way, through the contract's own
decoder and judgement; a test proves that both ways keep the same.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import msgspec

from monitorme.contract import topics
from monitorme.contract.payloads import MAX_INT, MAX_PAYLOAD_BYTES
from monitorme.contract.readings import FUTURE_TOLERANCE_MS, decode_reading, judge
from monitorme.contract.topics import VitalTopic
from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme_recorder.clocks import Clocks
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Arrival, Sorted, Store
from monitorme_recorder.tracks import Track

MOST_ROUTES: Final = 100_000
_GOOD: Final = "good"


class _GoodNumber(msgspec.Struct, gc=False):
    """A reading that needs no second look; ids are looked up, not matched."""

    device: str
    boot: str
    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_INT)]
    time_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)]
    value: float
    quality: Literal["good"]
    reason: None = None


_decode_good = msgspec.json.Decoder(_GoodNumber).decode


@dataclass(slots=True, eq=False)
class _Route:
    """What is known of a topic; `tracks` is empty where the short path may not go."""

    topic: VitalTopic | None
    low: float
    high: float
    tracks: dict[tuple[str, str], Track] = field(default_factory=dict)


@dataclass(slots=True)
class Sort:
    """A batch by what it holds."""

    arrivals: list[Sorted] = field(default_factory=list)
    others: list[tuple[Message, topics.Topic]] = field(default_factory=list)


class Intake:
    """Sorts batches; `refuse` is told of each message that cannot be used, and why."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        clocks: Clocks,
        counts: Counter[str],
        refuse: Callable[[Message, ContractError], None],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clocks = clocks
        self._counts = counts
        self._refuse = refuse
        self._routes: dict[str, _Route] = {}
        self._forgotten = 0

    def sort(self, batch: Sequence[Message]) -> Sort:
        """Return what a batch holds, in order of arrival."""
        if self._forgotten != self._store.memory.forgotten:
            self._forgotten = self._store.memory.forgotten
            self._routes.clear()
        found = Sort()
        take, routes, decode = found.arrivals.append, self._routes, _decode_good
        for message in batch:
            payload = message.payload
            route = routes.get(message.topic)
            if route is not None and route.tracks and len(payload) <= MAX_PAYLOAD_BYTES:
                try:
                    one = decode(payload)
                    track = route.tracks[one.device, one.boot]
                except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
                    pass
                else:
                    time_ms, received_ms = one.time_ms, message.received_ms
                    value = one.value
                    if (
                        route.low <= value <= route.high
                        and time_ms - received_ms <= FUTURE_TOLERANCE_MS
                    ):
                        kept = Kept(
                            one.seq,
                            time_ms,
                            received_ms,
                            time_ms,
                            value,
                            _GOOD,
                            None,
                            True,
                        )
                        take((track, kept, payload, 0))
                        continue
            self._sort_with_care(message, found)
        return found

    def _sort_with_care(self, message: Message, found: Sort) -> None:
        topic = topics.parse(message.topic)
        if not isinstance(topic, VitalTopic):
            if topic is not None:
                found.others.append((message, topic))
            return
        try:
            arrival = self.arrival(topic, message)
        except ContractError as error:
            self._refuse(message, error)
            return
        found.arrivals.append(self._store.sort(arrival))
        self._learn(message.topic, topic, arrival.stream)

    def arrival(self, topic: VitalTopic, message: Message) -> Arrival:
        """Return a reading as it may be stored; raises ContractError."""
        vital = self._catalogue.get(topic.vital)
        if vital is None:
            raise ContractError(
                f"the catalogue has no vital {topic.vital!r}", reason="unknown_vital"
            )
        reading = decode_reading(message.payload)
        judged = judge(reading, vital, message.received_ms)
        if judged.reason in ("out_of_range", "clock_ahead"):
            self._counts[f"kept_{judged.reason}"] += 1
        bed = topic.bed
        stream = Stream(bed.ward, bed.bed, topic.vital, reading.device, reading.boot)
        shift_ms = self._clocks.shift_ms(reading.device)
        return Arrival(
            stream, reading, judged, message.received_ms, message.payload, shift_ms
        )

    def _learn(self, name: str, topic: VitalTopic, stream: Stream) -> None:
        """Let the next message of a stream go the short way, if it may."""
        vital = self._catalogue[topic.vital]
        if vital.kind is not VitalKind.NUMERIC:
            return
        route = self._routes.get(name)
        if route is None:
            if len(self._routes) >= MOST_ROUTES:
                self._routes.clear()
            low, high = vital.plausible or (-math.inf, math.inf)
            route = self._routes[name] = _Route(topic, low, high)
        key = (stream.device, stream.boot)
        if self._clocks.shift_ms(stream.device):
            route.tracks.pop(key, None)
        else:
            route.tracks[key] = self._store.memory.track(stream)
