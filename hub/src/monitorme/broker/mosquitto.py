"""Mosquitto as a managed child, with a configuration that does not lose silently."""

import os
from pathlib import Path
from typing import Final

from monitorme.broker.process import BrokerProcess, find_mosquitto
from monitorme.errors import ConfigError, StorageError

# What each line is for:
# - Anonymous on loopback only: people and TLS come with the work on trust.
# - Sessions, queues and retained messages survive an ordinary restart. What a killed
#   broker forgets, devices send again until the recorder confirms it (design, section 5);
#   admissions, conditions and alarms are published again by those who own them.
# - By default Mosquitto drops silently after 1,000 queued messages: here the bound is in
#   bytes, as large as an hour of a hospital for one service.
# - The payload's limit of 256 KiB is ours to enforce and to count, so the broker lets a
#   little more through.
_CONFIGURATION: Final = """\
# Written by MonitorMe at every start; changes are lost.
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 30
max_queued_messages 0
max_queued_bytes 4000000000
max_inflight_messages 2000
max_keepalive 60
max_packet_size 1000000
persistent_client_expiration 14d
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_timestamp_format %Y-%m-%dT%H:%M:%S
{user}"""


class Mosquitto(BrokerProcess):
    """Mosquitto 2, with its state in the data folder."""

    def command(self) -> list[str]:
        """Return Mosquitto's command, having written its configuration."""
        program = find_mosquitto()
        if program is None:
            raise ConfigError("Mosquitto is not installed")
        return [program, "-c", str(self._write_configuration())]

    def _write_configuration(self) -> Path:
        path = self.folder / "mosquitto.conf"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(
                _CONFIGURATION.format(
                    host=self.host,
                    port=self.port,
                    folder=self.folder.absolute(),
                    user=_keep_user(),
                ),
                encoding="utf-8",
            )
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
        return path


def _keep_user() -> str:
    """Return the line that keeps root as root: else it could not read our folder."""
    return "user root\n" if os.geteuid() == 0 else ""
