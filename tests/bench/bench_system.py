"""The whole system at 20 and at 100 beds: from the device to the page, and what it costs.

Run by `make bench`. Latency is from a reading's time to its frame being ready for pages.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SECONDS = 20


def run(beds: int) -> dict[str, Any]:
    """Run a demo of so many beds and return its report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "monitorme", "demo", "--no-open"]
        command += ["--beds", str(beds), "--seconds", str(SECONDS)]
        command += ["--report", str(report), "--port", "0"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return found


def main() -> None:
    """Print the table."""
    print(f"{'beds':>5}{'readings':>10}{'lost':>6}{'p50 ms':>8}{'p99 ms':>8}", end="")
    print(f"{'recorder us each':>18}{'station us each':>17}{'all but sim, cores':>20}")
    for beds in (20, 100):
        report = run(beds)
        latency, sent = report["latency_ms"], report["sent"]
        used = report["processor_s"]
        each = {name: used[name] / sent * 1e6 for name in ("recorder", "nurse_station")}
        cores = (sum(used.values()) - used["device_sim"]) / (SECONDS + 5)
        print(f"{beds:5}{sent:10}{report['lost']:6}", end="")
        print(f"{latency['p50']:8.0f}{latency['p99']:8.0f}", end="")
        print(f"{each['recorder']:18.0f}{each['nurse_station']:17.0f}{cores:20.2f}")
    print("Processor time includes starting the processes, about 0.5 s each.")


if __name__ == "__main__":
    main()
