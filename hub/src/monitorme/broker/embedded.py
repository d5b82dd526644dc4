"""amqtt in a process of its own: for trial and tests, on loopback only.

Closed here: anonymous clients (none are let in), a client id that is not the user's own,
and the leak of retained messages to clients that never asked for them.

What remains of amqtt 0.12.1's defects, and why it is bearable: devices keep every reading
until the recorder confirms it, and services publish retained state again.

- Messages that a killed subscriber had not acknowledged are never redelivered.
- A message unacknowledged for five seconds is dropped.
- CONNECT disturbs a session of the same client id before the password is checked.
- Keepalive is not enforced: a pulled cable brings no will.
- Messages queued for a session that was away arrive marked as retained.
- Queues have no bounds, and nothing survives the broker's own death.
"""

import argparse
import asyncio
import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from monitorme import credentials, logs
from monitorme.broker.process import BrokerProcess
from monitorme.loopback import require_loopback

log = logging.getLogger(__name__)


class EmbeddedBroker(BrokerProcess):
    """amqtt as a child process."""

    def command(self) -> list[str]:
        """Return the command of this module."""
        credentials.load_secret(self.secret_file)
        return [
            *(sys.executable, "-m", "monitorme.broker.embedded"),
            *("--host", self.host, "--port", str(self.port)),
            *("--secret-file", str(self.secret_file)),
        ]


class DerivedPassword(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is not typed
    """Lets in whoever calls itself by its client id and has that id's password."""

    @dataclass
    class Config:
        """Where the site's secret lies."""

        secret_file: str

    def __init__(self, context: Any) -> None:  # noqa: ANN401  # amqtt is not typed
        super().__init__(context)
        self._secret = credentials.load_secret(Path(self.config.secret_file))

    async def authenticate(self, *, session: Session) -> bool:
        """Say whether a client may connect."""
        if not session.username or session.username != session.client_id:
            log.warning("refused, user is not client id=%s", session.client_id)
            return False
        return credentials.is_password(
            self._secret, session.client_id, session.password or ""
        )


class AnyTopic(BaseTopicPlugin):  # type: ignore[misc]  # amqtt is not typed
    """Allows every topic; amqtt takes the absence of an answer for a no."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Allow it: who may do what comes with the work on trust."""
        return True


class TightBroker(Broker):  # type: ignore[misc]  # amqtt is not typed
    """amqtt's broker, but retained messages go only to those who subscribed."""

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        topic_filter, _ = subscription
        subscribed = self._subscriptions.get(topic_filter, ())
        if any(subscriber is session for subscriber, _ in subscribed):
            await super()._publish_retained_messages_for_subscription(
                subscription, session
            )


async def serve(host: str, port: int, secret_file: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    here = __name__ if __name__ != "__main__" else "monitorme.broker.embedded"
    broker = TightBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {
                f"{here}.DerivedPassword": {"secret_file": str(secret_file)},
                f"{here}.AnyTopic": {},
            },
        }
    )
    await broker.start()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await broker.shutdown()


def main() -> None:
    """Run the embedded broker."""
    parser = argparse.ArgumentParser(description="The embedded broker, on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret-file", type=Path, required=True)
    options = parser.parse_args()
    logs.configure("broker")
    host = require_loopback(options.host)
    asyncio.run(serve(host, options.port, options.secret_file))


if __name__ == "__main__":
    main()
