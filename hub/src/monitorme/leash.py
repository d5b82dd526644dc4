"""Runs a command that ends when its parent does: `python leash.py PARENT COMMAND …`.

Linux tells a process that asked for it when its parent has died, and keeps doing so
after exec. This file is run by its path, so that it imports nothing of MonitorMe's.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str]) -> list[str]:
    """Return what to run in place of a command that is to end with this process."""
    return [sys.executable, "-I", __file__, str(os.getpid()), *command]


def main() -> None:
    """Ask for the signal, make sure that the parent still lives, become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
