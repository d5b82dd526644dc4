"""What can go wrong, as one tree.

MonitorMeError              something that a person has to know, and what to do
├── ConfigError             the site's configuration cannot be used
├── ContractError           a topic or payload breaks the wire contract
├── PluginError             a plugin cannot be found, loaded or configured
├── BusError                the message bus cannot do what was asked
│   └── CommandFailed       a service refused a command, or did not answer
├── ListenRefused           asked to listen where others could reach it
└── StorageError            a disk, a database or an outbox cannot be used

Catch only what you can act on. The command line prints the text of a MonitorMeError in
one line and exits with its `exit_code`; any other exception is a defect.
"""


class MonitorMeError(Exception):
    """Something that a person has to know; the text says what to do about it."""

    exit_code = 1


class ConfigError(MonitorMeError):
    """The site's configuration cannot be used."""

    exit_code = 2


class ContractError(MonitorMeError):
    """A topic or payload breaks the wire contract."""

    def __init__(self, text: str, *, reason: str = "malformed") -> None:
        super().__init__(text)
        self.reason = reason


class PluginError(MonitorMeError):
    """A plugin cannot be found, loaded or configured."""

    exit_code = 2


class BusError(MonitorMeError):
    """The message bus cannot do what was asked."""


class CommandFailed(BusError):
    """A service refused a command, or did not answer in time."""


class ListenRefused(MonitorMeError):
    """Asked to listen where others could reach it, before the work on trust."""

    exit_code = 2


class StorageError(MonitorMeError):
    """A disk, a database or an outbox cannot be used."""
