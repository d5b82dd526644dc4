"""What can go wrong with InfluxDB, by what is to be done about it.

StorageError
└── InfluxError          InfluxDB cannot be asked or written to now: try again later
    ├── NotAllowed       the token is wrong: a technician has to see to it
    ├── NotThere         organisation or bucket are gone: make the bucket again
    ├── TooMuch          the request is too large: send less at once
    └── Refused          it is the lines themselves: find which
"""

from monitorme.errors import StorageError


class InfluxError(StorageError):
    """InfluxDB cannot be asked or written to now; `wait_s` is its own word on when."""

    def __init__(self, text: str, *, wait_s: float | None = None) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class NotAllowed(InfluxError):
    """The token is missing, wrong, or may not do this."""


class NotThere(InfluxError):
    """The organisation or the bucket does not exist."""


class TooMuch(InfluxError):
    """The request is larger than InfluxDB takes."""


class Refused(InfluxError):
    """InfluxDB refuses lines; `dropped` of them where it says so and kept the rest."""

    def __init__(self, text: str, *, dropped: int | None = None) -> None:
        super().__init__(text)
        self.dropped = dropped

    @property
    def is_too_old(self) -> bool:
        """Whether all that it dropped is older than the bucket keeps."""
        return self.dropped is not None and "outside retention" in str(self)
