"""What was made, beside what is stored: the word of `monitorme recorder verify`."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from monitorme_recorder.verify import Comparison

TIMEOUT_S = 120.0


def verify(ledgers: Iterable[Path], data: Path, *arguments: str) -> Comparison:
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
    return Comparison(**json.loads(answer.stdout))
