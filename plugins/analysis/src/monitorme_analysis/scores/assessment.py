"""All scores of a patient at a moment: those that are for them, and why others are not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from monitorme.contract.payloads import Category, Priority
from monitorme_analysis.scores import bedside_pews as pews
from monitorme_analysis.scores import mews as mews_score
from monitorme_analysis.scores import shock_index as shock
from monitorme_analysis.scores.news2 import (
    HEART_RATE,
    MINIMUM_AGE_YEARS,
    SYSTOLIC,
    News2Inputs,
    news2,
)
from monitorme_analysis.scores.response import response
from monitorme_analysis.scores.score import NOT_GIVEN, Score, lacking

SCORES_KEPT: Final = 1_024
"""So many scores are kept in words: most are the same as half a minute ago."""
NAMES: Final = ("news2", "bedside_pews", "mews", "shock_index")


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of a patient besides the inputs of scores."""

    category: Category = Category.ADULT
    age_years: float | None = None
    pregnant: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """One score at a moment, complete or as the range that it can have."""

    name: str
    """One of NAMES."""
    low: float
    """The least that it can be; the score, where it is complete."""
    high: float
    """The most that it can be."""
    is_complete: bool
    known: int
    """How many of its inputs are known."""
    text: str
    """The score in words: what it is or can be, and what is missing."""
    response: str = ""
    """What the score asks for."""
    alarm: str = ""
    """What an alarm of it says."""
    priority: Priority | None = None
    """The priority of an alarm of it, by the least that it can be; None for none."""


@dataclass(frozen=True, slots=True)
class Assessments:
    """The scores of a patient, and why others do not apply."""

    scores: tuple[Assessment, ...] = ()
    not_for: Mapping[str, str] = field(default_factory=dict)
    """By name of a score, why it is not for this patient."""


def assess(
    patient: Patient, inputs: News2Inputs, absent: Mapping[str, str]
) -> Assessments:
    """Return the scores; `absent` says why inputs are not known."""
    not_for = dict(_not_for(patient))
    found: list[Assessment] = []
    if "news2" not in not_for:
        found.append(_news2(news2(inputs, absent)))
    if "bedside_pews" not in not_for and patient.age_years is not None:
        found.append(_pews(pews.bedside_pews(patient.age_years, inputs, absent)))
    if "mews" not in not_for:
        found.append(_mews(mews_score.mews(inputs, absent)))
    if "shock_index" not in not_for:
        found.append(_shock_index(inputs, absent))
    return Assessments(tuple(found), not_for)


def _not_for(patient: Patient) -> Iterator[tuple[str, str]]:
    age = patient.age_years
    is_young = age is not None and age < MINIMUM_AGE_YEARS
    if patient.category is not Category.ADULT or is_young:
        for name in ("news2", "mews", "shock_index"):
            yield name, "only for adults, of 16 years or more"
    elif patient.pregnant:
        for name in ("news2", "mews", "shock_index"):
            yield name, "not in pregnancy"
    if patient.category is not Category.PAEDIATRIC:
        yield "bedside_pews", "only for children on a ward, not newborns in their unit"
    elif age is None:
        yield "bedside_pews", "the date of birth is not known"
    elif not 0 <= age < pews.ADULT_YEARS:
        yield "bedside_pews", "only under 18 years"


@lru_cache(SCORES_KEPT)
def _news2(score: Score) -> Assessment:
    answer = response(score)
    return _summed(
        "news2",
        score,
        f"{answer.name}: {answer.action}; observe {answer.observe}",
        answer.within,
        answer.priority,
    )


@lru_cache(SCORES_KEPT)
def _pews(score: Score) -> Assessment:
    if score.low < pews.WORRYING:
        return _summed("bedside_pews", score)
    told = (
        "from 8 on children were likely to need intensive care: call a doctor at once"
    )
    return _summed("bedside_pews", score, told, "call a doctor", Priority.HIGH)


@lru_cache(SCORES_KEPT)
def _mews(score: Score) -> Assessment:
    if score.low < mews_score.WORRYING:
        return _summed("mews", score)
    told = "from 5 on more patients died or needed intensive care: call a doctor"
    return _summed("mews", score, told, "call a doctor", Priority.MEDIUM)


def _summed(
    name: str,
    score: Score,
    told: str = "",
    alarm: str = "",
    priority: Priority | None = None,
) -> Assessment:
    """Return a sum of points; an alarm of it says its range, and what is missing."""
    if score.missing:
        least = f"{score.name} at least {score.low} (to {score.high})"
        alarm = f"{least}: {alarm}; {lacking(score.missing)}" if alarm else ""
    elif alarm:
        alarm = f"{score.name} {score.low}: {alarm}"
    return Assessment(
        name=name,
        low=float(score.low),
        high=float(score.high),
        is_complete=not score.missing,
        known=len(score.parts) - len(score.missing),
        text=score.text(),
        response=told,
        alarm=alarm,
        priority=priority,
    )


def _shock_index(inputs: News2Inputs, absent: Mapping[str, str]) -> Assessment:
    index = shock.shock_index(inputs.heart_rate, inputs.systolic_mmhg)
    if index is None:
        given = ((HEART_RATE, inputs.heart_rate), (SYSTOLIC, inputs.systolic_mmhg))
        missing = ", ".join(
            f"{name} {absent.get(name, NOT_GIVEN)}"
            for name, value in given
            if value is None
        )
        text = f"shock index unknown ({missing})"
        known = sum(value is not None for _, value in given)
        return Assessment("shock_index", 0.0, 0.0, False, known, text)
    if index < shock.RAISED:
        text = f"shock index {index:.2f}"
        return Assessment("shock_index", index, index, True, 2, text)
    word = "high" if index >= shock.HIGH else "raised"
    text = f"shock index {index:.2f}, {word}"
    return Assessment(
        "shock_index",
        index,
        index,
        is_complete=True,
        known=2,
        text=text,
        response="look for bleeding, sepsis and other causes of shock",
        alarm=f"{text}: look for a cause of shock",
        priority=Priority.MEDIUM,
    )
