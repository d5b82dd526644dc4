"""JSON Schemas and the AsyncAPI 3 document, made from topics and payload models."""

import json
from dataclasses import dataclass
from typing import Any, Final

from monitorme.contract import payloads, topics
from monitorme.described import described

CONTRACT_VERSION: Final = "1.0.0"
_JSON_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic of the contract, with who sends what to whom."""

    name: str
    address: str
    payload: type[payloads.Payload]
    retained: bool
    sender: str
    text: str


_BED: Final = topics.ROOT + "/{ward}/{bed}"

CHANNELS: Final = (
    Channel(
        "vital",
        f"{_BED}/vital/{{vital}}",
        payloads.Reading,
        False,
        "device",
        "A reading of one vital, or a block of a waveform.",
    ),
    Channel(
        "deviceStatus",
        f"{_BED}/device/{{device}}/status",
        payloads.DeviceStatus,
        True,
        "device",
        "Birth and death of a device; also its will.",
    ),
    Channel(
        "deviceDurable",
        f"{_BED}/device/{{device}}/durable",
        payloads.Durable,
        False,
        "recorder",
        "Which readings of a device are on disk.",
    ),
    Channel(
        "deviceCommand",
        f"{_BED}/device/{{device}}/command",
        payloads.DeviceCommand,
        False,
        "hub",
        "What the hub asks of a device.",
    ),
    Channel(
        "admission",
        f"{_BED}/admission",
        payloads.Admission,
        True,
        "registry",
        "Who lies in the bed; an empty payload says that it is free.",
    ),
    Channel(
        "condition",
        f"{_BED}/condition/{{code}}",
        payloads.Condition,
        True,
        "analysis",
        "Whether something is true now; republished every 30 s while it is.",
    ),
    Channel(
        "alarm",
        f"{_BED}/alarm/{{code}}",
        payloads.Alarm,
        True,
        "alerting",
        "What people are to be shown; an empty payload says that it is gone.",
    ),
    Channel(
        "limits",
        f"{_BED}/limits",
        payloads.LimitsInForce,
        True,
        "analysis",
        "By which limits the patient is judged now; empty where the bed is free.",
    ),
    Channel(
        "event",
        f"{_BED}/event",
        payloads.Event,
        False,
        "any service",
        "What happened, for audit and for MonitorThem.",
    ),
    Channel(
        "command",
        topics.ROOT + "/command/{service}/{verb}",
        payloads.Command,
        False,
        "anyone allowed",
        "A request to a service.",
    ),
    Channel(
        "reply",
        topics.ROOT + "/reply/{command}",
        payloads.Reply,
        False,
        "the service asked",
        "The answer to one request.",
    ),
    Channel(
        "service",
        topics.ROOT + "/service/{service}/{instance}",
        payloads.Service,
        True,
        "service",
        "Birth, health and death of a service; also its will.",
    ),
)

_PARAMETERS: Final = {
    "ward": "Id of the ward: the unit of partition; not command, reply or service.",
    "bed": "Id of the bed within its ward.",
    "vital": "Name of a vital in the site's catalogue.",
    "device": "Id of the device; also its MQTT client id and user name.",
    "code": "Name of the condition within the bed.",
    "service": "Name of the service.",
    "verb": "What is asked for.",
    "command": "Id of the request.",
    "instance": "Tells instances of a service apart.",
}


def files() -> dict[str, str]:
    """Return every generated document: path below docs/ to text."""
    schemas = {
        f"schemas/{model.__name__}.json": _text(json_schema(model))
        for model in {channel.payload: None for channel in CHANNELS}
    }
    return {"asyncapi.json": _text(asyncapi()), **schemas}


def json_schema(model: type[payloads.Payload]) -> dict[str, Any]:
    """Return the JSON Schema of one payload."""
    schema = described(model).model_json_schema(mode="validation")
    return {
        "$schema": _JSON_SCHEMA,
        "$id": f"urn:monitorme:v1:{model.__name__}",
        **schema,
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3 document of the whole contract."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "MonitorMe",
            "version": CONTRACT_VERSION,
            "description": (
                "Topics and payloads between bedside devices and the services of "
                "MonitorMe. Everything is MQTT 3.1.1 with QoS 1. Times are integer "
                "milliseconds since the epoch, UTC. Unknown fields and topics are "
                "ignored. Not a medical device."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "hub": {
                "host": "127.0.0.1:1883",
                "protocol": "mqtt",
                "protocolVersion": "3.1.1",
                "description": "The hub's broker.",
            }
        },
        "channels": {one.name: _channel(one) for one in CHANNELS},
        "operations": {
            f"{action}{one.name[0].upper()}{one.name[1:]}": _operation(one, action)
            for one in CHANNELS
            for action in ("send", "receive")
        },
        "components": {
            "messages": {one.payload.__name__: _message(one) for one in CHANNELS}
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    names = [part[1:-1] for part in channel.address.split("/") if part[0] == "{"]
    return {
        "address": channel.address,
        "description": channel.text,
        "parameters": {name: {"description": _PARAMETERS[name]} for name in names},
        "messages": {
            channel.payload.__name__: {
                "$ref": f"#/components/messages/{channel.payload.__name__}"
            }
        },
    }


def _operation(channel: Channel, action: str) -> dict[str, Any]:
    whose = channel.sender if action == "send" else "whoever subscribes"
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": f"By {whose}.",
        "bindings": {
            "mqtt": {"qos": 1, "retain": channel.retained, "bindingVersion": "0.2.0"}
        },
    }


def _message(channel: Channel) -> dict[str, Any]:
    model = channel.payload
    return {
        "name": model.__name__,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": {"$ref": f"schemas/{model.__name__}.json"},
        },
    }


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
