"""docs/analysis.md: its figures on recordings, and that nobody wrote them by hand."""

from pathlib import Path

import pytest

from monitorme.testing import needs
from monitorme_analysis.limits import default_limits
from monitorme_analysis.replay.run import Recording, Setting, replay
from monitorme_analysis.validation import glucose, intensive_care, night
from monitorme_analysis.validation.document import (
    SECTIONS,
    is_as_made,
    seal,
    section,
    sections,
)

OWN = {"night", "intensive_care", "trends", "glucose", "rules"}
DOCUMENT = Path(__file__).parents[3] / "docs" / "analysis.md"


@pytest.fixture(scope="module")
def sleeper() -> Recording:
    return night.recording(needs.data())


# A night of saturation -------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("limit", [89, 91, 94])
def test_every_long_desaturation_is_found(sleeper: Recording, limit: int) -> None:
    usual = default_limits().adult[night.VITAL]
    alarms = night.alarms(
        sleeper, limit, usual.on_delay_s, usual.off_delay_s, usual.deadband
    )
    runs = night.desaturations(needs.data() / night.FILE, limit)
    long = [run for run in runs if run.is_long]
    assert long
    assert all(night.is_found(run, alarms) for run in long)


@pytest.mark.data
def test_delays_and_deadband_cut_the_alarms_by_half(sleeper: Recording) -> None:
    usual = default_limits().adult[night.VITAL]
    assert usual.awake.low is not None
    before = night.alarms(sleeper, usual.awake.low, 0, 0, 0)
    after = night.alarms(
        sleeper, usual.awake.low, usual.on_delay_s, usual.off_delay_s, usual.deadband
    )
    assert 0 < len(after) <= len(before) / 2


# Intensive care --------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", intensive_care.SETS)
def test_no_value_never_rings_as_a_value(name: str) -> None:
    found = intensive_care.find(needs.data(), name)
    assert found.empty > 0
    assert found.after.readings > 1_000
    assert found.after.alarms > 0
    assert not found.untrue


@pytest.mark.data
def test_every_gap_in_glucose_is_told() -> None:
    catalogue_rows = glucose.rows(needs.data() / glucose.FILE)
    recording = glucose.recording_of(catalogue_rows)
    stays = replay(recording, Setting("default limits", default_limits()))
    assert sum(len(glucose.gaps(recording, stay.bed)) for stay in stays) > 50
    assert [glucose.untold(recording, stay) for stay in stays] == [0] * 5


# The document ----------------------------------------------------------------------------


def test_the_document_is_as_it_was_made() -> None:
    assert is_as_made(DOCUMENT.read_text(encoding="utf-8")), "run make validate"


def test_a_figure_changed_by_hand_is_seen() -> None:
    made = seal("# Title\n\n99.70 %\n")
    assert is_as_made(made)
    assert not is_as_made(made.replace("99.70", "99.90"))
    assert not is_as_made("# Title\n")


def test_the_document_has_every_section_in_order() -> None:
    written = [name for name, _ in sections(DOCUMENT.read_text(encoding="utf-8"))]
    assert written == [name for name in SECTIONS if name in written]
    assert set(written) >= OWN


def test_the_table_of_rules_is_that_of_the_rules() -> None:
    written = dict(sections(DOCUMENT.read_text(encoding="utf-8")))
    assert written["rules"] == section("rules", Path()).strip(), "run make validate"


@pytest.mark.data
def test_the_document_says_what_the_rules_say_now() -> None:
    """One section is made again; the digest answers for the others' hands."""
    written = dict(sections(DOCUMENT.read_text(encoding="utf-8")))
    assert written["glucose"] == section("glucose", needs.data()).strip()
