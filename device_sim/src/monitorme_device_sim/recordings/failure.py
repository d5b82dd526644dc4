"""What can be wrong with a recording."""

from monitorme.errors import MonitorMeError


class RecordingError(MonitorMeError):
    """A recording cannot be used; the text names it and says what to do."""

    exit_code = 2
