from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from nets import Net, numbers, one, regions

from refconv.analysis import Upsample
from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.nodes import Unknown


def resized(size: Any, scale: float | None = None, to: int | None = None, opset: int = 19, **attributes: Any) -> Graph:
    """Resize an axis by a scale, or to a size."""
    net = Net(1, 1, size)
    if scale is not None:
        net.constant("scales", np.array([1, 1, scale], np.float32))
        return net.node("Resize", "image,,scales", "y", opset=opset, **attributes).graph()
    return net.constant("sizes", [1, 1, to]).node("Resize", "image,,,sizes", "y", opset=opset, **attributes).graph()


def why(graph: Graph) -> str:
    view = graph.tensors["y"].view
    assert isinstance(view, Ended)
    return view.reason


# Worked out by hand: output p lies at (p + ½)/s − ½, at p/s, or at p·(H − 1)/(P − 1).
PLACES: list[tuple[Graph, list[list[int]]]] = [
    (resized(4, 2), [[0, 0], [0, 0], [1, 1], [1, 1]]),
    (resized(4, 2, mode="linear"), [[-1, 0], [0, 1], [0, 1], [1, 2]]),
    (resized(4, 2, mode="cubic"), [[-2, 1], [-1, 2], [-1, 2], [0, 3]]),
    (resized(4, 2, mode="linear", coordinate_transformation_mode="asymmetric"), [[0, 0], [0, 1], [1, 1], [1, 2]]),
    (resized(5, to=9, mode="linear", coordinate_transformation_mode="align_corners"), [[0, 0], [0, 1], [1, 1], [1, 2]]),
    (resized(4, to=6, mode="linear", coordinate_transformation_mode="align_corners"), [[0, 0], [0, 1], [1, 2], [1, 2]]),
    # At -1/3, 0 and 1/3: a pixel that an output falls on is all that it reads, unless a filter takes in its neighbours.
    (resized(4, 3, mode="linear"), [[-1, 0], [0, 0], [0, 1]]),
    (resized(4, 3, mode="linear", antialias=1), [[-1, 0], [0, 0], [0, 1]]),
    (resized(4, 3, mode="cubic"), [[-2, 1], [0, 0], [-1, 2]]),
    (resized(4, 3, mode="cubic", antialias=1), [[-2, 1], [0, 0], [-1, 2]]),
    (resized(9, to=3, mode="cubic"), [[1, 1], [4, 4], [7, 7]]),
    (resized(6, 0.5, mode="linear"), [[0, 1], [2, 3], [4, 5]]),
    (resized(6, 0.5, mode="linear", antialias=1), [[-1, 2], [1, 4], [3, 6]]),
    (resized(6, 0.5, mode="cubic", antialias=1), [[-3, 4], [-1, 6], [1, 8]]),
    (resized(9, to=3, mode="linear", antialias=1), [[-1, 3], [2, 6], [5, 9]]),
    (resized(6, 0.5, coordinate_transformation_mode="asymmetric", nearest_mode="floor"), [[0, 0], [2, 2], [4, 4]]),
    (resized(4, 1.5, nearest_mode="floor"), [[-1, -1], [0, 0], [1, 1], [1, 1], [2, 2]]),
    (resized(4, 1.5, nearest_mode="ceil"), [[0, 0], [1, 1], [2, 2], [2, 2], [3, 3]]),
    # x = p/2: halves are rounded down, or up.
    (resized(4, 2, coordinate_transformation_mode="asymmetric"), [[0, 0], [0, 0], [1, 1], [1, 1]]),
    (
        resized(4, 2, coordinate_transformation_mode="asymmetric", nearest_mode="round_prefer_ceil"),
        [[0, 0], [1, 1], [1, 1], [2, 2]],
    ),
    (
        resized(4, 2, coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor"),
        [[0, 0], [0, 0], [1, 1], [1, 1]],
    ),
    (resized(5, to=1, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"), [[0, 0]]),
    (resized(5, to=1, mode="linear", coordinate_transformation_mode="half_pixel"), [[2, 2]]),
    (resized(5, to=1, mode="linear", coordinate_transformation_mode="align_corners"), [[0, 0]]),
    (resized(5, to=1, mode="linear", coordinate_transformation_mode="align_corners", antialias=1), [[0, 0]]),
    (resized(5, to=2, mode="linear", coordinate_transformation_mode="align_corners"), [[0, 0], [4, 4]]),
    # 5 pixels by 1.3 are 6.5, and 6 of them: half of what is cut off is cut off in front, (5/2)(1 - 6/6.5) = 0.19.
    (resized(5, 1.3, mode="linear", coordinate_transformation_mode="half_pixel_symmetric"), [[0, 1], [0, 1], [1, 2]]),
    (resized(5, 1.3, mode="linear"), [[-1, 0], [0, 1], [1, 2], [2, 3]]),
    (resized(4, to=4, coordinate_transformation_mode="align_corners"), [[0, 0], [1, 1]]),
]


@pytest.mark.parametrize(("graph", "expected"), PLACES)
def test_places(graph: Graph, expected: list[list[int]]) -> None:
    assert regions(graph, len(expected)) == expected


def test_the_pattern_repeats_and_the_size_is_rounded_down() -> None:
    graph = resized(7, 1.5)
    assert numbers(graph) == [(1, Fraction(2, 3), 0, 10)]
    assert graph.field("y")[0].maps[0].period == 3
    assert numbers(resized(10, to=4, mode="linear")) == [(2, Fraction(5, 2), 0, 4)]


@pytest.mark.parametrize(
    ("scale", "exact"), [(4 / 3, (4, 3)), (1.1, (11, 10)), (0.3, (3, 10)), (1 / 7, (1, 7)), (2.0, (2, 1))]
)
def test_a_scale_is_the_simplest_fraction_that_float32_cannot_tell_from_it(
    scale: float, exact: tuple[int, int]
) -> None:
    field = resized(140, float(np.float32(scale))).field("y")[0]
    assert field.stride == Fraction(exact[1], exact[0])


@pytest.mark.parametrize(
    ("given", "layer"),
    [
        ({"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, Upsample((2, 3))),
        ({}, Upsample((2, 3))),
        ({"mode": "linear"}, Upsample((2, 3), "bilinear")),
        ({"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}, Upsample((2, 3), "bilinear")),
    ],
)
def test_a_resize_by_whole_factors_reads_what_a_layer_reads(given: dict[str, str], layer: Upsample) -> None:
    net = Net(1, 1, 4, 5).constant("s", np.array([1, 1, 2, 3], np.float32))
    graph = net.node("Resize", "image,,s", "y", **given).graph()
    assert graph.tensors["y"].label == f"Resize(2, 3, mode={given.get('mode', 'nearest')!r})"
    ((link,),) = [graph.tensors["y"].links]
    assert link.steps == (layer.axis_map(0), layer.axis_map(1))


def test_upsample_of_old_starts_at_the_corner_and_rounds_down() -> None:
    net = Net(1, 1, 4).constant("s", np.array([1, 1, 4], np.float32)).node("Upsample", "image,s", "y", opset=9)
    assert net.graph().tensors["y"].links[0].steps == (Upsample(4).axis_map(1),)
    assert regions(one("Upsample", (1, 1, 4), opset=7, scales=[1.0, 1.0, 2.0], mode="linear"), 3) == [
        [0, 0],
        [0, 1],
        [1, 1],
    ]
    old = Net(1, 1, 4).constant("s", np.array([1, 1, 1.5], np.float32)).node("Resize", "image,s", "y", opset=10).graph()
    assert regions(old, 4) == [[0, 0], [0, 0], [1, 1], [2, 2]]


def test_some_axes_alone() -> None:
    net = Net(1, 1, 4, 6).constant("s", [3]).node("Resize", "image,,,s", "y", axes=[-1], mode="linear")
    assert numbers(net.graph()) == [(1, 1, 0, 4), (2, 2, 0, 3)]


def test_sizes_that_are_computed_from_the_images_shape() -> None:
    """Resize a feature map to the size of the image, as `interpolate(x, size=image.shape[-2:])` is exported."""
    net = Net(1, 3, 9, 14).weight("w", 8, 3, 3, 3).node("Conv", "image,w", "c", strides=[2, 2], pads=[1, 1, 1, 1])
    net.node("Shape", "image", "s").constant("first", [2]).constant("last", [4]).constant("zero", [0]).constant(
        "one", [1]
    )
    net.node("Slice", "s,first,last,zero", "hw").node("Shape", "c", "cs").constant("two", [2])
    net.node("Slice", "cs,zero,two,zero", "nc").node("Cast", "hw", "cast", to=7).node(
        "Concat", "nc,cast", "sizes", axis=0
    )
    net.node("Resize", "c,,,sizes", "y", mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
    graph = net.graph()
    # 5 to 9 and 7 to 14: 3 taps at stride 2, and the next.
    assert [field.outputs for field in graph.field("y")] == [9, 14]
    assert [(field.size, field.stride) for field in graph.field("y")] == [(5, Fraction(10, 9)), (5, 1)]


def test_sizes_that_depend_on_an_unknown_image() -> None:
    net = Net("N", 3, "H", "W")
    net.inputs["image"] = Unknown("N"), 3, Unknown("H"), Unknown("W")
    net.weight("w", 3, 3, 3, 3).node("Conv", "image,w", "c", strides=[2, 2]).node("Shape", "image", "s")
    net.node("Resize", "c,,,s", "y", mode="linear").node("Resize", "image,,,s", "z")
    assert why(net.graph("y,z")) == "its sizes depend on the image's size, which --input says"
    assert numbers(net.graph("y,z"), "z") == [(1, 1, 0, None)] * 2
    assert net.graph("y,z", input_size=(9, 13)).feature_map("y") == (9, 13)


def test_a_size_that_is_not_known_changes_by_a_factor_and_stays_the_same_by_1() -> None:
    net = Net(1, 1, Unknown("H"), Unknown("W")).constant("scales", np.array([1, 1, 1, 2], np.float32))
    graph = net.node("Resize", "image,,scales", "y").node("Resize", "image,,scales", "z").graph("y,z")
    shapes: dict[str, Any] = {name: graph.tensors[name].view.shape for name in ("image", "y", "z")}  # type: ignore[union-attr]
    assert shapes["y"] == shapes["z"]
    assert [after is before for after, before in zip(shapes["y"], shapes["image"], strict=True)] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("mode", "expected"), [("DCR", [[0, 0]] * 3 + [[1, 1]]), ("CRD", [[0, 0]] * 3 + [[1, 1]])])
def test_depth_to_space(mode: str, expected: list[list[int]]) -> None:
    graph = one("DepthToSpace", (1, 18, 4, 5), blocksize=3, mode=mode)
    assert graph.tensors["y"].view.shape == (1, 2, 12, 15)  # type: ignore[union-attr]
    assert regions(graph, 4) == expected
    assert graph.tensors["y"].label == "DepthToSpace(3)"


def test_space_to_depth() -> None:
    graph = one("SpaceToDepth", (1, 2, 12, 15), blocksize=3)
    assert graph.tensors["y"].view.shape == (1, 18, 4, 5)  # type: ignore[union-attr]
    assert numbers(graph) == [(3, 3, 0, 4), (3, 3, 0, 5)]


def test_pooling_to_a_size() -> None:
    graph = one("AdaptivePool", (1, 1, 7, 8), output_size=[3, 4])
    assert regions(graph, 3, axis=0) == [[0, 2], [2, 4], [4, 6]]  # floor(7p/3) ... ceil(7(p + 1)/3) - 1
    assert numbers(graph)[1] == (2, 2, 0, 4)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("image,,inf", {}, "scale=inf must be a finite number above 0"),
    ("image,,nan", {}, "scale=nan must be a finite number above 0"),
    ("image,,nought", {}, "scale=0.0 must be a finite number above 0"),
    ("image,,short", {}, "scales=[1.0, 2.0] must have 3 numbers"),
    ("image,,,sizes", {}, "sizes=[1, 1, 0] must be above 0"),
    ("image,,,few", {}, "sizes=[1, 1] must have 3 numbers"),
    ("image,,,sizes", {"mode": "area"}, "mode='area' must be nearest, linear or cubic"),
    (
        "image,,,sizes",
        {"nearest_mode": "up"},
        "nearest_mode='up' must be one of round_prefer_floor, round_prefer_ceil, floor, ceil",
    ),
    ("image", {}, "its scales are not given"),
]


@pytest.mark.parametrize(("inputs", "attributes", "message"), WRONG)
def test_a_wrong_resize_is_refused(inputs: str, attributes: dict[str, Any], message: str) -> None:
    net = (
        Net(1, 1, 7).constant("inf", [1, 1, math.inf]).constant("nan", [1, 1, math.nan]).constant("nought", [1.0, 1, 0])
    )
    net.constant("short", [1.0, 2]).constant("sizes", [1, 1, 0]).constant("few", [1, 1])
    with pytest.raises(ValueError, match=f"^{re.escape(f'ONNX node {chr(39)}the y{chr(39)} (Resize): {message}')}$"):
        net.node("Resize", inputs, "y", **attributes).graph()


@pytest.mark.parametrize(
    ("policy", "sizes", "expected", "strides"),
    [
        ("stretch", [9, 4], (9, 4), [Fraction(2, 3), 2]),
        ("not_larger", [9, 4], (3, 4), [2, 2]),  # 4/8, the least of 9/6 and 4/8, of 6 and of 8
        ("not_smaller", [9, 4], (9, 12), [Fraction(2, 3)] * 2),  # 9/6
        ("not_larger", [7, 11], (7, 9), [Fraction(6, 7)] * 2),  # 7/6 of 8 are 9.33
        ("not_smaller", [5, 6], (5, 7), [Fraction(6, 5)] * 2),  # 5/6 of 8 are 6.67
        ("not_smaller", [6, 6], (6, 8), [1, 1]),
    ],
)
def test_proportions_that_are_kept(
    policy: str, sizes: list[int], expected: tuple[int, int], strides: list[Any]
) -> None:
    net = Net(1, 1, 6, 8).constant("sizes", sizes)
    graph = net.node("Resize", "image,,,sizes", "y", axes=[2, 3], keep_aspect_ratio_policy=policy).graph()
    assert graph.feature_map("y") == expected
    assert [field.stride for field in graph.field("y")] == strides


def test_what_a_resize_cannot_be_said_of() -> None:
    assert (
        why(one("Resize", (1, 1, 7), "image,,image")) == "its scales are computed, and not from the image's size alone"
    )
    crop = resized(7, 2, coordinate_transformation_mode="tf_crop_and_resize")
    assert why(crop) == "it resamples a region that is computed"
    corners = resized(Unknown(), 2, coordinate_transformation_mode="align_corners")
    assert why(corners) == "align_corners depends on the image's size, which --input says"
    symmetric = resized(Unknown(), 1.5, coordinate_transformation_mode="half_pixel_symmetric")
    assert why(symmetric) == "half_pixel_symmetric depends on the image's size, which --input says"
    twice = resized(Unknown(), 2, coordinate_transformation_mode="half_pixel_symmetric")
    assert regions(twice, 3) == [[0, 0], [0, 0], [1, 1]]  # nothing is cut off
    assert why(one("DepthToSpace", (1, 4, 5, 5), blocksize=20_001)).startswith(
        "its pattern repeats after 20001 outputs"
    )


@pytest.mark.parametrize("op", ["DepthToSpace", "SpaceToDepth"])
def test_a_block_needs_a_size_and_four_dimensions(op: str) -> None:
    with pytest.raises(ValueError, match=rf"\({op}\): blocksize is not given$"):
        one(op, (1, 4, 6, 6))
    with pytest.raises(ValueError, match=rf"\({op}\): it reads a tensor of 3 dimensions; 4 are needed$"):
        one(op, (1, 4, 6), blocksize=2)


MODES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


@pytest.mark.parametrize(("before", "after"), [(5, 9), (7, 4), (6, 6), (3, 8), (8, 3), (1, 4)])
@pytest.mark.parametrize("place", MODES)
def test_linear_and_nearest_against_onnx(before: int, after: int, place: str) -> None:
    """The weights that the operator's own reference gives each pixel: those above rounding are read."""
    reference = pytest.importorskip("onnx.reference.ops.op_resize", reason="onnx is not installed")
    functions = {"linear": reference._linear_coeffs, "nearest": None}
    for mode, rounding in itertools.product(functions, ("round_prefer_floor", "floor")):
        scale = np.float64(after) / before
        coefficients = functions[mode] or (
            lambda ratio, _, rounding=rounding: reference._nearest_coeffs(ratio, mode=rounding)
        )
        weights = np.array([
            reference._interpolate_nd(
                np.eye(before)[pixel], coefficients, output_size=np.array([after]), coordinate_transformation_mode=place,
            )
            for pixel in range(before)
        ])  # fmt: skip
        graph = resized(before, to=after, mode=mode, coordinate_transformation_mode=place, nearest_mode=rounding)
        for output, seen in enumerate(regions(graph, after)):
            read = np.nonzero(abs(weights[:, output]) > 1e-9)[0]
            clipped = [min(max(pixel, 0), before - 1) for pixel in seen]
            assert [read[0], read[-1]] == clipped, (mode, rounding, output, scale)
