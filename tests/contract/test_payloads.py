"""Payloads: what the schemas allow is accepted, comes back the same, and stays so."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from monitorme.contract import payloads, topics
from monitorme.contract.payloads import MAX_PAYLOAD_BYTES, Payload, decode
from monitorme.contract.readings import Reading, decode_reading
from monitorme.contract.schema import CHANNELS, files, json_schema
from monitorme.errors import ContractError

from .json_schema_strategy import instances

DOCS = Path(__file__).parents[2] / "docs"
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
MODELS = list({channel.payload: None for channel in CHANNELS})
SCHEMAS = {model: json_schema(model) for model in MODELS}
VALIDATORS = {
    model: jsonschema.Draft202012Validator(schema) for model, schema in SCHEMAS.items()
}
STRATEGIES = {model: instances(schema) for model, schema in SCHEMAS.items()}


def accepted(model: type[Payload], document: object) -> Payload | None:
    try:
        return decode(model, json.dumps(document).encode())
    except ContractError:
        return None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_what_the_schema_allows_comes_back_the_same(
    model: type[Payload], data: st.DataObject
) -> None:
    document = data.draw(STRATEGIES[model])
    VALIDATORS[model].validate(document)
    payload = accepted(model, document)
    if payload is None:
        # The one rule that a schema cannot say: a value is null exactly where invalid.
        assume(model is not payloads.Reading)
    assert payload is not None
    assert decode(model, payload.to_json()) == payload


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_unknown_fields_are_ignored(model: type[Payload]) -> None:
    for path in GOLDEN:
        example = json.loads(path.read_text(encoding="utf-8"))
        if example["model"] == model.__name__ and example["payload"]:
            known = accepted(model, example["payload"])
            grown = accepted(model, {**example["payload"], "later": {"x": [1]}})
            assert known is not None
            assert grown == known
            return
    pytest.fail(f"no golden payload for {model.__name__}")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_version_1_stays_readable(path: Path) -> None:
    """A failure here means that devices in the field break: never edit golden."""
    example = json.loads(path.read_text(encoding="utf-8"))
    model: type[Payload] = getattr(payloads, example["model"])
    parsed = topics.parse(example["topic"])
    assert type(parsed).__name__ == example["topic_kind"]
    assert str(parsed) == example["topic"]
    payload = accepted(model, example["payload"])
    assert payload is not None
    assert json.loads(payload.to_json()) == example["payload"] | example.get("adds", {})


@pytest.mark.parametrize("name", sorted(files()))
def test_generated_documents_are_current(name: str) -> None:
    committed = (DOCS / name).read_text(encoding="utf-8")
    assert committed == files()[name], "run `monitorme schema --write docs`"


def test_no_generated_document_is_left_over() -> None:
    there = {f"schemas/{path.name}" for path in (DOCS / "schemas").iterdir()}
    assert there == {name for name in files() if name.startswith("schemas/")}


def test_an_oversized_payload_is_refused_before_it_is_parsed() -> None:
    data = b" " * (MAX_PAYLOAD_BYTES + 1)
    for refuse in (decode_reading, lambda raw: decode(payloads.Reading, raw)):
        with pytest.raises(ContractError) as refusal:
            refuse(data)
        assert refusal.value.reason == "oversized"


# The two decoders of readings ---------------------------------------------------------


def both(data: bytes) -> tuple[Payload | None, Reading | None]:
    slow: Payload | None = None
    fast: Reading | None = None
    with suppress(ContractError):
        slow = decode(payloads.Reading, data)
    with suppress(ContractError):
        fast = decode_reading(data)
    return slow, fast


def assert_agree(data: bytes) -> None:
    slow, fast = both(data)
    assert (slow is None) == (fast is None), (slow, fast)
    if slow is not None and fast is not None:
        mine = json.loads(fast.to_json())
        theirs = json.loads(slow.to_json())
        assert _filled(mine) == _filled(theirs)


def _filled(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with the defaults written out, which only one leaves away."""
    value = document.get("value")
    if isinstance(value, dict):
        value = {
            name: {"offset": 0.0, **part} if isinstance(part, dict) else part
            for name, part in value.items()
        }
    return {**document, "value": value}


ODD: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["", "A B", "x" * 501, "5", "good", "lead_off\n", "ümlaut"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(
        st.sampled_from(["II", "systolic", "a b"]), st.floats(), max_size=2
    ),
    st.just({}),
)


@settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    document=STRATEGIES[payloads.Reading],
    field=st.sampled_from(sorted(payloads.Reading.model_fields)),
    action=st.sampled_from(["keep", "drop", "replace", "lead"]),
    odd=ODD,
)
def test_both_decoders_accept_and_refuse_the_same(
    document: dict[str, Any], field: str, action: str, odd: object
) -> None:
    match action:
        case "drop":
            document.pop(field, None)
        case "replace":
            document[field] = odd
        case "lead":
            lead = {"rate_hz": 250.0, "unit": "mV", "scale": 1, "samples": [1, -2]}
            key = list(lead)[len(field) % len(lead)]
            document |= {"value": {"II": {**lead, key: odd}}, "quality": "good"}
    assert_agree(json.dumps(document).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b"[" * 5000,
        b'{"device":"d","boot":"b","seq":1,"time_ms":1,"value":NaN,"quality":"good"}',
        b'{"device":"d","boot":"b","seq":1,"time_ms":1,"value":1e999,"quality":"good"}',
        b'{"device":"d","boot":"b","seq":1.0,"time_ms":1,"value":1,"quality":"good"}',
        b'{"device":"d","boot":"b","seq":1,"time_ms":1,"value":true,"quality":"good"}',
        b'{"device":"d\\n","boot":"b","seq":1,"time_ms":1,"value":1,"quality":"good"}',
        b'{"device":"d","device":"e","boot":"b","seq":1,"time_ms":1,"value":1,'
        b'"quality":"good"}',
        b'{"device":"d","boot":"b","seq":1,"time_ms":1,"value":"\\ud800",'
        b'"quality":"good"}',
    ],
)
def test_both_decoders_agree_on_known_mischief(data: bytes) -> None:
    assert_agree(data)


@pytest.mark.parametrize(
    "rate_hz", ["0", "1e-320", "0.009", "-1", "NaN", "1e999", "-1e999", "100001"]
)
def test_a_waveform_without_a_usable_rate_is_refused(rate_hz: str) -> None:
    lead = f'{{"rate_hz":{rate_hz},"unit":"mV","scale":1.0,"samples":[1]}}'
    data = (
        '{"device":"d","boot":"b","seq":1,"time_ms":1,"quality":"good",'
        f'"value":{{"II":{lead}}}}}'
    ).encode()
    with pytest.raises(ContractError):
        decode_reading(data)
    assert_agree(data)


@given(st.binary(max_size=64))
def test_both_decoders_agree_on_garbage(data: bytes) -> None:
    assert_agree(data)
