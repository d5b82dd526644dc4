"""How a service takes commands: parse, refuse what is stale or unknown, answer."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from monitorme.contract.payloads import Command, Reply, decode
from monitorme.contract.topics import CommandTopic, ReplyTopic
from monitorme.errors import ContractError, MonitorMeError
from monitorme.messaging import Message
from monitorme.plugin import Context
from monitorme.site import first_mistake

log = logging.getLogger(__name__)

A = TypeVar("A", bound=BaseModel)
Answer = Mapping[str, Any] | None
Handler = Callable[[Command], Answer]


class Refused(MonitorMeError):
    """A command cannot be carried out; the text is the answer."""


def arguments(model: type[A], command: Command) -> A:
    """Return a command's arguments as `model`; raises Refused naming the mistake."""
    try:
        return model.model_validate(command.args)
    except ValidationError as error:
        raise Refused(first_mistake(error)) from error


def answer(
    context: Context,
    topic: CommandTopic,
    message: Message,
    handlers: Mapping[str, Handler],
) -> None:
    """Carry out a command by its verb's handler and publish the answer.

    A command that is not a Command is counted. One that is stale, unknown or refused is
    answered with the reason; a StorageError is the host's, so that it is tried again.
    """
    try:
        command = decode(Command, message.payload)
    except ContractError as error:
        context.counts[f"refused_{error.reason}"] += 1
        log.warning("command refused topic=%s: %s", topic, error)
        return
    reply = _carry_out(context, topic, command, handlers)
    context.bus.publish(ReplyTopic(command.id), reply)


def _carry_out(
    context: Context,
    topic: CommandTopic,
    command: Command,
    handlers: Mapping[str, Handler],
) -> Reply:
    handler = handlers.get(topic.verb)
    if handler is None:
        known = ", ".join(sorted(handlers))
        text = f"{topic.service} does not know {topic.verb!r}; it knows {known}"
        return Reply(id=command.id, ok=False, error=text)
    if context.now_ms() > command.expires_ms:
        context.counts["refused_stale_commands"] += 1
        return Reply(id=command.id, ok=False, error="the request came too late")
    try:
        return Reply(id=command.id, ok=True, result=dict(handler(command) or {}))
    except Refused as error:
        return Reply(id=command.id, ok=False, error=str(error)[:500])
