"""Hypothesis strategies for the JSON that a JSON Schema of the contract allows."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Json = Any  # whatever json.loads may return


def instances(schema: Mapping[str, Json]) -> st.SearchStrategy[Json]:
    """Return a strategy for the instances of a schema of ours."""
    return _of(schema, schema.get("$defs", {}))


def _of(
    schema: Mapping[str, Json] | bool, defs: Mapping[str, Json]
) -> st.SearchStrategy[Json]:
    if isinstance(schema, bool):
        return _of({}, defs)
    if "$ref" in schema:
        return _of(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return st.one_of([_of(part, defs) for part in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _object(schema, defs)
        case "array":
            return st.lists(
                _of(schema["items"], defs),
                min_size=schema.get("minItems", 0),
                max_size=min(schema.get("maxItems", 5), 5),
            )
        case "string":
            return _string(schema)
        case "integer":
            return st.integers(
                schema.get("minimum", -(2**53)), schema.get("maximum", 2**53 - 1)
            )
        case "number":
            return _number(schema)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return st.one_of(st.none(), st.booleans(), st.text(max_size=5))


def _object(
    schema: Mapping[str, Json], defs: Mapping[str, Json]
) -> st.SearchStrategy[Json]:
    if "patternProperties" in schema:
        ((pattern, part),) = schema["patternProperties"].items()
        return st.dictionaries(
            _string({"pattern": pattern}), _of(part, defs), max_size=3
        )
    if "properties" not in schema:
        names = _string(schema.get("propertyNames", {}))
        values = _of(schema.get("additionalProperties", {}), defs)
        return st.dictionaries(names, values, max_size=3)
    required = schema.get("required", [])
    fields = {name: _of(part, defs) for name, part in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )


def _string(schema: Mapping[str, Json]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].removesuffix("$") + r"\Z")
    characters = st.characters(codec="utf-8")
    return st.text(characters, max_size=min(schema.get("maxLength", 20), 20))


def _number(schema: Mapping[str, Json]) -> st.SearchStrategy[float | int]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    return st.floats(
        low,
        high,
        allow_nan=False,
        allow_infinity=False,
        exclude_min="exclusiveMinimum" in schema,
    )
