from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refconv.analysis.axis_map import (
    NOTHING,
    PIXEL,
    AxisMap,
    LayerMap,
    Progression,
    Span,
    join,
    linear,
    nearest,
    transposed_window,
    window,
)
from refconv.analysis.paths import one_path, pulled


def spans(*layers: LayerMap) -> AxisMap:
    stack = PIXEL
    for layer in layers:
        stack = stack.under(layer)
    return stack


def offsets(layer: LayerMap) -> list[list[int]]:
    return [list(phase) for phase in layer.phases]


def test_a_progression_lists_its_offsets() -> None:
    progression = Progression(first=-3, step=2, count=4)
    assert list(progression) == [-3, -1, 1, 3]
    assert progression.last == 3
    assert list(Progression(5, 7, 0)) == []
    assert Progression(5, 7, 1).last == 5


def test_a_window_reads_from_the_padding_on() -> None:
    layer = window(3, stride=4, dilation=2, before=1)
    assert layer.shift == 4
    assert offsets(layer) == [[-1, 1, 3]]
    assert layer.reads(2) == [7, 9, 11]
    assert window(3) == window(3, stride=1, dilation=1, before=0)


def test_a_transposed_window_has_a_phase_for_each_step_of_the_stride() -> None:
    # k = 3, s = 2, padding 1: output p reads (p + 1 - k)/2 where that is whole: p = 0 k = 1, p = 1 k = 2 and k = 0.
    assert offsets(transposed_window(3, 2, 1, 1)) == [[0], [0, 1]]
    # k = 5, s = 3: p + 0 - k must be a multiple of 3.
    assert offsets(transposed_window(5, 3, 1, 0)) == [[-1, 0], [-1, 0], [0]]
    # d = s = 2: only every other output is written to, and then by all three taps.
    assert offsets(transposed_window(3, 2, 2, 0)) == [[-2, -1, 0], []]
    # d = 6, s = 4: steps of 6/gcd = 3 inputs, from taps two apart.
    assert offsets(transposed_window(4, 4, 6, 0)) == [[-3, 0], [], [-4, -1], []]
    assert transposed_window(3, 2, 1, 1).shift == 1
    assert [transposed_window(5, 3, 1, 0).reads(output) for output in (3, 4, 5)] == [[0, 1], [0, 1], [1]]


def test_stride_above_the_kernel_leaves_outputs_that_read_nothing() -> None:
    assert offsets(transposed_window(2, 3, 1, 0)) == [[0], [0], []]
    assert spans(transposed_window(2, 3, 1, 0)).phases == (Span(0, 0), Span(0, 0), NOTHING)


def test_upsampling() -> None:
    assert offsets(nearest(3)) == [[0], [0], [0]]
    # p lies at (p + ½)/2 - ½ = -¼, ¼; at scale 3 at -⅓, 0, ⅓.
    assert offsets(linear(2)) == [[-1, 0], [0, 1]]
    assert offsets(linear(3)) == [[-1, 0], [0], [0, 1]]
    assert offsets(linear(1)) == [[0]]
    assert nearest(2).shift == linear(2).shift == 1


def test_a_stack_reads_from_the_first_to_the_last() -> None:
    stack = spans(window(3, stride=2), window(2, stride=3, dilation=2, before=1))
    # the second reads -1 and 1, two pixels each apart: -2 and 2, and from there 0 1 2.
    assert stack.shift == 6
    assert stack.phases == (Span(-2, 4),)
    assert stack.reads(2) == Span(10, 16)


def test_a_window_on_an_upsampling_repeats_after_the_least_common_multiple() -> None:
    # Outputs read 2p, 2p + 1, 2p + 2 of a map that repeats each pixel three times: 012, 234, 456 are 000, 011, 112.
    stack = spans(nearest(3), window(3, stride=2))
    assert (stack.period, stack.shift) == (3, 2)
    assert stack.phases == (Span(0, 0), Span(0, 1), Span(1, 2))
    assert stack.reads(3) == Span(2, 2)


def test_a_stride_that_undoes_an_upsampling_leaves_one_phase() -> None:
    stack = spans(nearest(4), window(1, stride=4, before=2))
    assert (stack.period, stack.shift) == (1, 1)
    assert stack.phases == (Span(-1, -1),)
    assert spans(nearest(4), window(1, stride=2)).period == 2
    assert spans(nearest(4), window(1, stride=2)).shift == 1


def test_join_adds_maps_that_move_alike() -> None:
    one, other = spans(window(1)), spans(window(3, before=1))
    assert join([one, other]) == (AxisMap(1, (Span(-1, 1),)),)
    assert join([one]) == (one,)
    up = spans(nearest(2), window(2, stride=2, before=1))  # one phase again, which reads -1 and 0
    assert join([one, up]) == (AxisMap(1, (Span(-1, 0),)),)


def test_join_repeats_the_shorter_period() -> None:
    two, four = spans(window(1, stride=2), nearest(2)), spans(window(1, stride=2), nearest(2), window(1), window(1))
    six = spans(window(1, stride=3), transposed_window(3, 3, 1, 0))
    assert join([two, four])[0].period == 2
    (joined,) = join([two, six])
    assert (joined.period, joined.shift) == (6, 6)
    assert joined.phases == (Span(0, 0), Span(0, 0), Span(0, 2), Span(2, 3), Span(3, 4), Span(3, 4))


def test_join_keeps_maps_apart_that_do_not_move_alike() -> None:
    one, two, third = spans(window(1)), spans(window(3, stride=2)), spans(window(1, before=4))
    joined = join([one, two, third])
    assert sorted(axis_map.shift for axis_map in joined) == [1, 2]
    assert {axis_map.shift: axis_map.phases[0] for axis_map in joined} == {1: Span(-4, 0), 2: Span(0, 2)}
    assert one.moves_like(third)
    assert not one.moves_like(two)


def test_repeated_maps_read_the_same() -> None:
    stack = spans(window(2, stride=3, before=1), nearest(2))
    repeated = stack.repeated(3)
    assert (repeated.period, repeated.shift) == (6, 9)
    assert [repeated.reads(output) for output in range(14)] == [stack.reads(output) for output in range(14)]
    assert stack.repeated(1) is stack


def test_span_gathers_ends_and_skips_what_is_empty() -> None:
    assert Span.gather([(5, Span(0, 2)), (-1, Span(3, 4)), (-100, NOTHING)]) == Span(2, 7)
    assert Span.gather([(3, NOTHING)]) == NOTHING
    assert NOTHING.size == 0
    assert Span(-2, 4).size == 7
    assert Span(1, 2).through(Progression(0, 1, 0), 3) == NOTHING
    assert NOTHING.through(Progression(0, 1, 2), 3) == NOTHING


def test_maps_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PIXEL.shift = 2  # type: ignore[misc]


LAYER_MAPS = st.one_of(
    st.builds(window, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3)),
    st.builds(transposed_window, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3)),
    st.builds(nearest, st.integers(1, 3)),
    st.builds(linear, st.integers(1, 3)),
)


@given(st.lists(LAYER_MAPS, max_size=4), st.integers(0, 20))
def test_any_stack_reads_what_following_each_tap_back_says(layers: list[LayerMap], output: int) -> None:
    counts = {output: 1}
    for layer in reversed(layers):
        following: dict[int, int] = {}
        for place, count in counts.items():
            for inside in layer.reads(place):
                following[inside] = following.get(inside, 0) + count
        counts = following
    paths = one_path([output], object)
    for layer in reversed(layers):
        paths = pulled(paths, 0, layer)
    assert {place: count for place, count in zip(paths.region[0], paths.counts, strict=True) if count} == counts
    assert spans(*layers).reads(output) == (Span(min(counts), max(counts)) if counts else NOTHING)
