"""The batteries of the operations beside conv2d."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from refconv.numbers.formats import float_info
from refconv.testing import Case, cases, check, find_case, run_case
from refconv.testing.battery.cases import DTYPES, INTEGERS
from refconv.testing.battery.data import FORWARD_DATA, ROUNDED
from refconv.operations import OPERATIONS
from refconv.testing.battery.tiers import TIERS, lists_of

OTHERS = [op for op in OPERATIONS if op != "conv2d"]
GRADIENTS = ["conv2d_input", "conv2d_weight"]
COUNTS = {"conv1d": (10, 131), "conv3d": (8, 116), "conv_transpose2d": (13, 145)} | dict.fromkeys(GRADIENTS, (20, 368))


@pytest.mark.parametrize("op", OTHERS)
def test_the_tiers_contain_each_other_and_name_the_operation(op: str) -> None:
    smoke, core, full = (cases(tier, op=op) for tier in ("smoke", "core", "full"))
    assert (len(smoke), len(core)) == COUNTS[op]
    assert core[: len(smoke)] == smoke
    assert full[: len(core)] == core
    assert len(full) > 3 * len(core)
    assert {case.op for tier in TIERS for case in cases(tier, op=op)} == {op}
    assert all(case.id.startswith(f"{op}-") for case in full)
    assert len({case.id for case in full}) == len(full)


@pytest.mark.parametrize("op", OTHERS)
def test_refconv_is_right_and_refuses_what_ought_to_be_refused(op: str) -> None:
    report = check("refconv", op=op)
    assert report.passed
    assert report.counts()["passed"] == COUNTS[op][1]


@pytest.mark.parametrize("op", OTHERS)
def test_every_refusal_is_for_the_reason_that_is_given(op: str) -> None:
    rejected = cases(op=op, match="-reject-")
    assert len({case.rejects for case in rejected}) == len(rejected) >= 14
    reasons = [run_case("refconv", case).detail for case in rejected]
    assert all(reason.startswith(("raised ValueError: ", "raised TypeError: ")) for reason in reasons)
    about_the_gradient = ["grad_output must have" in reason for reason in reasons]
    assert about_the_gradient == [op in GRADIENTS and case is rejected[-1] for case in rejected]
    if op in GRADIENTS:
        assert "grad_output must have the output's shape (N, O, P, Q) = (1, 3, 4, 4)" in reasons[-1]


@pytest.mark.parametrize("op", OTHERS)
def test_the_default_case_has_different_numbers_everywhere(op: str) -> None:
    case = cases("smoke", op=op)[0]
    axes = case.axes()
    assert case.groups > 1 < case.input_shape[0]
    for name in ("input_size", "kernel_size", "stride", "padding", "dilation"):
        values = [getattr(axis, name) for axis in axes]
        assert len(axes) == 1 or len(set(values)) > 1, name
    assert len(set(case.operands()[case.operation.factors[0]].shape)) == len(axes) + 2


@pytest.mark.parametrize("op", OTHERS)
def test_exact_data_are_exact_in_any_order(op: str) -> None:
    for case in cases(op=op):
        if case.rejects or case.data in (*ROUNDED, "nan", "inf", "subnormal"):
            continue
        digits = 53 if case.dtype in INTEGERS else float_info(DTYPES[case.dtype]).digits
        assert case.largest_partial_sum() <= 2**digits, case.id
        operands = case.operands().values()
        assert all(
            (array == np.rint(array.astype(np.complex128).real)).all() or case.dtype == "c64" for array in operands
        )


@pytest.mark.parametrize("op", ["conv1d", "conv3d", "conv_transpose2d"])
def test_every_value_of_a_parameter_meets_every_value_of_another(op: str) -> None:
    """As they stand in the names; but for sizes, which are enlarged, and what cannot be."""
    parameters = {name: values for name, values in lists_of(op).parameters.items() if name not in ("size", "batch")}
    names = [f"{case.id}-" for case in cases(op=op) if case.family in ("smoke", "pairwise")]
    for (first, values), (second, others) in itertools.combinations(parameters.items(), 2):
        for one, other in itertools.product(values, others):
            if not one.strip("-") or not other.strip("-") or {one[0], other[0]} == {"-", "s"}:
                continue
            if "psame" in (one, other) and {one, other} & {"s2", "s3", "s2x1x3", "s1x3x2"}:
                continue
            held = [name for name in names if f"-{one.strip('-')}-" in name and f"-{other.strip('-')}-" in name]
            assert held, (first, one, second, other)


FEATURES: dict[str, Callable[[Case], bool]] = {
    "an output padding over what is cropped": lambda case: all(
        e > 0 < b for e, b in zip(case.output_padding, _after(case), strict=True)
    ),
    "an output padding beyond the windows": lambda case: any(
        e > b for e, b in zip(case.output_padding, _after(case), strict=True)
    ),
    "an output padding smaller than the dilation alone": lambda case: any(
        e >= s for e, s in zip(case.output_padding, _ints(case.stride), strict=True)
    ),
    "a stride larger than the kernel": lambda case: any(
        s > k for s, k in zip(_ints(case.stride), case.weight_shape[2:], strict=True)
    ),
    "overlapping windows": lambda case: any(
        s < k for s, k in zip(_ints(case.stride), case.weight_shape[2:], strict=True)
    ),
    "a padding that crops whole inputs": lambda case: any(
        axis.padding[0] > axis.effective_kernel_size for axis in case.axes()
    ),
    "groups of different sizes in and out": lambda case: case.groups > 1 and case.weight_shape[1] > 1,
    "an empty batch": lambda case: case.input_shape[0] == 0,
    "no batch axis": lambda case: len(case.input_shape) == 3,
    "sides that differ": lambda case: any(axis.padding[0] != axis.padding[1] for axis in case.axes()),
}


def _ints(value: object) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return value


def _after(case: Case) -> list[int]:
    """Return what is really cropped after the last pixel."""
    return [axis.padding[1] for axis in case.axes()]


@pytest.mark.parametrize("what", FEATURES)
def test_transposed_cases_are_there(what: str) -> None:
    assert [case for case in cases(op="conv_transpose2d") if not case.rejects and FEATURES[what](case)]


def test_gradients_have_the_convolutions_cases_but_those_that_say_nothing() -> None:
    covered = ("pairwise", "rejected")  # the covers have no bias, and so other rows
    plain = {case.id for case in cases() if case.family not in covered}
    for op in GRADIENTS:
        stripped = {case.id.removeprefix(f"{op}-") for case in cases(op=op) if case.family not in covered}
        assert {name.replace("-bias", "") for name in plain} - stripped == {
            *(name.replace("-bias", "") for name in plain if "-c0-" in f"-{name}"),
            *(name.replace("-bias", "") for name in plain if name.endswith(tuple(f"-{word}" for word in FORWARD_DATA))),
        }
        assert not [name for name in stripped if "-bias" in name]


@pytest.mark.parametrize(
    ("op", "families"),
    [
        ("conv1d", ["wavenet", "wav2vec2", "whisper"]),
        ("conv3d", ["c3d"]),
        ("conv_transpose2d", ["fcn", "dcgan", "unet"]),
        ("conv2d_weight", ["resnet50", "vgg16", "mobilenet_v2", "efficientnet_b0", "deeplabv3", "convnext_t"]),
    ],
)
def test_networks_of_an_operation(op: str, families: list[str]) -> None:
    assert list(dict.fromkeys(case.family for case in cases("networks", op=op))) == families


def test_layers_of_networks_follow_each_other() -> None:
    """What comes out of one layer goes into the next."""
    encoder = cases("networks", op="conv1d", match="wav2vec2")
    for case, following in itertools.pairwise(encoder):
        assert case.axes()[0].output_size == following.input_shape[-1]
    generator = cases("networks", op="conv_transpose2d", match="dcgan")
    for case, following in itertools.pairwise(generator):
        assert (case.weight_shape[1], case.axes()[0].input_size) == following.input_shape[1:3]
    for case in cases("networks", op="conv1d", match="wavenet"):
        assert case.axes()[0].output_size == 1600
    assert [case.axes()[0].input_size for case in cases("networks", op="conv_transpose2d", match="fcn")] == [
        34,
        280,
        352,
    ]


def test_an_unknown_operation_is_refused() -> None:
    message = (
        "^op='conv4d' must be one of 'conv2d', 'conv1d', 'conv3d', 'conv_transpose2d', 'conv2d_input', 'conv2d_weight'$"
    )
    with pytest.raises(ValueError, match=message):
        cases(op="conv4d")
    with pytest.raises(ValueError, match=message):
        check("refconv", op="conv4d")


def test_find_case_knows_the_families_and_refusals_of_every_operation() -> None:
    assert find_case("conv1d-reject-padding-long").rejects == "a padding of 2 numbers"
    assert find_case("conv2d_weight-reject-grad-output").grad_output_shape == (1, 3, 3, 3)
    assert find_case("conv3d-n0-c3-o4-g1-4x5x6-k3x2x1-s1-p1-d1-bias-f32").family == "degenerate"


def test_cancelling_channels_leave_zero_or_the_bias_over_any_number_of_axes() -> None:
    for front in ("conv1d-n1-c4-o3-g1-9-k3-s1-p0-d1", "conv3d-n1-c4-o3-g1-4x5x6-k2x3x1-s1-p0-d1"):
        assert not find_case(f"{front}-f32-zero").expected().any()
        case = find_case(f"{front}-bias-f32-cancel")
        bias = case.operands()["bias"].reshape(1, 3, *(1,) * len(case.axes()))
        exact = case.call()(dtype=np.float64, method="exact")  # the products are 2^40 times as large
        np.testing.assert_array_equal(exact, np.broadcast_to(bias, exact.shape))


@pytest.mark.parametrize("op", OTHERS)
def test_cases_of_values_are_about_more_than_their_bias(op: str) -> None:
    for case in (case for case in cases(op=op) if case.family == "values" and case.data not in ("zero", "cancel")):
        desired, alone = case.reference().desired, case.call().with_operands(bias=None)()
        if case.data != "negzero":
            assert alone.any(), case.id
        if case.bias_shape is not None:
            bias = case.operands()["bias"].reshape(-1, *(1,) * len(case.axes()))
            assert (desired != np.broadcast_to(bias, desired.shape)).any(), case.id
