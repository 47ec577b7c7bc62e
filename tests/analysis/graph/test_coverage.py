"""The verdict over all outputs of a period: holes, pixels that nobody reads, and evenness."""

from __future__ import annotations

import pytest
from nets import Net

from refconv.analysis import Layers, zoo
from refconv.analysis.graph.coverage import Coverage, coverage
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.graph.series import graph_of


def covered(line: str) -> Coverage:
    graph = graph_of(Layers.parse(line), is_line=line.startswith("c1:"))
    return coverage(graph, graph.outputs[0])


def test_every_odd_output_of_a_transposed_convolution_over_a_dilated_one_has_holes() -> None:
    found = covered("k3d2p2 convt3s2")
    assert (found.period, found.outputs, found.holed, found.blind, found.hole_free) == ((2, 2), 4, 3, 0, False)
    assert list(found.explain()) == [
        "height and width:",
        "  outputs with holes: 1 of every 2",
        "  output 1, as every 2nd from there: 3 of 5 pixels used, largest gap 2, common factor 2",
        "  counts from 0 to 1, 1 in the centre",
        "  reads -2, 0, 2 of -2 ... 2",
        "outputs with holes: 3 of 4 in a period of 2x2",
        "evenness of output (0, 0), which sees most, 1.00: as if 36 of 36 pixels were used equally often, and no other",
    ]


def test_outputs_that_read_nothing_are_counted() -> None:
    found = covered("k3p1 convt1s2")
    assert (found.holed, found.blind, found.hole_free) == (0, 3, False)
    assert list(found.explain())[1] == "  outputs with holes: 0 of every 2; reading no pixel at all: 1"
    assert "outputs with holes: 0 of 4 in a period of 2x2; reading no pixel at all: 3" in found.explain()


def test_what_reads_nothing_has_no_holes() -> None:
    # A cross of 5 pixels for even outputs in both axes, and nothing for the other three.
    found = covered("(k3x1p1x0 | k1x3p0x1) convt1s2")
    assert (found.phases, found.outputs, found.holed, found.blind) == (None, 4, 1, 3)
    assert list(found.explain())[:2] == [
        "outputs with holes: 1 of 4 in a period of 2x2; reading no pixel at all: 3",
        "most in output (0, 0): 5 of 9 pixels used",
    ]


def test_pixels_that_no_output_reads_are_a_question_of_their_own() -> None:
    found = covered("k2s3")
    assert found.hole_free
    assert found.unread.tolist() == [[False, False, True], [False, False, True], [True, True, True]]
    assert list(found.explain())[-1] == (
        "pixels that no output reads: 5 of every 9 (3x3): (0, 2), (1, 2), (2, 0) and 2 more, and so on"
    )
    assert list(covered("c1: k2s3p1").explain())[-1] == "pixels that no output reads: 1 of every 3 (3): 1, and so on"
    for size, said in {4: "1, 2, 3", 5: "1, 2, 3 and 1 more"}.items():
        *_, last = covered(f"c1: k1s{size}").explain()
        assert last == f"pixels that no output reads: {size - 1} of every {size} ({size}): {said}, and so on"
    assert not covered("k3s3").unread.any()
    assert not covered("k2s2 k3").unread.any()


def test_pixels_that_no_output_reads_through_any_branch() -> None:
    found = covered("(k2s3 | k1s3p0)")
    assert int(found.unread.sum()) == 5
    assert not covered("(k2s3 | k3s3)").unread.any()
    assert int(covered("(k1x2s2x3 | k2x1s2x3)").unread.sum()) == 3


def test_branches_are_judged_in_the_plane() -> None:
    found = covered("(k3 | k5d2)")
    assert found.phases is None
    assert (found.holed, found.hole_free) == (1, False)
    assert list(found.explain()) == [
        "in 2-D: 30 of 81 pixels used, holes",
        "evenness 0.34: as if 28 of 81 pixels were used equally often, and no other",
    ]


def test_branches_with_phases_are_judged_output_by_output() -> None:
    found = covered("(k3p1 up2 | k1d1 convt2s2)")
    assert (len(found.uses), found.outputs, found.holed, found.is_complete) == (4, 4, 0, True)
    found = covered("(convt3s2p1d2 | convt2s2p1 k1)")
    assert found.outputs == 4
    assert any(line.startswith("outputs with holes: ") for line in found.explain())


def test_of_a_long_period_outputs_along_its_diagonal_are_looked_at() -> None:
    graph = graph_of(zoo.find("unet").layers)
    found = coverage(graph, graph.outputs[0])
    assert (found.period, found.outputs, len(found.uses), found.is_complete) == ((16, 16), 256, 16, False)
    assert [use.output for use in found.uses][:3] == [(0, 0), (1, 1), (2, 2)]
    assert [len(found.widest.region[axis]) for axis in (0, 1)] == [204, 204]
    assert "outputs with holes: 0 of 16 that were looked at (256 in a period of 16x16)" in found.explain()
    assert not any(line.startswith("pixels that") for line in found.explain())


def test_axes_are_counted_phase_by_phase_up_to_the_longest_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refconv.analysis.graph.coverage.MOST_PHASES", 3)
    assert [covered(f"up{period}").phases is None for period in (3, 4)] == [False, True]


def test_a_residual_network_is_uneven_and_has_no_holes() -> None:
    graph = graph_of(zoo.find("resnet50").layers)
    found = coverage(graph, graph.outputs[0])
    assert found.hole_free
    assert list(found.explain()) == [
        "in 2-D: 182329 of 182329 pixels used, no holes",
        "evenness 0.16: as if 28834 of 182329 pixels were used equally often, and no other",
    ]


def test_axes_that_differ_are_told_apart_and_of_one_axis_no_name_is_said() -> None:
    lines = list(covered("k3x1d2x1 k1x5").explain())
    assert lines[:3] == [
        "height:",
        "  3 of 5 pixels used, largest gap 2, common factor 2",
        "  counts from 0 to 1, 1 in the centre",
    ]
    assert lines[3:6] == ["  not used: 1, 3", "width:", "  5 of 5 pixels used, largest gap 1, common factor 1"]
    assert list(covered("c1: k3d3").explain()) == [
        "3 of 7 pixels used, largest gap 3, common factor 3",
        "counts from 0 to 1, 1 in the centre",
        "not used: 1, 2, 4, 5",
        "evenness 0.43: as if 3 of 7 pixels were used equally often, and no other",
    ]


def test_pixels_that_are_used_very_unevenly_count_as_one() -> None:
    # 20 branches and one tap on the first pixel, one tap on the second: (21 + 1)² / (21² + 1²) = 1.1 pixels.
    *_, last = covered(f"c1: (k2 | {' | '.join(['k1'] * 20)})").explain()
    assert last == "evenness 0.55: as if 1 of 2 pixels were used equally often, and no other"


def test_holes_are_found_where_there_are_too_many_paths_to_count_exactly() -> None:
    lines = list(covered("c1: (k3d2)x40").explain())
    assert lines[:2] == [
        "81 of 161 pixels used, largest gap 2, common factor 2",
        "not used: 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and 68 more",
    ]


def test_a_long_list_is_cut_short_and_large_counts_are_left_out() -> None:
    assert "not used: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 26 more" in "\n".join(covered("c1: k3d20").explain())
    assert not any(line.startswith("counts") for line in covered("c1: (k3)x40").explain())
    assert any(line.startswith("evenness 0.0") for line in covered("((k3p1 | ))x60").explain())


@pytest.mark.parametrize(
    ("period", "ordinal"),
    [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"), (111, "111th")],
)
def test_ordinals(period: int, ordinal: str) -> None:
    assert f"as every {ordinal} from there" in "\n".join(covered(f"c1: k3d2 up{period}").explain())


def test_branches_of_different_strides_are_looked_at_in_the_middle() -> None:
    net = Net(1, 1, 20, 20).constant("sizes", [1, 1, 20, 20]).weight("w", 1, 1, 1, 1)
    net.node("Conv", "image,w", "a").node("MaxPool", "image", "p", kernel_shape=[3, 3], strides=[2, 2])
    graph = net.node("Resize", "p,,,sizes", "up").node("Add", "a,up", "y").graph()
    found = coverage(graph, "y")
    assert [use.output for use in found.uses] == [(10, 10)]
    assert (found.outputs, found.is_complete) == (400, False)
    net.inputs["image"] = None
    unknown = (
        Net()
        .node("MaxPool", "image", "p", kernel_shape=[1], strides=[2])
        .node("Concat", "p,image", "y", axis=1)
        .graph()
    )
    with pytest.raises(Unsaid, match=r"^every output reads differently, and --input does not say how many there are$"):
        coverage(unknown, "y")


def test_without_places_there_is_nothing_to_count() -> None:
    graph = Net(1, 1, 9, 9).node("GlobalMaxPool", "image", "y").graph()
    with pytest.raises(Unsaid, match=r"^its positions have no place in the image$"):
        coverage(graph, "y")
