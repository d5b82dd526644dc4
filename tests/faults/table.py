"""What the suite writes into docs/guarantees.md: its faults, and what came of them."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.faults.catalogue import FAULTS
from tests.faults.suite import Row

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "guarantees.md"
FAULTS_BEGIN: Final = "<!-- Faults: written by `make faults`. -->"
BEGIN: Final = "<!-- Outcome: written by `make faults`. -->"
END: Final = "<!-- End. -->"
_HEAD: Final = (
    "| fault | beds | times | made | stored | lost | doubled | altered "
    "| slowest recovery | seed | day |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def line(row: Row) -> str:
    """Return a row of the table of outcomes."""
    verdict = row.verdict
    lost = f"{verdict.lost:,}"
    if row.named and verdict.lost:
        lost += f", {max(0, verdict.lost - row.named):,} of them unnamed"
    if row.wrong_alarms:
        lost += f", {len(row.wrong_alarms)} alarms wrong"
    cells = [
        f"`{row.fault}`",
        f"{row.beds}",
        f"{row.times}",
        f"{verdict.made:,}",
        f"{verdict.stored:,}",
        lost,
        f"{verdict.doubled:,}",
        f"{verdict.altered:,}",
        f"{row.slowest_s:.1f} s",
        f"{row.seed}",
        f"{datetime.datetime.now(datetime.UTC).date()}",
    ]
    return f"| {' | '.join(cells)} |"


def write(rows: Sequence[Row], document: Path = DOCUMENT) -> None:
    """Put the outcome of a run into the document; other faults keep what they had."""
    text = document.read_text(encoding="utf-8")
    new = {row.fault: line(row) for row in rows}
    known = {**_lines(text), **new}
    text = _replaced(text, FAULTS_BEGIN, fault_list())
    document.write_text(_replaced(text, BEGIN, outcome(known)), encoding="utf-8")


def fault_list() -> str:
    """Return the table of the faults."""
    head = "| fault | what is done |\n|---|---|"
    return "\n".join([head, *(f"| `{one.name}` | {one.what} |" for one in FAULTS)])


def outcome(known: Mapping[str, str]) -> str:
    """Return the table of outcomes, from the lines of faults that were run."""
    empty = " | ".join(["not run yet", *[""] * 9])
    lines = [known.get(one.name, f"| `{one.name}` | {empty} |") for one in FAULTS]
    return "\n".join([_HEAD, *lines])


def block(text: str, begin: str) -> str:
    """Return what stands in a document after a marker, up to the end of its block."""
    return text.split(begin)[1].split(END)[0].strip()


def _lines(text: str) -> dict[str, str]:
    lines = block(text, BEGIN).splitlines()
    return {one.split("`")[1]: one for one in lines if one.startswith("| `")}


def _replaced(text: str, begin: str, content: str) -> str:
    before, rest = text.split(begin)
    _, after = rest.split(END, 1)
    return f"{before}{begin}\n\n{content}\n\n{END}{after}"
