from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
from nets import Net

from refconv.analysis import Layers, footprint, receptive_field
from refconv.analysis.graph.counting import EXACT, MOST_PIXELS, Use, use_of
from refconv.analysis.graph.nodes import Unsaid
from refconv.analysis.graph.series import chain_to, graph_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from stacks import random_network


def use(line: str, output: tuple[int, ...] = (0, 0)) -> Use:
    graph = graph_of(Layers.parse(line), is_line=len(output) == 1)
    return use_of(graph, graph.outputs[0], output)


def test_a_chain_is_counted_axis_by_axis() -> None:
    found = use("k1x3 k2x3d1x2")
    assert len(found.blocks) == 2
    assert found.counts.tolist() == [[1, 1, 2, 1, 2, 1, 1]] * 2
    assert found.region == (range(2), range(7))
    assert (found.pixels, found.used, found.total, found.largest) == (14, 14, 18, 2)
    assert found.along(1).tolist() == [1, 1, 2, 1, 2, 1, 1]


def test_branches_are_counted_in_the_plane() -> None:
    found = use("(k3x1p1x0 | k1x3p0x1)")
    assert len(found.blocks) == 1
    assert found.counts.tolist() == [[0, 1, 0], [1, 2, 1], [0, 1, 0]]
    assert found.region == (range(-1, 2), range(-1, 2))
    assert (found.pixels, found.used, found.total, found.largest) == (9, 5, 6, 2)
    assert found.along(0).tolist() == [1, 4, 1]
    assert found.along(1).tolist() == [1, 4, 1]
    assert found.evenness == pytest.approx(36 / (9 * 8))


def test_evenness_of_a_chain_is_that_of_its_axes_together() -> None:
    # Counts 1 2 3 2 1 along the width: 81/(5·19), and 1 along the height.
    assert use("k1x3 k1x3").evenness == pytest.approx(81 / 95)
    assert use("k3 k3").evenness == pytest.approx((81 / 95) ** 2)
    assert use("k3d2").evenness == pytest.approx((9 / 15) ** 2)


def test_the_square_in_the_middle_that_holds_a_share() -> None:
    found = use("k3 k3")
    assert [found.side_of(share) for share in (0.1, 0.6, 0.61, 1)] == [1, 3, 5, 5]
    line = use("c1: k2", (0,))
    assert [line.side_of(share) for share in (0.5, 1)] == [2, 2]
    assert use("(k3 | )").side_of(1) == 3


def test_margins_that_no_path_leads_to_are_no_part_of_the_region() -> None:
    """Output 1 reads, at stride 2, one position of a map of which every other one reads nothing."""
    found = use("c1: convt1s2 k3p1", (1,))
    assert found.region == (range(2),)
    found = use("c1: convt1s2 k3p1", (0,))
    assert found.region == (range(1),)
    assert found.counts.tolist() == [1]


def test_an_output_that_reads_nothing() -> None:
    found = use("convt1s2", (1, 0))
    assert (found.used, found.pixels, found.total) == (0, 0, 0)
    assert found.evenness is None
    assert use("(convt1s2 | convt1s2)", (1, 0)).used == 0


def test_a_branch_that_reads_nothing_is_no_part_of_a_sum() -> None:
    found = use("c1: (convt1s2 | convt3s2p1)", (1,))
    assert found.region == (range(2),)
    assert found.counts.tolist() == [1, 1]


@pytest.mark.parametrize("seed", range(40))
def test_random_networks_as_footprint_counts_them(seed: int) -> None:
    rng = random.Random(seed)
    network = random_network(rng, rng.randint(1, 4), depth=1)
    graph = graph_of(network)
    fields = receptive_field(network)
    for output in [(0, 0), (1, 2), (5, 3)]:
        expected = footprint(network, output)
        found = use_of(graph, graph.outputs[0], output)
        assert found.total == expected.total
        if expected.total:
            pixels = expected.counts if expected.total else np.zeros((0, 0))
            used = np.argwhere(pixels)
            low, high = used.min(axis=0), used.max(axis=0) + 1
            assert found.counts.tolist() == pixels[low[0] : high[0], low[1] : high[1]].tolist()
            assert found.region[0].start == expected.region.rows.start + low[0]
            assert found.region[1].start == expected.region.columns.start + low[1]
    for axis in (0, 1):
        assert graph.field(graph.outputs[0])[axis].maps == fields.maps[-1][axis]


def test_a_volume() -> None:
    net = (
        Net(1, 1, 9, 9, 9)
        .node("Conv", "image,w", "a", kernel_shape=[1, 2, 3])
        .node("Conv", "a,w", "y", kernel_shape=[3, 1, 1])
    )
    found = use_of(net.graph(), "y", (0, 0, 0))
    assert found.counts.shape == (3, 2, 3)
    assert found.side_of(1) == 3


def test_more_paths_than_a_float_can_count() -> None:
    found = use("(k3)x700")
    assert found.total > EXACT
    assert not np.isfinite(found.total)
    assert found.evenness is None
    assert found.used == found.pixels == 1401**2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("(k3p1 | )x1300", "2601x2601 pixels under 2601 tensors are too many to count"),
        ("(k3p1)x50", "101x101 pixels under 51 tensors are too many to count"),
        ("(k1p49d3 | k99p49)x49", "4803x4803 pixels under 148 tensors are too many to count"),
    ],
)
def test_what_is_too_much_to_count_is_known_beforehand(line: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "x50" in line:
        monkeypatch.setattr("refconv.analysis.graph.counting.MOST_WORK", 3 * 101 * 51 - 1)
    graph = graph_of(Layers.parse(line))
    with pytest.raises(Unsaid, match=f"^{reason}$"):
        use_of(graph, graph.outputs[0], (0, 0))


def test_additions_are_counted_up_to_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of each branch 9 along the one axis, and 9·9 along the other.
    monkeypatch.setattr("refconv.analysis.graph.counting.MOST_WORK", 2 * (9 + 81))
    assert use("(k9p4 | k9p4)").total == 2 * 81
    monkeypatch.setattr("refconv.analysis.graph.counting.MOST_WORK", 2 * (9 + 81) - 1)
    with pytest.raises(Unsaid, match=r"^it sees more pixels than can be counted; 6000000 are the most$"):
        use("(k9p4 | k9p4)")


def test_a_plane_too_large_to_be_drawn_is_still_counted_along_its_axes() -> None:
    found = use("k3000")
    assert found.used == 9_000_000 > MOST_PIXELS
    with pytest.raises(Unsaid, match=r"^it has 3000 x 3000 pixels; 6000000 are the most$"):
        _ = found.counts


def test_what_moves_pixels_about_is_not_counted() -> None:
    net = Net(1, 1, 9, 9).weight("w", 1, 1, 1, 1).node("Conv", "image,w", "c").node("ReduceMean", "c", "m", axes=[2])
    graph = net.node("Add", "m,c", "y").graph()
    with pytest.raises(Unsaid, match=r"^'the m' \(ReduceMean\) moves pixels about, or reads each time others$"):
        use_of(graph, "y", (0, 0))


def test_a_chain_of_a_model_is_layers_again() -> None:
    net = Net(1, 1, 40, 40).node("Conv", "image,w", "a", kernel_shape=[3, 3], strides=[2, 2]).node("Relu", "a", "r")
    net.node("MaxPool", "r", "p", kernel_shape=[2, 2]).node("Slice", "p", "s", starts=[1], ends=[9], axes=[2])
    net.node("Add", "p,a", "sum")
    graph = net.graph("p,s,sum")
    assert chain_to(graph, "p") == Layers.parse("k3s2 pool2s1")
    assert chain_to(graph, "image") == Layers()
    assert chain_to(graph, "s") is None
    assert chain_to(graph, "sum") is None
