"""What could not be used: kept on disk with its reason, bounded, for the technician."""

import base64
import json
import logging
from pathlib import Path
from typing import Final

from monitorme.messaging import Message

log = logging.getLogger(__name__)

FILE_NAME: Final = "quarantine.jsonl"
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
MAX_KEPT_PAYLOAD_BYTES: Final = 16 * 1024


class Quarantine:
    """Keeps refused messages, a JSON line each; the older half goes when it is full."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def keep(self, message: Message, reason: str) -> None:
        """Append a message; a disk that refuses is logged and stops nothing."""
        line = json.dumps(
            {
                "received_ms": message.received_ms,
                "topic": message.topic,
                "reason": reason,
                "bytes": len(message.payload),
                "payload_base64": base64.b64encode(
                    message.payload[:MAX_KEPT_PAYLOAD_BYTES]
                ).decode(),
            }
        )
        try:
            self._rotate()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            log.error("quarantine cannot be written: %s", error)

    def _rotate(self) -> None:
        if self._path.exists() and self._path.stat().st_size > MAX_FILE_BYTES:
            self._path.replace(self._path.with_suffix(".old.jsonl"))
