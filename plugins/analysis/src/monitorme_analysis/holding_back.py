"""What technical findings make meaningless is not told as if it were known."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from monitorme.contract.payloads import ConditionKind
from monitorme_analysis.rule import Finding


def published(found: Iterable[Finding]) -> Iterator[Finding]:
    """Return what is told, each code once: the first that was found.

    A physiological finding that a technical one holds back is not told; the text of the
    technical one says so.
    """
    by_code: dict[str, Finding] = {}
    for finding in found:
        by_code.setdefault(finding.code, finding)
    blinding = [one for one in by_code.values() if one.holds_back]
    if not blinding:
        yield from by_code.values()
        return
    held = {
        one.code
        for one in by_code.values()
        if one.kind is ConditionKind.PHYSIOLOGICAL
        and any(_holds_back(technical, one) for technical in blinding)
    }
    for finding in by_code.values():
        if finding.code in held:
            continue
        hidden = [c for c in sorted(held) if _holds_back(finding, by_code[c])]
        if hidden:
            text = f"{finding.text}; held back: {', '.join(hidden)}"
            yield replace(finding, text=text[:500])
        else:
            yield finding


def _holds_back(technical: Finding, other: Finding) -> bool:
    return technical.kind is ConditionKind.TECHNICAL and (
        other.vital in technical.holds_back or other.code in technical.holds_back
    )
