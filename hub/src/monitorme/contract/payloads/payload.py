"""What every payload is made of, and how one is parsed."""

from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitorme.errors import ContractError

MAX_PAYLOAD_BYTES: Final = 256 * 1024
"""A larger payload is refused."""
MAX_INT: Final = 2**53 - 1
"""The largest integer that every JSON parser keeps exact (RFC 8259, section 6)."""

Id = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
LONGEST_TEXT: Final = 500
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Milliseconds = Annotated[int, Field(ge=0, le=MAX_INT)]
Seq = Annotated[int, Field(ge=1, le=MAX_INT)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Payload(BaseModel):
    """What all payloads share: strict, immutable, open to unknown fields."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
    )

    def to_json(self) -> bytes:
        """Return the payload as it goes on the wire; absent fields are left out."""
        return self.model_dump_json(exclude_none=True).encode()


P = TypeVar("P", bound=Payload)


def decode(model: type[P], data: bytes) -> P:
    """Parse a payload; raises ContractError with the reason it is refused."""
    if len(data) > MAX_PAYLOAD_BYTES:
        raise ContractError(
            f"payload of {len(data)} bytes is over {MAX_PAYLOAD_BYTES}",
            reason="oversized",
        )
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        kind = "unparsable" if first["type"] == "json_invalid" else "wrong_type"
        text = f"{where}: {first['msg']}" if where else first["msg"]
        raise ContractError(text, reason=kind) from error
