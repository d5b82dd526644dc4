"""Readings on the hot path: a decoder that costs a microsecond, and one judgement.

`decode_reading` accepts and refuses exactly what `payloads.Reading` accepts and refuses
(a test proves it on generated payloads); it exists because every service decodes every
reading. `judge` then says, once for all services, what a reading may be used for.
"""

import re
from typing import Annotated, Final, Literal

import msgspec

from monitorme.contract.payloads import MAX_INT, MAX_PAYLOAD_BYTES
from monitorme.contract.vitals import Vital, VitalKind
from monitorme.errors import ContractError

_COMPONENT_NAME = re.compile(r"[a-z0-9_]{1,64}")
_LEAD_NAME = re.compile(r"[A-Za-z0-9 ._+-]{1,32}")
_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}\Z")]
_Text = Annotated[str, msgspec.Meta(max_length=500)]

QualityWord = Literal["good", "questionable", "invalid"]

FUTURE_TOLERANCE_MS: Final = 5_000
"""A device clock may be this far ahead before its readings are questionable."""
LATE_AFTER_MS: Final = 60_000
"""An older reading is recorded and charted, but raises no alarm by itself."""


class Lead(msgspec.Struct, frozen=True, gc=False):
    """Samples of one lead; sample i is `offset + scale * samples[i]`, in `unit`."""

    rate_hz: Annotated[float, msgspec.Meta(ge=0.01, le=100_000)]
    """At least a sample in 100 s: the time of a slower block would have no end."""
    unit: _Text
    scale: float
    samples: Annotated[
        list[Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]],
        msgspec.Meta(min_length=1, max_length=50_000),
    ]
    offset: float = 0.0


ReadingValue = float | str | dict[str, float | Lead] | None


class Reading(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One value of one vital; the fields are those of `payloads.Reading`."""

    device: _Id
    boot: _Id
    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_INT)]
    time_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)]
    value: ReadingValue
    quality: QualityWord
    reason: _Name | None = None

    def to_json(self) -> bytes:
        """Return the reading as it goes on the wire."""
        return msgspec.json.encode(self)


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What a reading may be used for.

    `value` is None where it must not show, alarm or average as a number; `at_ms` is the
    time to chart it at; `late` says that it raises no alarm by itself.
    """

    value: ReadingValue
    quality: QualityWord
    reason: str | None
    at_ms: int
    late: bool


_decoder = msgspec.json.Decoder(Reading)


def decode_reading(data: bytes) -> Reading:
    """Parse a reading; raises ContractError with the reason it is refused."""
    if len(data) > MAX_PAYLOAD_BYTES:
        raise ContractError(
            f"payload of {len(data)} bytes is over {MAX_PAYLOAD_BYTES}",
            reason="oversized",
        )
    try:
        reading = _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise ContractError(str(error), reason="wrong_type") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(str(error), reason="unparsable") from error
    _check(reading)
    return reading


def _check(reading: Reading) -> None:
    if (reading.value is None) != (reading.quality == "invalid"):
        raise ContractError(
            "value is null if and only if quality is invalid", reason="wrong_type"
        )
    if reading.quality == "invalid" and reading.reason is None:
        raise ContractError("an invalid reading says its reason", reason="wrong_type")
    value = reading.value
    if isinstance(value, str) and len(value) > 500:
        raise ContractError("a state is at most 500 characters", reason="wrong_type")
    if isinstance(value, dict):
        _check_parts(value)


def _check_parts(value: dict[str, float | Lead]) -> None:
    leads = sum(isinstance(part, Lead) for part in value.values())
    if leads not in (0, len(value)):
        raise ContractError("components and leads do not mix", reason="wrong_type")
    allowed = _LEAD_NAME if leads else _COMPONENT_NAME
    for name in value:
        if not allowed.fullmatch(name):
            raise ContractError(f"{name!r} names no part", reason="wrong_type")


def judge(reading: Reading, vital: Vital, received_ms: int) -> Judgement:
    """Say what a reading may be used for.

    Args:
        reading: what the device sent.
        vital: the catalogue's entry of the topic's vital.
        received_ms: when it came, by the receiver's clock.

    Raises:
        ContractError: the value is not of the vital's kind.
    """
    check_kind(reading.value, vital)
    ahead = reading.time_ms - received_ms > FUTURE_TOLERANCE_MS
    at_ms = received_ms if ahead else reading.time_ms
    late = received_ms - reading.time_ms > LATE_AFTER_MS
    value, quality, reason = reading.value, reading.quality, reading.reason
    if value is not None and not _is_plausible(value, vital):
        value, quality, reason = None, "invalid", "out_of_range"
    elif ahead and quality == "good":
        quality, reason = "questionable", "clock_ahead"
    return Judgement(value, quality, reason, at_ms, late)


def block_duration_ms(value: ReadingValue) -> float:
    """Return how long a block of a waveform lasts; 0 for any other value."""
    if not isinstance(value, dict):
        return 0.0
    leads = [part for part in value.values() if isinstance(part, Lead)]
    return max((1000 * len(one.samples) / one.rate_hz for one in leads), default=0.0)


def check_kind(value: ReadingValue, vital: Vital) -> None:
    """Raise a ContractError unless `value` has the shape of the vital's kind."""
    if value is None:
        return
    match vital.kind:
        case VitalKind.NUMERIC:
            fits = isinstance(value, float)
        case VitalKind.STATE:
            fits = isinstance(value, str) and value in vital.states
        case VitalKind.COMPOSITE:
            fits = isinstance(value, dict) and _is_composite(value, vital)
        case VitalKind.WAVEFORM:
            fits = (
                isinstance(value, dict)
                and bool(value)
                and all(isinstance(lead, Lead) for lead in value.values())
            )
    if not fits:
        raise ContractError(
            f"the value is not that of a {vital.kind} vital", reason="wrong_kind"
        )


def _is_composite(value: dict[str, float | Lead], vital: Vital) -> bool:
    return bool(value) and all(
        name in vital.components and isinstance(part, float)
        for name, part in value.items()
    )


def _is_plausible(value: float | str | dict[str, float | Lead], vital: Vital) -> bool:
    if isinstance(value, float):
        return vital.is_plausible(value)
    if isinstance(value, dict):
        return all(
            vital.is_plausible(part)
            for part in value.values()
            if isinstance(part, float)
        )
    return True
