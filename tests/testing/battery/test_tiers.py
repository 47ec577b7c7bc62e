from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from sampled import one_in

from refconv import conv2d, output_size
from refconv.testing import Case, cases, find_case
from refconv.testing.battery.cases import DTYPES, has_ml_dtypes
from refconv.testing.battery.lists import names_of
from refconv.testing.battery.parameters import PARAMETERS as OF_OPERATION
from refconv.testing.battery.tiers import TIERS, _is_possible, _parsed, _size_that_fits

CORE = cases(refusals=True)
VALID = [case for case in CORE if not case.rejects]
REJECTED = [case for case in CORE if case.rejects]
PARAMETERS = OF_OPERATION["conv2d"]
SMOKE = tuple(names_of("conv2d", "core")["smoke"])
DEFAULT = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"


def named(parameter: Any) -> str:
    return str(parameter.id if isinstance(parameter, Case) else parameter)


def test_there_are_six_tiers() -> None:
    assert TIERS == ("smoke", "core", "full", "networks", "kernelbench", "gpumode")


def test_the_tiers_have_about_the_size_that_they_promise() -> None:
    assert 15 <= len(cases("smoke")) <= 25
    assert 600 <= len(CORE) <= 640
    assert 2000 <= len(cases("full")) <= 2800
    assert 100 <= len(cases("networks")) <= 150


def test_core_begins_with_smoke() -> None:
    assert CORE[: len(SMOKE)] == cases("smoke")
    assert tuple(case.id for case in cases("smoke")) == SMOKE


def test_full_begins_with_core() -> None:
    assert cases("full", refusals=True)[: len(CORE)] == CORE


@pytest.mark.parametrize("tier", TIERS)
def test_ids_are_unique(tier: str) -> None:
    assert len({case.id for case in cases(tier)}) == len(cases(tier))


@pytest.mark.parametrize("tier", TIERS)
def test_cases_differ_in_more_than_their_names(tier: str) -> None:
    def content(case: Case) -> tuple[object, ...]:
        return (*(getattr(case, name) for name in Case.__slots__ if name not in ("id", "family", "rejects")),)

    assert len(set(map(content, cases(tier)))) == len(cases(tier))


def test_families_are_in_order_and_each_in_one_piece() -> None:
    assert [family for family, _ in itertools.groupby(CORE, lambda case: case.family)] == [
        "smoke",
        "pairwise",
        "padding",
        "stride",
        "dilation",
        "same",
        "groups",
        "channels",
        "tiles",
        "probes",
        "degenerate",
        "memory",
        "types",
        "values",
        "layers",
        "beside",
        "batch",
        "threads",
        "rejected",
    ]


def test_a_case_of_two_families_stands_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, narrow = (f"n1-c1-o1-g1-2x3-k1-s1-p0-d1-{dtype}" for dtype in ("f32", "bf16"))
    families = {"one": [plain], "other": [DEFAULT, plain, narrow]}
    more: dict[bool, dict[str, str]] = {False: {}, True: {narrow: "other"}}  # bfloat16, where ml_dtypes has it
    for is_there, expected in more.items():
        monkeypatch.setattr("refconv.testing.battery.tiers.has_ml_dtypes", lambda is_there=is_there: is_there)
        found = {case.id: case.family for case in _parsed(families)}
        assert found == {plain: "one", DEFAULT: "other"} | expected


def test_extents_of_the_default_case_are_pairwise_different() -> None:
    case = find_case(SMOKE[0])
    assert case.id == DEFAULT
    (batch, channels, height, width), (out_channels, each, *kernel) = case.input_shape, case.weight_shape
    _, _, out_height, out_width = case.expected().shape
    for extents in (
        (batch, channels, height, width),
        (out_channels, each, *kernel[:1]),
        (channels, out_channels, height, width, out_height, out_width, batch, each),
        kernel,
        case.stride,
        case.padding,
        case.dilation,
        (out_channels // case.groups, each, case.groups),
    ):
        assert isinstance(extents, Sequence)
        assert len(set(extents)) == len(extents), extents


def possible(pair: Mapping[str, str]) -> bool:
    return not (pair.get("padding") == "psame" and pair.get("stride", "s1") != "s1")


def holds(case: Case, pair: Mapping[str, str]) -> bool:
    """Say from the fields, not from the name, whether a case has these values of two parameters."""
    return all(READ[name](case) == value for name, value in pair.items())


def pair_name(letter: str, pair: Any) -> str:
    return f"{letter}{pair[0]}" if pair[0] == pair[1] else f"{letter}{pair[0]}x{pair[1]}"


def padding_name(case: Case) -> str:
    if isinstance(case.padding, str):
        return "p" + case.padding
    return "p1+0x2+3" if case.padding == ((1, 0), (2, 3)) else pair_name("p", case.padding)


READ: dict[str, Callable[[Case], str]] = {
    "batch": lambda case: f"n{case.input_shape[0]}",
    "channels": lambda case: f"c{case.input_shape[-3]}-o{case.weight_shape[0]}-g{case.groups}",
    "kernel": lambda case: pair_name("k", case.weight_shape[2:]),
    "stride": lambda case: pair_name("s", case.stride),
    "padding": padding_name,
    "dilation": lambda case: pair_name("d", case.dilation),
    "bias": lambda case: "-bias" if case.bias_shape else "",
    "dtype": lambda case: case.dtype,
    "data": lambda case: "-real" if case.data == "real" else "",
    "layout": lambda case: "" if case.layout == "contiguous" else "-" + case.layout,
}


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(READ, 2)))
def test_every_value_meets_every_value_of_another_parameter(first: str, second: str) -> None:
    missing = [
        (one, other)
        for one, other in itertools.product(PARAMETERS[first], PARAMETERS[second])
        if possible({first: one, second: other})
        and not any(holds(case, {first: one, second: other}) for case in CORE if case.family in ("pairwise", "smoke"))
    ]
    assert not missing


def test_the_pairwise_parameters_are_those_of_the_issue() -> None:
    # the values that issue 2 asks for, by parameter
    assert {"c6-o10-g1", "c6-o10-g2", "c6-o9-g3", "c5-o5-g5", "c4-o8-g4"} <= set(PARAMETERS["channels"])
    assert {"k1", "k2", "k3", "k4", "k5", "k7", "k2x3", "k1x5"} == set(PARAMETERS["kernel"])
    assert {"p0", "p1", "p2x0", "p0x1", "p1+0x2+3", "psame", "psame_upper", "psame_lower", "p7x8"} <= set(
        PARAMETERS["padding"]
    )
    assert {"f32", "f64"} == set(PARAMETERS["dtype"])
    assert {"", "-bias"} == set(PARAMETERS["bias"])
    assert len(PARAMETERS["batch"]) == 3
    assert len(PARAMETERS["layout"]) == 7
    for size in PARAMETERS["size"]:
        height, _, width = size.partition("x")
        assert height != width


@pytest.mark.parametrize(
    ("size", "kernel", "dilation", "fitting"),
    [
        ("7x9", "k3x5", "d3x2", "7x9"),  # which reach 7 and 9 pixels
        ("6x9", "k3x5", "d3x2", "13x9"),
        ("7x8", "k3x5", "d3x2", "7x17"),
        ("7x9", "k4", "d3", "17x19"),
    ],
)
def test_a_size_is_enlarged_by_the_reach_of_a_kernel_that_does_not_fit(
    size: str, kernel: str, dilation: str, fitting: str
) -> None:
    assert _size_that_fits(size, kernel, dilation, 2) == fitting


@pytest.mark.parametrize(
    ("padding", "stride", "dilation", "allowed"),
    [("-e1x2", "s2x1", "d1x3", True), ("-e2x0", "s2x1", "d1x3", False), ("-e0x3", "s2x1", "d1x3", False)],
)
def test_an_output_padding_is_smaller_than_the_stride_or_the_dilation(
    padding: str, stride: str, dilation: str, allowed: bool
) -> None:
    row = {"output_padding": padding, "stride": stride, "dilation": dilation}
    assert _is_possible(row, 2) == allowed
    assert all(_is_possible({name: row[name] for name in row if name != left_out}, 2) for left_out in row)


def test_height_differs_from_width_in_every_pairwise_case() -> None:
    for case in CORE:
        if case.family == "pairwise":
            assert case.input_shape[-1] != case.input_shape[-2], case.id


def has_numbers(case: Case) -> bool:
    return not isinstance(case.padding, str)


def sides(case: Case) -> tuple[int, ...]:
    """Return (T, B, L, R)."""
    if not isinstance(case.padding, tuple):
        return ()
    padding: tuple[Any, ...] = case.padding
    flat = [side if isinstance(side, tuple) else (side, side) for side in padding]
    return (*flat[0], *flat[1])


def group_of_channels(case: Case) -> tuple[int, int, int]:
    return case.input_shape[-3], case.weight_shape[0], case.groups


def kernel(case: Case) -> tuple[int, ...]:
    return case.weight_shape[2:]


def size(case: Case) -> tuple[int, ...]:
    return case.input_shape[-2:]


def stride(case: Case) -> Any:
    return case.stride


def dilation(case: Case) -> Any:
    return case.dilation


def leaves_rows_unread(case: Case) -> bool:
    if not has_numbers(case):
        return False
    top, bottom, _, _ = sides(case)
    out = output_size(size(case), kernel(case), stride(case), case.padding, dilation(case))[0]
    last = (out - 1) * stride(case)[0] + kernel(case)[0]  # of what is read, with dilation 1
    return bool(last < size(case)[0] + top + bottom)


# The edge cases of facts/oracles.md that issue 2 asks for, in their order there.
EDGES: list[tuple[str, Callable[[Case], bool]]] = [
    *((f"k5 p{p}", lambda case, p=p: kernel(case) == (5, 5) and sides(case) == (p,) * 4) for p in range(1, 8)),
    *((f"k1 p{p}", lambda case, p=p: kernel(case) == (1, 1) and sides(case) == (p,) * 4) for p in range(1, 4)),
    ("width 1, k3, p100", lambda case: size(case)[1] == 1 and kernel(case)[1] == 3 and sides(case)[2:] == (100, 100)),
    ("(5,7) with stride (3,4)", lambda case: size(case) == (5, 7) and stride(case) == (3, 4)),
    (
        "(11,7) with 7×5 stride (3,5)",
        lambda case: size(case) == (11, 7) and kernel(case) == (7, 5) and stride(case) == (3, 5),
    ),
    ("asymmetric (2,0,2,1)", lambda case: sides(case) == (2, 0, 2, 1)),
    ("H only", lambda case: len(sides(case)) == 4 and min(sides(case)[:2]) > 0 and sides(case)[2:] == (0, 0)),
    ("W only", lambda case: len(sides(case)) == 4 and sides(case)[:2] == (0, 0) and min(sides(case)[2:]) > 0),
    ("1×1 input with k1 p1", lambda case: size(case) == kernel(case) == (1, 1) and sides(case) == (1, 1, 1, 1)),
    ("kernel = input", lambda case: size(case) == kernel(case) != (1, 1) and not any(sides(case))),
    (
        "taps that never touch data",
        lambda case: has_numbers(case) and dilation(case)[0] > size(case)[0] and kernel(case)[0] > 1,
    ),
    ("k1 s14", lambda case: kernel(case) == (1, 1) and stride(case) == (14, 14)),
    ("(1,3) with (3,5)", lambda case: kernel(case) == (1, 3) and stride(case) == (3, 5)),
    ("k6 s2", lambda case: kernel(case) == (6, 6) and stride(case) == (2, 2) and leaves_rows_unread(case)),
    ("k7 s5", lambda case: kernel(case) == (7, 7) and stride(case) == (5, 5) and leaves_rows_unread(case)),
    ("stride (3,2) with dilation (4,4)", lambda case: stride(case) == (3, 2) and dilation(case) == (4, 4)),
    ("dilation (2,3)", lambda case: dilation(case) == (2, 3)),
    ("dilation (2,1)", lambda case: dilation(case) == (2, 1)),
    ("d4 on 65×65", lambda case: size(case) == (65, 65) and dilation(case) == (4, 4)),
    ("d larger than the map", lambda case: dilation(case) > size(case) and kernel(case) == (3, 3)),
    *(
        (f"p{same} k{k}", lambda case, k=k, same=same: kernel(case) == (k, k) and case.padding == same)
        for k in (2, 4, 10)
        for same in ("same", "same_upper", "same_lower")
    ),
    *(
        (
            f"p{same} k2 d(2,3) g2",
            lambda case, same=same: (
                kernel(case) == (2, 2) and dilation(case) == (2, 3) and case.groups == 2 and case.padding == same
            ),
        )
        for same in ("same", "same_upper", "same_lower")
    ),
    *(
        (
            f"SAME, width {width} k{k} d{d}",
            lambda case, width=width, k=k, d=d: (
                str(case.padding).startswith("same")
                and size(case)[1] == width
                and kernel(case)[1] == k
                and dilation(case)[1] == d
            ),
        )
        for width in range(30, 35)
        for k in range(2, 6)
        for d in range(1, 5)
    ),
    *(
        (
            f"p{same}, stride 2 on {height}×{width}",
            lambda case, same=same, shape=(height, width): (
                size(case) == shape and stride(case) == (2, 2) and case.padding == same
            ),
        )
        for height, width in ((7, 8), (8, 7))
        for same in ("same_upper", "same_lower")
    ),
    *(
        (
            f"p{same}, stride > kernel",
            lambda case, same=same: case.padding == same and stride(case) > kernel(case),
        )
        for same in ("same_upper", "same_lower")
    ),
    ("depthwise", lambda case: group_of_channels(case) == (5, 5, 5)),
    ("depthwise, multiplier 2", lambda case: group_of_channels(case) == (4, 8, 4)),
    ("7×7 depthwise", lambda case: kernel(case) == (7, 7) and case.groups == case.input_shape[-3] > 1),
    ("1×9 depthwise", lambda case: kernel(case) == (1, 9) and case.groups == case.input_shape[-3] > 1),
    ("9×1 depthwise", lambda case: kernel(case) == (9, 1) and case.groups == case.input_shape[-3] > 1),
    ("weight (6,2,3,2) g2", lambda case: case.weight_shape == (6, 2, 3, 2) and case.groups == 2),
    ("7 groups", lambda case: case.groups == 7),
    ("13 groups", lambda case: case.groups == 13),
    ("1 < G < C with stride", lambda case: 1 < case.groups < case.input_shape[-3] and max(stride(case)) > 1),
    *(
        (f"{c} input channels", lambda case, c=c: case.input_shape[-3] == c)
        for c in (1, 3, 4, 5, 7, 8, 9, 13, 17, 19, 33)
    ),
    *(
        (f"{o} output channels", lambda case, o=o: case.weight_shape[0] == o)
        for o in (1, 3, 4, 5, 7, 8, 9, 13, 17, 19, 33)
    ),
    ("C = H = W", lambda case: len({*case.input_shape[-3:]}) == 1),
    ("C = 1", lambda case: case.input_shape[-3] == 1 and case.weight_shape[0] > 1),
    ("4000 products", lambda case: math.prod(case.weight_shape[1:]) >= 4000 and case.data == "exact"),
    ("4000 real products", lambda case: math.prod(case.weight_shape[1:]) >= 4000 and case.data == "real"),
    ("N = 3, C = O = K = 3", lambda case: {*case.input_shape[:2], *case.weight_shape} == {3}),
    (
        "1000 products in each of several groups",
        lambda case: case.groups > 1 and math.prod(case.weight_shape[1:]) > 1000,
    ),
    ("2^16 outputs in a channel", lambda case: math.prod(size(case)) > 2**16),
    (
        "1×1 with stride and padding",
        lambda case: kernel(case) == (1, 1) and min(stride(case)) > 1 and max(sides(case) or (0,)) > 0,
    ),
    ("1×1 depthwise", lambda case: kernel(case) == (1, 1) and case.groups == case.input_shape[-3] > 1),
    ("stride and dilation on both axes", lambda case: min(stride(case)) > 1 and min(dilation(case)) > 1),
    *(
        (
            f"p{same} with stride and dilation",
            lambda case, same=same: (
                case.padding == same and min(stride(case)) > 1 and min(dilation(case)) > 1 and case.family == "same"
            ),
        )
        for same in ("same_upper", "same_lower")
    ),
    *(
        (
            f"{left} over from a tile of 16, along axis {axis}",
            lambda case, left=left, axis=axis: (
                case.family == "tiles" and case.expected().shape[axis] > 16 and case.expected().shape[axis] % 16 == left
            ),
        )
        for left, axis in ((1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (3, 3))
    ),
    *(
        (
            f"ones, {what}",
            lambda case, wide=wide: (
                case.data == "ones" and (stride(case) != (1, 1) and min(dilation(case)) < max(dilation(case))) == wide
            ),
        )
        for what, wide in (("plain", False), ("stride and dilation", True))
    ),
    *(
        (f"one tap, {groups} groups", lambda case, groups=groups: case.data == "onetap" and case.groups == groups)
        for groups in (1, 3)
    ),
    ("one tap under SAME", lambda case: case.data == "onetap" and str(case.padding).startswith("same")),
    (
        "every tap by itself, in the default placement",
        lambda case: (
            case.data == "onetap"
            and case.weight_shape[0] == math.prod(case.weight_shape[1:])
            and (kernel(case), stride(case), case.padding, dilation(case)) == ((2, 3), (2, 1), (1, 0), (1, 2))
        ),
    ),
    ("NaN", lambda case: bool(np.isnan(case.arrays()[0]).any())),
    ("both infinities", lambda case: {np.inf, -np.inf} <= set(case.arrays()[0].ravel().tolist())),
    ("huge cancelling sums", lambda case: case.data == "cancel" and np.abs(case.arrays()[0]).max() > 2**40),
    ("zero expected exactly", lambda case: case.bias_shape is None and bool((case.expected() == 0).all())),
    (
        "negative zero",
        lambda case: case.data == "negzero" and bool(np.signbit(case.arrays()[0][case.arrays()[0] == 0]).any()),
    ),
    ("empty batch", lambda case: case.input_shape[0] == 0 and len(case.input_shape) == 4),
    ("zero input channels", lambda case: case.input_shape[-3] == 0),
    ("unbatched", lambda case: len(case.input_shape) == 3),
    *(
        (f"layout {layout}", lambda case, layout=layout: case.layout == layout and case.bias_shape is not None)
        for layout in ("strided", "fortran", "channels_last", "broadcast", "negative", "read_only", "big_endian")
    ),
]


def test_edge_cases_are_there() -> None:
    assert [what for what, found in EDGES if not any(found(case) for case in VALID)] == []


# The "must raise" line of facts/oracles.md, and kernels larger than the padded input.
REFUSALS = [
    "reject-stride-zero",
    "reject-stride-negative",
    "reject-dilation-zero",
    "reject-padding-negative",
    "reject-padding-triple",
    "reject-padding-unknown",
    "reject-same-strided",
    "reject-groups-zero",
    "reject-groups-negative",
    "reject-groups-inputs",
    "reject-groups-outputs",
    "reject-channels",
    "reject-input-2d",
    "reject-input-5d",
    "reject-weight-3d",
    "reject-kernel-empty",
    "reject-bias-length",
    "reject-kernel-dilated",
    "reject-kernel-3",
    "reject-kernel-10",
]


def test_these_are_to_be_rejected() -> None:
    assert [case.id for case in REJECTED] == REFUSALS


# What conv2d says of each, so that each is refused for its own reason and no other.
REASONS = {
    "reject-stride-zero": r"stride\[0\]=0 must be at least 1",
    "reject-stride-negative": r"stride\[1\]=-1 must be at least 1",
    "reject-dilation-zero": r"dilation\[1\]=0 must be at least 1",
    "reject-padding-negative": r"padding\[1\]=-1 must be at least 0",
    "reject-padding-triple": r"padding=\(1, 0, 1\)",
    "reject-padding-unknown": r"padding='sane' must be one of",
    "reject-same-strided": r"stride=2 must be 1 for padding='same'",
    "reject-groups-zero": r"groups=0 must be at least 1",
    "reject-groups-negative": r"groups=-1 must be at least 1",
    "reject-groups-inputs": r"groups=2 must divide both input channels C=5",
    "reject-groups-outputs": r"groups=2 must divide both input channels C=4 and output channels O=3",
    "reject-channels": r"weight has 2 channels per group; it must have C/G = 4/1 = 4",
    "reject-input-2d": r"input has 2 dimensions",
    "reject-input-5d": r"input has 5 dimensions",
    "reject-weight-3d": r"weight has 3 dimensions",
    "reject-kernel-empty": r"kernel_size\[0\]=0 must be at least 1",
    "reject-bias-length": r"bias has shape \(2,\); it must be \(O,\) = \(3,\)",
    "reject-kernel-dilated": r"kernel height 3 at dilation 2 spans 5 pixels; .* 0 \+ 4 \+ 0 = 4",
    "reject-kernel-3": r"kernel height 3 at dilation 1 spans 3 pixels; .* = 2",
    "reject-kernel-10": r"kernel height 10 at dilation 1 spans 10 pixels; .* = 1",
}


@pytest.mark.parametrize("case", REJECTED, ids=named)
@pytest.mark.parametrize("method", ["im2col", "direct"])
def test_conv2d_refuses_what_ought_to_be_refused(case: Case, method: str) -> None:
    assert case.family == "rejected"
    with pytest.raises((ValueError, TypeError), match=REASONS[case.id]):
        conv2d(*case.arrays(), **case.kwargs(), method=method)


@pytest.mark.parametrize("case", one_in(8, VALID), ids=named)
def test_the_loops_and_the_matrix_product_agree(case: Case) -> None:
    direct = conv2d(*case.arrays(), **case.kwargs(), method="direct")
    im2col = conv2d(*case.arrays(), **case.kwargs(), method="im2col")
    assert direct.dtype == im2col.dtype == case.result_dtype
    assert direct.flags.writeable
    if case.data in ("exact", "extreme", "subnormal"):
        np.testing.assert_array_equal(direct, im2col, strict=True)
    comparison = case.check(direct)
    assert comparison.passed, comparison
    assert comparison.elements == direct.size


def test_same_is_judged_at_stride_1_too() -> None:
    assert {case.stride for case in CORE if case.padding == "same" and not case.rejects} == {(1, 1)}


def test_cases_by_text() -> None:
    assert [case.id for case in cases("smoke", match="psame_")] == [
        "n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32",
        "n1-c2-o3-g1-8x11-k3-s2-psame_lower-d1-f32",
    ]
    assert [case.id for case in cases(match="rejected", refusals=True)] == REFUSALS  # a family
    assert cases(match="no_such_text") == []


def test_cases_by_type() -> None:
    by_type = {name: cases(dtype=name) for name in DTYPES.values()}
    assert {name: {case.dtype for case in found} for name, found in by_type.items()} == {
        "float32": {"f32"},
        "float64": {"f64"},
        "float16": {"f16"},
        "bfloat16": {"bf16"} if has_ml_dtypes() else set(),
        "int8": {"i8"},
        "uint8": {"u8"},
        "complex64": {"c64"},
        "complex128": {"c128"},
        "int16": {"i16"},
        "int32": {"i32"},
        "int64": {"i64"},
    }
    mixed = [case for case in CORE if len({*case.dtypes.values()}) > 1]
    assert sum(map(len, by_type.values())) == len(VALID) - len(mixed)
    assert {(case.dtype, case.other_dtype, case.bias_dtype) for case in mixed} >= {
        ("f32", "f64", ""),
        ("i8", "", "i32"),
    }
    assert [case.id for case in cases("smoke", dtype="float64")] == ["n2-c3-o4-g1-7x9-k3x2-s2x1-p0x1-d1-bias-f64-real"]


def test_text_and_type_narrow_each_other() -> None:
    both = cases(match="memory", dtype="float64")
    assert {(case.family, case.dtype) for case in both} == {("memory", "f64")}


def test_the_list_is_the_callers_own() -> None:
    cases().clear()
    assert len(cases()) == len(VALID)


@pytest.mark.parametrize("tier", ["", "Smoke", "all", None])
def test_an_unknown_tier_is_refused(tier: Any) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^tier={tier!r} must be one of 'smoke', 'core', 'full', 'networks', 'kernelbench', 'gpumode'$",
    ):
        cases(tier)


@pytest.mark.parametrize("dtype", ["", "f32", "f16", "float128"])
def test_an_unknown_type_is_refused(dtype: str) -> None:
    with pytest.raises(
        ValueError, match=rf"^dtype={dtype!r} must be one of 'float32', 'float64', 'float16', .*, 'int64'$"
    ):
        cases(dtype=dtype)


def test_find_case_knows_the_rejected_ones() -> None:
    assert find_case("reject-channels").rejects == "4 input channels for a weight of 2"
    assert find_case("reject-channels").family == "rejected"


def test_find_case_knows_families() -> None:
    assert find_case(DEFAULT).family == "smoke"
    assert find_case("n1-c2-o3-g1-1x1-k1-s1-p0-d1-f32").family == "padding"


def test_find_case_makes_cases_that_are_not_in_the_battery() -> None:
    name = "n1-c3-o3-g3-4x5-k2-s1-p0-d1-f64"
    assert name not in {case.id for case in CORE}
    assert find_case(name).weight_shape == (3, 1, 2, 2)
    assert find_case(name).family == ""
