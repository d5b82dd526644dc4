"""The document of guarantees says what the suite does, fault by fault."""

from monitorme_recorder.verify import Comparison
from tests.faults import table
from tests.faults.catalogue import FAULTS, named
from tests.faults.suite import Row


def document() -> str:
    return table.DOCUMENT.read_text(encoding="utf-8")


def test_document_lists_every_fault_of_the_suite_and_no_other() -> None:
    assert table.block(document(), table.FAULTS_BEGIN) == table.fault_list(), (
        "run `make faults` with any FAULTS, or write the list by hand"
    )


def test_every_fault_has_a_line_of_outcome() -> None:
    lines = table.block(document(), table.BEGIN).splitlines()
    names = [one.split("`")[1] for one in lines if one.startswith("| `")]
    assert names == [one.name for one in FAULTS]


def test_no_outcome_in_the_document_breaks_the_promise() -> None:
    for line in table.block(document(), table.BEGIN).splitlines():
        if not line.startswith("| `") or "not run yet" in line:
            continue
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        lost, doubled, altered = cells[5:8]
        assert (doubled, altered) == ("0", "0"), line
        is_named = named(cells[0].strip("`")).names_losses
        assert lost == "0" or (is_named and lost.endswith(" 0 of them unnamed")), line


def test_a_run_of_some_faults_keeps_what_others_had(tmp_path: object) -> None:
    first, second = FAULTS[0].name, FAULTS[1].name
    row = Row(first, 2, Comparison(10, 10, 0, 0, 0), 0, 1.25, 7, 500)
    text = table.outcome({first: table.line(row), second: "| `x` | old |"})
    assert "| 500 | 2 | 10 | 10 | 0 | 0 | 0 | 1.2 s | 7 |" in text
    assert "| `x` | old |" in text
    assert text.count("not run yet") == len(FAULTS) - 2
