"""The rules that come with analysis, through the same door as everybody else's."""

from collections.abc import Sequence
from typing import Any

from monitorme_analysis.hooks import hookimpl
from monitorme_analysis.rule import Rule


@hookimpl
def monitorme_rules() -> "Sequence[type[Rule[Any, Any]]]":
    """Return them, in the order in which they judge a reading."""
    return (*of_numbers(), *of_waveforms())


def of_numbers() -> "Sequence[type[Rule[Any, Any]]]":
    """Return those that find something without a waveform."""
    from monitorme_analysis.scores.rule import Scores
    from monitorme_analysis.signals import Signals
    from monitorme_analysis.thresholds import Thresholds
    from monitorme_analysis.trends.rules import RULES as TRENDS

    return (Signals, Thresholds, *TRENDS, Scores)


def of_waveforms() -> "Sequence[type[Rule[Any, Any]]]":
    """Return those that find nothing where no waveform comes; they take numpy to load."""
    from monitorme_analysis.ecg.rule import Ecg
    from monitorme_analysis.respiration.rule import RespirationCheck

    return (Ecg, RespirationCheck)
