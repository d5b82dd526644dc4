"""How a bus connects."""

from dataclasses import dataclass

from monitorme.messaging import Will


@dataclass(frozen=True, slots=True)
class BusSettings:
    """How to connect, and as whom."""

    host: str
    port: int
    client_id: str
    password: str | None = None
    subscriptions: tuple[str, ...] = ()
    will: Will | None = None
    clean_session: bool = False
    keepalive_s: int = 30
    linger_ms: int = 5
    batch_max: int = 5_000
