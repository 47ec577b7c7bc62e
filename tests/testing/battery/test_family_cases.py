"""The batteries of all the operations: their cases, what refconv makes of them, and what ought to be refused."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sampled import one_in

import refconv
from refconv.numbers.formats import float_info
from refconv.operations import LINEAR, OPERATIONS
from refconv.testing import Case, cases, check, find_case, run_case
from refconv.testing.battery.cases import DTYPES, INTEGERS, has_ml_dtypes
from refconv.testing.battery.data import BIASES as BIAS_DATA
from refconv.testing.battery.data import FORWARD_DATA, ROUNDED
from refconv.testing.battery.names import words_of, write_name
from refconv.testing.battery.parameters import PARAMETERS
from refconv.testing.battery.tiers import TIERS

FORWARD = [op for op, operation in LINEAR.items() if not operation.is_gradient]
GRADIENTS = [op for op, operation in LINEAR.items() if operation.by in ("input", "weight")]
BIASES = [op for op, operation in LINEAR.items() if operation.by == "bias"]
TRANSPOSED = [op for op in FORWARD if LINEAR[op].is_transposed]
OTHERS = [op for op in LINEAR if op != "conv2d"]
# By operation, how many cases smoke, core, full and the networks have; those of bfloat16 are there with ml_dtypes alone.
COUNTS = {
    "conv2d_integer": (7, 184, 741, 0),
    "conv1d_integer": (7, 151, 475, 0),
    "conv2d_quantized": (9, 220, 869, 0),
    "conv1d_quantized": (9, 193, 619, 0),
    "conv2d": (20, 630, 2540, 129),
    "conv1d": (10, 368, 1546, 19),
    "conv3d": (8, 366, 1609, 4),
    "conv2d_input": (20, 612, 2511, 129),
    "conv1d_input": (10, 349, 1515, 19),
    "conv3d_input": (8, 351, 1584, 4),
    "conv2d_weight": (20, 612, 2511, 129),
    "conv1d_weight": (10, 349, 1515, 19),
    "conv3d_weight": (8, 350, 1583, 4),
    "conv2d_bias": (18, 387, 1516, 67),
    "conv1d_bias": (10, 234, 871, 10),
    "conv3d_bias": (8, 249, 1007, 3),
    "conv_transpose2d": (13, 414, 1612, 12),
    "conv_transpose1d": (8, 351, 1219, 4),
    "conv_transpose3d": (7, 349, 1274, 3),
    "conv_transpose2d_input": (13, 401, 1595, 12),
    "conv_transpose1d_input": (8, 334, 1192, 4),
    "conv_transpose3d_input": (7, 335, 1256, 3),
    "conv_transpose2d_weight": (13, 401, 1595, 12),
    "conv_transpose1d_weight": (8, 334, 1192, 4),
    "conv_transpose3d_weight": (7, 335, 1256, 3),
    "conv_transpose2d_bias": (13, 300, 1301, 12),
    "conv_transpose1d_bias": (7, 231, 876, 4),
    "conv_transpose3d_bias": (7, 238, 976, 3),
}
needs_ml_dtypes = pytest.mark.skipif(not has_ml_dtypes(), reason="bfloat16 comes from ml_dtypes")


def valid(op: str) -> list[Case]:
    return cases(op=op)


@needs_ml_dtypes
@pytest.mark.parametrize("op", one_in(11, list(LINEAR)[::-1]))
def test_the_tiers_contain_each_other_and_name_the_operation(op: str) -> None:
    smoke, core, full, networks = (cases(tier, op=op, refusals=True) for tier in TIERS[:4])
    assert tuple(map(len, (smoke, core, full, networks))) == COUNTS[op]
    assert core[: len(smoke)] == smoke
    assert full[: len(core)] == core
    assert len(full) > 2 * len(core)
    assert {case.op for tier in TIERS for case in cases(tier, op=op)} == {op}
    if op != "conv2d":
        assert all(case.id.startswith(f"{op}-") for case in (*full, *networks))
    assert len({case.id for case in full}) == len(full)
    assert len({case.id for case in networks}) == len(networks)


@needs_ml_dtypes
@pytest.mark.parametrize("op", one_in(23, list(LINEAR)[::-1]))
def test_refconv_is_right_and_refuses_what_ought_to_be_refused(op: str) -> None:
    report = check(LINEAR[op].function, op=op, refusals=True, time_limit=None)
    assert report.passed
    assert report.counts()["passed"] == COUNTS[op][1]


def by_the_formula(op: str) -> Callable[..., Any]:
    """Return refconv's function as its loops compute it, which share nothing with the truth of the battery."""
    function = LINEAR[op].function

    def direct(*arguments: Any, **sizes: Any) -> Any:
        return function(*arguments, **sizes, method="direct")

    return direct


@pytest.mark.parametrize("op", one_in(9, (name for name, operation in LINEAR.items() if not operation.arithmetic)))
def test_the_loops_agree_with_the_truth(op: str) -> None:
    report = check(by_the_formula(op), "smoke", op=op, time_limit=None)
    assert report.passed
    assert report.counts()["passed"] == COUNTS[op][0]
    some = [case for case in valid(op) if case.family in ("degenerate", "same", "output padding", "output size")]
    for case in some[:8]:
        result = run_case(by_the_formula(op), case)
        assert result.outcome == "passed", result


# What refconv says of the arguments, by what is wrong with them.
REASONS = {
    "a stride of 0": r"stride\[\d\]=0 must be at least 1",
    "a stride of -1": r"stride\[\d\]=-1 must be at least 1",
    "a dilation of 0": r"dilation\[\d\]=0 must be at least 1",
    "a padding of -1": r"padding\[\d\]=-1 must be at least 0",
    "a padding of 2 numbers": r"padding=\(1, 0\) has length 2",
    "a padding of 3 numbers": r"padding=\(1, (0, 1|1, 0)\) has length 3",
    "a padding of 4 numbers": r"padding=\(1, 1, 1, 0\) has length 4",
    "padding='sane'": r"padding='sane' must be one of",
    "'same' with stride 2": r"stride=2 must be 1 for padding='same'",
    "groups=0": r"groups=0 must be at least 1",
    "groups=-1": r"groups=-1 must be at least 1",
    "2 groups of 5 input channels": r"groups=2 must divide both input channels C=5",
    "3 groups of 4 input channels": r"groups=3 must divide (both input channels|the input channels) C=4",
    "2 groups of 3 output channels": r"groups=2 must divide both input channels C=4 and output channels O=3",
    "4 input channels for a weight of 2": r"weight has 2 channels per group; it must have C/G = 4/1 = 4",
    "5 input channels for a weight of 4": r"groups=2 must divide both input channels C=5|weight has 4 input channels; it must have C = 5",
    "an input of 2 dimensions": r"input has 2 dimensions",
    "an input of 5 dimensions": r"input has 5 dimensions",
    "an input with an axis too many": r"input has \d dimensions",
    "a weight of 3 dimensions": r"weight has 3 dimensions",
    "a weight with an axis too few": r"weight has \d dimensions",
    "a kernel of height 0": r"kernel_size\[0\]=0 must be at least 1",
    "an empty kernel": r"kernel_size\[\d\]=0 must be at least 1",
    "a bias of 2 for 3 output channels": r"bias has shape \(2,\)",
    "a bias of 3 for 4 output channels": r"bias has shape \(3,\)",
    "a dilated kernel of 5 on 4 pixels": r"kernel height 3 at dilation 2 spans 5 pixels",
    "a kernel of 3 on 2 pixels": r"kernel height 3 at dilation 1 spans 3 pixels",
    "a kernel of 10 on 1 pixel": r"kernel height 10 at dilation 1 spans 10 pixels",
    "a kernel of 8 on 7 pixels or fewer": r"kernel (length|depth|height) 8 at dilation 1 spans 8 pixels",
    "an output padding of 2 at stride 2": r"output_padding=2 must be smaller than the stride 2 or the dilation 1",
    "an output padding of -1": r"output_padding\[\d\]=-1 must be at least 0",
    "a padding that leaves nothing": r"output (length|height|width) .* must be at least 1",
    "a grad_output of another size": r"grad_output must have the output's shape ",
}  # fmt: skip


@pytest.mark.parametrize("op", [*FORWARD, *GRADIENTS])
def test_every_refusal_is_for_the_reason_that_is_given(op: str) -> None:
    rejected = cases(op=op, match="reject-", refusals=True)
    reasons = {case.rejects: case for case in rejected}
    assert len(reasons) == len(rejected) >= 14
    for reason, case in reasons.items():
        result = run_case(LINEAR[op].function, case)
        assert re.match(rf"raised (ValueError|TypeError): ({REASONS[reason]})", result.detail), result


def test_the_last_that_a_gradient_ought_to_refuse_is_what_arrives() -> None:
    for op in GRADIENTS:
        *others, last = cases(op=op, match="reject-", refusals=True)
        assert last.rejects == "a grad_output of another size"
        assert not any("grad_output" in case.rejects for case in others)
    detail = {
        op: run_case(LINEAR[op].function, cases(op=op, match="reject-", refusals=True)[-1]).detail for op in GRADIENTS
    }
    assert (
        "shape (N, O, P, Q) = (1, 3, 4, 4) (input (1, 2, 5, 6), weight (3, 2, 2, 3), grad_output (1, 3, 3, 3))"
        in detail["conv2d_weight"]
    )
    assert (
        "shape (N, O, P) = (1, 3, 4) (input (1, 2, 5), weight (3, 2, 2), grad_output (1, 3, 3))"
        in detail["conv1d_input"]
    )
    assert "shape (N, O, Z, H, W) = (1, 3, 6, 8, 8) " in detail["conv_transpose3d_weight"]  # fmt: skip


def test_what_arrives_has_the_size_that_comes_out_for_whoever_checks_nothing() -> None:
    shapes = {
        case.id: case.grad_output_shape for op in GRADIENTS for case in cases(op=op, match="reject-", refusals=True)
    }
    assert shapes["conv2d_input-reject-same-strided"] == (1, 3, 3, 3)  # of 5 and 6 pixels, every second one
    assert shapes["conv2d_input-reject-kernel-dilated"] == (1, 3, 1, 1)
    assert shapes["conv1d_input-reject-channels"] == (1, 4, 4)
    assert shapes["conv3d_weight-reject-padding-negative"] == (1, 4, 6, 6, 4)  # 5 + 2 − 1, 6 + 2 − 2, 7 − 2 − 1
    assert shapes["conv_transpose2d_input-reject-output-padding-large"] == (1, 4, 10, 15)  # 2·4 + 2, 2·5 + 3 + 2
    assert shapes["conv_transpose2d_input-reject-padding-negative"] == (1, 4, 4, 10)  # 5 + 1 − 2, 6 + 2 + 2
    assert shapes["conv_transpose1d_weight-reject-cropped"] == (1, 4, 1)
    assert shapes["conv_transpose3d_input-reject-stride-zero"] == (1, 4, 6, 8, 2)


def test_a_bias_gradient_refuses_what_has_an_axis_too_many_or_too_few() -> None:
    for op in BIASES:
        rank = LINEAR[op].space.rank
        rejected = cases(op=op, match="reject-", refusals=True)
        assert [case.rejects for case in rejected] == [f"a gradient of {n} axes" for n in (rank + 3, rank)]
        for case in rejected:
            detail = run_case(LINEAR[op].function, case).detail
            axes = len(case.grad_output_shape)
            assert detail.startswith(f"raised ValueError: grad_output has {axes} dimensions; it must be (N, O, "), (
                detail
            )


@pytest.mark.parametrize("op", LINEAR)
def test_the_default_case_has_different_numbers_everywhere(op: str) -> None:
    case = cases("smoke", op=op)[0]
    axes = case.plan.axes
    assert case.groups > 1 < case.input_shape[0]
    for name in ("input_size", "kernel_size", "stride", "padding", "dilation"):
        values = [getattr(axis, name) for axis in axes]
        assert len(axes) == 1 or len(set(values)) > 1, name
    first = case.operands()[case.operation.factors[0]]
    assert len(set(first.shape)) == len(axes) + 2
    if case.operation.is_transposed:
        assert any(case.output_padding)


@pytest.mark.parametrize("op", one_in(5, LINEAR))
def test_exact_data_are_exact_in_any_order(op: str) -> None:
    some = 0
    for case in valid(op):
        if case.data in ROUNDED or any(word in case.data for word in ("nan", "inf", "subnormal")):
            continue
        some += 1
        digits = 53 if case.dtype in INTEGERS else float_info(DTYPES[case.dtype]).digits
        assert case.largest_partial_sum() <= 2**digits, case.id
        for array in case.operands().values():
            wide = array.astype(np.complex128)
            assert (wide.real == np.rint(wide.real)).all(), case.id
            assert (wide.imag == np.rint(wide.imag)).all(), case.id
    assert some > len(valid(op)) / 3


def sums(case: Case, order: int) -> Any:
    """Add up the products of each element in an order of their own, one by one, in the type of the case."""
    call, rng = case.call(), np.random.default_rng(order)
    factors = call.operation.factors
    first = call.operands[factors[0]]
    total: Any = 0
    for place in rng.permutation(first.size):  # linear in the first factor: one number of it at a time
        alone = np.zeros(first.size, first.dtype)
        alone[place] = first.reshape(-1)[place]
        operands = {factors[0]: alone.reshape(first.shape), "bias": None}
        total = (total + call.with_operands(**operands)()).astype(first.dtype)
    bias = call.operands.get("bias")
    return total if bias is None else total + bias.reshape(-1, *(1,) * case.operation.space.rank)


@pytest.mark.parametrize("op", LINEAR)
def test_exact_data_are_added_up_in_two_orders_of_chance(op: str) -> None:
    operation = LINEAR[op]
    size = ("5", "3x2", "3x2x2")[operation.space.rank - 1]
    case = find_case(
        f"{'' if op == 'conv2d' else f'{op}-'}n2-c2-o4-g2-{size}-k2-s1-p1-d1{'-bias' * operation.has_bias}-f16"
    )
    for order in (1, 2):
        np.testing.assert_array_equal(sums(case, order), case.expected(), err_msg=case.id)


@pytest.mark.parametrize("op", FORWARD)
def test_every_value_of_a_parameter_meets_every_value_of_another(op: str) -> None:
    """As they stand in the names; but for sizes, which are enlarged, and what cannot be."""
    parameters = {name: values for name, values in PARAMETERS[op].items() if name not in ("size", "batch")}
    names = [f"{case.id}-" for case in cases(op=op) if case.family in ("smoke", "pairwise")]
    for (first, values), (second, others) in itertools.combinations(parameters.items(), 2):
        for one, other in itertools.product(values, others):
            words = {one, other}
            if not one.strip("-") or not other.strip("-") or {one[0], other[0]} == {"-", "s"}:
                continue
            if "psame" in words and any(word[0] == "s" and word != "s1" for word in words):
                continue
            if any(word.startswith("-e") for word in words) and {first, second} & {"stride", "dilation"}:
                continue  # of which either may be too small by itself
            held = [name for name in names if f"-{one.strip('-')}-" in name and f"-{other.strip('-')}-" in name]
            assert held, (first, one, second, other)


def ints(value: object) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return value


def along(case: Case) -> Any:
    """Return, for each axis, E, what is really cropped after the last pixel, S, K and D."""
    axes = case.plan.axes
    after = [axis.padding[1] for axis in axes]
    return zip(case.output_padding, after, ints(case.stride), case.weight_shape[2:], ints(case.dilation), strict=True)


FEATURES: dict[str, Callable[[Case], bool]] = {
    "an output padding over what is cropped": lambda case: all(e > 0 < b for e, b, *_ in along(case)),
    "an output padding beyond the windows": lambda case: any(e > b for e, b, *_ in along(case)),
    "an output padding smaller than the dilation alone": lambda case: any(e >= s for e, _, s, *_ in along(case)),
    "pixels past every window": lambda case: any(axis.unread for axis in case.plan.axes),
    "a stride larger than the kernel": lambda case: any(s > k for *_, s, k, _ in along(case)),
    "overlapping windows": lambda case: any(s < k for *_, s, k, _ in along(case)),
    "a padding that crops whole inputs": lambda case: any(
        axis.padding[0] > axis.effective_kernel_size for axis in case.plan.axes
    ),
    "groups of different sizes in and out": lambda case: case.groups > 1 and case.weight_shape[1] > 1,
    "an empty batch": lambda case: case.input_shape[0] == 0,
    "no batch axis": lambda case: len(case.input_shape) == case.operation.space.rank + 1,
    "sides that differ": lambda case: any(axis.padding[0] != axis.padding[1] for axis in case.plan.axes),
    "SAME, whose odd pixel comes after": lambda case: case.padding == "same_upper" and odd_side(case) == "after",
    "SAME, whose odd pixel comes before": lambda case: case.padding == "same_lower" and odd_side(case) == "before",
    "SAME with a stride larger than the kernel": lambda case: (
        str(case.padding).startswith("same") and any(s > d * (k - 1) + 1 for *_, s, k, d in along(case))
    ),
    "a size that is asked for": lambda case: bool(case.output_size) and not isinstance(case.padding, str),
}  # fmt: skip


def odd_side(case: Case) -> str:
    sides = {axis.padding[1] - axis.padding[0] for axis in case.plan.axes}
    return "after" if 1 in sides else "before" if -1 in sides else "none"


@pytest.mark.parametrize("op", TRANSPOSED)
@pytest.mark.parametrize("what", FEATURES)
def test_transposed_cases_are_there(what: str, op: str) -> None:
    if (op, what) in LACKING:
        pytest.skip("a volume's or a signal's battery is smaller")
    assert [case for case in valid(op) if FEATURES[what](case)]


LACKING = {
    ("conv_transpose3d", "a padding that crops whole inputs"),
}


def test_what_is_asked_for_is_the_size() -> None:
    for op in TRANSPOSED:
        sized = [case for case in valid(op) if case.output_size]
        assert sized
        for case in sized:
            assert case.expected().shape[2:] == case.output_size
    words = {case.padding for case in valid("conv_transpose2d") if case.output_size}
    assert words == {(1, 1), "same_upper", "same_lower"}


def test_same_of_a_transposed_convolution_gives_stride_times_its_size() -> None:
    for op in TRANSPOSED:
        for case in valid(op):
            if str(case.padding).startswith("same") and not case.output_size:
                expected = tuple(
                    s * p for s, p in zip(ints(case.stride), case.input_shape[-len(case.plan.axes) :], strict=True)
                )
                assert case.plan.input_size == expected, case.id  # of the plan, whose input is what comes out


def test_gradients_have_their_operations_cases_but_those_that_say_nothing() -> None:
    covered = ("pairwise", "rejected")  # the covers have no bias, and so other rows
    for op in GRADIENTS:
        forward = LINEAR[op].forward.name
        plain = [words_of(case.id) for case in cases(op=forward) if case.family not in covered]
        own = {case.id for case in cases(op=op) if case.family not in covered}
        for words in plain:
            says_nothing = words["bias"] or words["data"] in {*FORWARD_DATA, *BIAS_DATA} or words["of"] == "bias"
            if says_nothing or words["c"] == "0" or words["h"]:
                continue
            of = words["of"] if words["of"] in (None, *LINEAR[op].factors) else "grad_output"
            name = write_name(words | {"op": op, "bias": None, "of": of})
            assert {name, write_name(words | {"op": op, "bias": None, "of": of, "data": "real"})} & own, name
        assert not [name for name in own if "-bias" in name or "-h" in name]
        assert not [name for name in own if words_of(name)["data"] in {*FORWARD_DATA, *BIAS_DATA}]


def test_numbers_that_a_gradient_cannot_add_up_exactly_are_normal_ones() -> None:
    """32 in bfloat16 is too many products for whole numbers; the convolution itself has few enough."""
    assert find_case("conv1d-n1-c1-o2-g1-300-k2-s1-p0-d1-bf16").data == "exact"
    names = {case.id for case in cases(op="conv2d_weight", match="types")}
    assert all(find_case(name).largest_number() for name in names if find_case(name).data == "exact")


@pytest.mark.parametrize("op", BIASES)
def test_no_two_bias_gradients_are_given_the_same(op: str) -> None:
    """What arrives is all that they are given: stride and padding say nothing beside it."""
    given = [(case.grad_output_shape, case.dtype, case.data, case.layout) for case in valid(op)]
    lists = [case for case in valid(op) if case.family != "pairwise"]
    own = [(case.grad_output_shape, case.dtype, case.data, case.layout) for case in lists if case.family == "smoke"]
    assert len(own) == len(set(own))
    assert len({shape for shape, *_ in given}) > 20
    for case in lists:
        assert case.grad_output_shape == LINEAR[op].forward.function(*forward_arguments(case)).shape


def forward_arguments(case: Case) -> tuple[Any, ...]:
    """Return arguments of the operation whose gradient a case is, of its shapes."""
    forward = case.operation.forward
    steps = {name: getattr(case, name) for name in forward.parameters}
    return np.ones(case.input_shape, np.float32), np.ones(case.weight_shape, np.float32), None, *steps.values()


def test_a_case_of_a_gradient_is_named_by_the_first_that_it_is_the_same_as() -> None:
    bias = [case.id for case in cases("networks", op="conv1d_bias", match="wavenet")]
    assert bias == ["conv1d_bias-n1-c32-o64-g1-1600-k2-s1-p1+0-d1-f32"]  # whatever the dilation, 1600 outputs arrive
    resnet = [
        case.id.removeprefix("conv2d_weight-") for case in cases("networks", op="conv2d_weight", match="resnet50")
    ]
    assert resnet == [case.id for case in cases("networks", match="resnet50")]  # the second of two alike is left out


@pytest.mark.parametrize(
    ("op", "families"),
    [
        ("conv1d", ["wavenet", "wav2vec2", "whisper"]),
        ("conv3d", ["c3d"]),
        ("conv_transpose2d", ["fcn", "dcgan", "unet"]),
        ("conv_transpose1d", ["hifigan"]),
        ("conv_transpose3d", ["unet3d"]),
        ("conv2d_weight", ["resnet50", "vgg16", "mobilenet_v2", "efficientnet_b0", "deeplabv3", "convnext_t"]),
        ("conv_transpose2d_input", ["fcn", "dcgan", "unet"]),
        ("conv3d_bias", ["c3d"]),
    ],
)
def test_networks_of_an_operation(op: str, families: list[str]) -> None:
    assert list(dict.fromkeys(case.family for case in cases("networks", op=op))) == families


def test_layers_of_networks_follow_each_other() -> None:
    """What comes out of one layer goes into the next."""
    encoder = cases("networks", op="conv1d", match="wav2vec2")
    for case, following in itertools.pairwise(encoder):
        assert case.plan.output_size == following.input_shape[2:]
    generator = cases("networks", op="conv_transpose2d", match="dcgan")
    for case, following in itertools.pairwise(generator):
        assert (case.weight_shape[1], *case.plan.input_size) == following.input_shape[1:]
    for case in cases("networks", op="conv1d", match="wavenet"):
        assert case.plan.output_size == (1600,)
    assert [case.plan.input_size[0] for case in cases("networks", op="conv_transpose2d", match="fcn")] == [34, 280, 352]
    vocoder = cases("networks", op="conv_transpose1d", match="hifigan")
    for case, following in itertools.pairwise(vocoder):
        assert (case.weight_shape[1], *case.plan.input_size) == following.input_shape[1:]
    assert vocoder[-1].plan.input_size == (8192,)  # 32 frames, 8·8·2·2 times as many samples
    for case in cases("networks", op="conv_transpose3d", match="unet3d"):
        assert case.plan.input_size == tuple(2 * size for size in case.input_shape[2:])


def test_an_unknown_operation_is_refused() -> None:
    names = ", ".join(map(repr, OPERATIONS))
    for call in (lambda: cases(op="conv4d"), lambda: check("refconv", op="conv4d")):
        with pytest.raises(ValueError, match=f"^op='conv4d' must be one of {names}$"):
            call()
    assert names.startswith("'conv2d', 'conv1d', 'conv3d', 'conv2d_input', ")


def test_find_case_knows_the_families_and_refusals_of_every_operation() -> None:
    assert find_case("conv1d-reject-padding-long").rejects == "a padding of 2 numbers"
    assert find_case("conv2d_weight-reject-grad-output").grad_output_shape == (1, 3, 3, 3)
    assert find_case("conv3d-n0-c3-o4-g1-4x5x6-k3x2x1-s1-p1-d1-bias-f32").family == "degenerate"
    for op in LINEAR:
        for case in (cases(op=op)[0], cases(op=op)[-1]):
            assert find_case(case.id) == case
            assert find_case(case.id).family == case.family


def test_cancelling_channels_leave_zero_or_the_bias_over_any_number_of_axes() -> None:
    for front in ("conv1d-n1-c4-o3-g1-9-k3-s1-p0-d1", "conv3d-n1-c4-o3-g1-4x5x6-k2x3x1-s1-p0-d1"):
        assert not find_case(f"{front}-f32-zero").expected().any()
        case = find_case(f"{front}-bias-f32-cancel")
        bias = case.operands()["bias"].reshape(1, 3, *(1,) * len(case.plan.axes))
        exact = case.call()(dtype=np.float64, method="exact")  # the products are 2^40 times as large
        np.testing.assert_array_equal(exact, np.broadcast_to(bias, exact.shape))


@pytest.mark.parametrize("op", OTHERS)
def test_cases_of_values_are_about_more_than_their_bias(op: str) -> None:
    some = [case for case in cases(op=op) if case.family == "values" and case.data not in ("zero", "cancel")]
    assert some
    for case in some:
        desired, alone = case.reference().desired, case.call().with_operands(bias=None)()
        if case.data != "negzero":
            assert alone.any(), case.id
        if case.bias_shape is not None:
            bias = case.operands()["bias"].reshape(-1, *(1,) * len(case.plan.axes))
            assert (desired != np.broadcast_to(bias, desired.shape)).any(), case.id


def without(
    image: Any, weight: Any, bias: Any, stride: Any, padding: Any, extra: Any, groups: Any, dilation: Any
) -> Any:
    return refconv.conv_transpose2d(image, weight, bias, stride, padding, extra, groups, dilation)


def by_position(*arguments: Any) -> Any:
    return refconv.conv_transpose2d(*arguments)


def by_any_name(*arguments: Any, **sizes: Any) -> Any:
    return refconv.conv_transpose2d(*arguments, **sizes)


def by_its_name(*arguments: Any, output_size: Any = None) -> Any:
    return refconv.conv_transpose2d(*arguments, output_size=output_size)


def around(inner: Callable[..., Any], outer: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that says that it is around another one, as `functools.wraps` has it."""

    def target(*arguments: Any, **sizes: Any) -> Any:
        return outer(*arguments, **sizes)

    target.__wrapped__ = inner  # type: ignore[attr-defined]
    return target


@functools.wraps(without)
def with_one_more(*arguments: Any, output_size: Any = None) -> Any:
    return refconv.conv_transpose2d(*arguments, output_size=output_size)


class Silent:
    """A callable of which Python does not know what it takes."""

    __signature__ = "nothing that is known"

    def __call__(self, *arguments: Any, **sizes: Any) -> Any:
        return refconv.conv_transpose2d(*arguments, **sizes)


TAKERS: dict[str, tuple[Callable[..., Any], bool]] = {
    "refconv's own": (refconv.conv_transpose2d, True),
    "no": (without, False),
    "by position": (by_position, False),
    "by any name": (by_any_name, True),
    "by its name": (by_its_name, True),
    "around one that does": (around(refconv.conv_transpose2d, by_any_name), True),
    "around one that does not": (around(without, by_any_name), False),
    "though what is inside does not": (with_one_more, True),
    "nobody knows": (Silent(), False),
}


@pytest.mark.parametrize("name", TAKERS)
def test_an_output_size_is_asked_only_of_what_takes_one(name: str) -> None:
    target, takes_it = TAKERS[name]
    result = run_case(target, "conv_transpose2d-n1-c2-o3-g1-4x5-k3-s2x3-p1-h8x14-d1-bias-f32")
    if takes_it:
        assert result.outcome == "passed"
    else:
        assert (result.outcome, result.detail) == ("unsupported", "NotImplementedError: it takes no output_size")
    assert run_case(target, "conv_transpose2d-n1-c2-o3-g1-4x5-k3-s2x3-p1-d1-bias-f32").outcome == "passed"
