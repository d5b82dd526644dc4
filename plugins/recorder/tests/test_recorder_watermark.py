"""A watermark knows what is stored of a boot, in whatever order it came."""

from hypothesis import given
from hypothesis import strategies as st

from monitorme_recorder.spans import Span
from monitorme_recorder.watermark import Watermark, load, save

Seqs = st.lists(st.integers(1, 60), max_size=80)


def stored(seqs: list[int]) -> Watermark:
    mark = Watermark()
    for seq in seqs:
        mark.add(seq, 5)
    return mark


@given(Seqs)
def test_it_knows_what_a_set_knows(seqs: list[int]) -> None:
    mark, known = stored(seqs), set(seqs)
    assert [seq for seq in range(1, 62) if mark.has(seq)] == sorted(known)
    through = next(seq for seq in range(62) if seq + 1 not in known)
    assert mark.through == through
    missing = {n for gap in mark.missing() for n in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, max(known, default=0) + 1)) - known


@given(Seqs)
def test_its_spans_are_in_order_and_do_not_touch(seqs: list[int]) -> None:
    mark = stored(seqs)
    ends = [mark.through, *(span.last for span in mark.beyond)]
    for end, span in zip(ends, mark.beyond, strict=False):
        assert end + 1 < span.first <= span.last


@given(Seqs)
def test_it_is_written_down_and_read_back(seqs: list[int]) -> None:
    mark = stored(seqs)
    again = load(save(mark), 9)
    assert (again.through, again.beyond, again.last_ms) == (
        mark.through,
        mark.beyond,
        mark.last_ms,
    )
    assert again.gap_since_ms == (9 if mark.beyond else 0)


@given(Seqs, st.integers(1, 70))
def test_what_is_given_up_is_missed_no_more_and_stored_if_it_comes_yet(
    seqs: list[int], before: int
) -> None:
    mark, known = stored(seqs), set(seqs)
    lost = mark.pass_over(before)
    named = {n for gap in lost for n in range(gap.first, gap.last + 1)}
    assert named == set(range(1, before)) - known
    assert mark.missing_before(before) == []
    assert {seq for seq in range(1, before) if not mark.has(seq)} == named
    again = load(save(mark), 9)
    assert again.lost == mark.lost
    for seq in named:
        again.add(seq, 9)
    assert again.lost == []
    assert all(again.has(seq) for seq in range(1, before))
    assert [s for s in range(before, 62) if mark.has(s)] == sorted(
        seq for seq in known if seq >= before
    )


@given(Seqs, st.integers(0, 70), st.integers(1, 70), st.integers(0, 20))
def test_of_a_span_it_lacks_what_is_not_stored(
    seqs: list[int], before: int, first: int, more: int
) -> None:
    mark = stored(seqs)
    mark.pass_over(before)
    mark.add(before // 2 + 1, 9)
    parts = mark.lacking(Span(first, first + more))
    found = [seq for part in parts for seq in range(part.first, part.last + 1)]
    wanted = range(first, first + more + 1)
    assert found == [seq for seq in wanted if not mark.has(seq)]


def test_a_day_of_new_readings_beyond_a_gap_is_one_span() -> None:
    mark = stored(list(range(1_000, 365_000)))
    assert mark.beyond == [Span(1_000, 364_999)]
    assert mark.missing() == [Span(1, 999)]


def test_a_gap_that_is_being_filled_is_young_again() -> None:
    mark = Watermark()
    mark.add(10, 100)
    assert mark.gap_since_ms == 100
    mark.add(12, 200)
    assert mark.gap_since_ms == 100
    for seq in range(1, 10):
        mark.add(seq, 300)
    assert (mark.through, mark.gap_since_ms) == (10, 300)
    mark.add(11, 400)
    assert (mark.through, mark.gap_since_ms) == (12, 0)


@given(Seqs, st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=4))
def test_what_is_lost_is_stored_again_when_it_comes(
    seqs: list[int], lost: list[tuple[int, int]]
) -> None:
    mark, known = stored(seqs), set(seqs)
    highest = mark.beyond[-1].last if mark.beyond else mark.through
    for first, more in lost:
        mark.lose(Span(first, first + more))
        known -= set(range(first, first + more + 1))
    assert {seq for seq in range(1, 71) if mark.has(seq)} == known
    found = {n for span in mark.stored() for n in range(span.first, span.last + 1)}
    assert found == known
    lacking = [
        n
        for span in mark.lacking(Span(1, highest))
        for n in range(span.first, span.last + 1)
    ]
    assert len(lacking) == len(set(lacking)), "none is told twice"
    assert set(lacking) == set(range(1, highest + 1)) - known
    for seq in range(1, highest + 1):
        mark.add(seq, 7)
    assert mark.lacking(Span(1, highest)) == []
