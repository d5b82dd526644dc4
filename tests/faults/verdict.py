"""What was made, beside what is stored: the word of `monitorme recorder verify`."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `monitorme recorder verify` says."""

    made: int
    stored: int
    lost: int
    doubled: int
    altered: int

    @property
    def is_exact(self) -> bool:
        """Whether every reading is stored once, as it was made."""
        return not (self.lost or self.doubled or self.altered)


def verify(ledgers: Iterable[Path], data: Path, *arguments: str) -> Verdict:
    """Compare all ledgers with what is stored."""
    command = [sys.executable, "-m", "monitorme", "recorder", "verify"]
    command += [*map(str, ledgers), "--json", "--data", str(data), *arguments]
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    if not answer.stdout:
        raise RuntimeError(f"verify failed: {answer.stderr.strip()[-300:]}")
    return Verdict(**json.loads(answer.stdout))
