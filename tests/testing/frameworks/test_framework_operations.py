"""The whole family of each framework against refconv's own functions, on a few calls that differ in all parameters.

The arrays hold small whole numbers, so that float32 adds them up without rounding.
"""

from __future__ import annotations

import importlib.util
import shutil
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from refconv.operations import LINEAR
from refconv.testing import assert_result_matches, load_target, run_case
from refconv.testing.frameworks import FRAMEWORKS

Array = npt.NDArray[Any]
FUNCTIONS: dict[str, Any] = {name: operation.function for name, operation in LINEAR.items()}


def whole(*shape: int, dtype: npt.DTypeLike = np.float32) -> Array:
    return np.random.default_rng(sum(shape)).integers(-4, 5, shape).astype(dtype)


def operands(op: str, groups: int = 1, *, batched: bool = True) -> tuple[Any, Any, Any]:
    """Return the first three arguments of a convolution; of a rank that the operation's name says."""
    size, taps = {"1": ((9,), (3,)), "3": ((5, 6, 7), (2, 3, 1))}.get(op[4], ((7, 9), (2, 3)))
    batch = (2,) if batched else ()
    return whole(*batch, 4, *size), whole(6, 4 // groups, *taps), whole(6)


def convolutions(op: str) -> dict[str, tuple[Any, ...]]:
    """Return calls of conv1d, conv2d or conv3d, by what is special in them."""
    rank = {"1": 1, "3": 3}.get(op[4], 2)
    x, w, b = operands(op)
    ones, steps = (1,) * rank, (2, 1, 3)[:rank]
    return {
        "numbers": (x, w, b, steps, (1, 0, 2)[:rank], ones, 1),
        "unpadded": (x, w, b, steps, (0,) * rank, ones, 1),
        "sides": (x, w, None, steps, ((1, 0), (0, 2), (1, 3))[:rank], ones, 1),
        "groups": (*operands(op, 2), steps, (0,) * rank, ones, 2),
        "dilation": (x, w, b, ones, (0,) * rank, (2, 1, 3)[:rank], 1),
        "valid": (x, w, b, steps, "valid", ones, 1),
        "same": (x, w, b, ones, "same", ones, 1),
        "same_upper": (x, w, b, steps, "same_upper", ones, 1),
        "same_lower": (x, w, b, steps, "same_lower", ones, 1),
        "unbatched": (*operands(op, batched=False), steps, (1, 0, 2)[:rank], ones, 1),
    }


def transposed(rank: int = 2) -> dict[str, tuple[Any, ...]]:
    """Return calls of a transposed convolution."""
    size, taps = (3, 5, 4)[:rank], (2, 3, 1)[:rank]
    x, w, b, ones = whole(2, 4, *size), whole(4, 6, *taps), whole(6), (1,) * rank
    plain = (2, 3, 2)[:rank], (1, 0, 0)[:rank], (1, 2, 1)[:rank], 1, ones
    sides, extra = ((1, 0), (0, 2), (0, 0))[:rank], (0, 1, 1)[:rank]
    return {
        "numbers": (x, w, b, *plain),
        "no bias": (x, w, None, *plain),
        "sides": (x, w, None, (2, 3, 2)[:rank], sides, extra, 1, ones),
        "groups": (x, whole(4, 3, *taps), b, (2, 3, 2)[:rank], (1, 0, 0)[:rank], extra, 2, ones),
        "dilation": (x, w, b, (3, 2, 2)[:rank], (1, 0, 0)[:rank], extra, 1, (2, 3, 1)[:rank]),
        "output_padding of a stride": (
            x,
            w,
            b,
            (1, 3, 2)[:rank],
            (0, 1, 0)[:rank],
            (1, 2, 1)[:rank],
            1,
            (3, 1, 1)[:rank],
        ),
        "unbatched": (whole(4, *size), w, b, *plain),
    }


def gradients(op: str) -> dict[str, tuple[Any, ...]]:
    """Return calls of a gradient: those of the operation, with what arrives at its output in the place of a bias."""
    found, operation = {}, LINEAR[op]
    for name, (x, w, _, *parameters) in calls(operation.forward.name).items():
        arriving = whole(*operation.forward.function(x, w, None, *parameters).shape)
        if operation.by == "bias":
            found[name] = (arriving,)
        else:
            first, second = (x.shape, w) if operation.by == "input" else (x, w.shape)
            found[name] = first, second, arriving, *parameters
    return found


def calls(op: str) -> dict[str, tuple[Any, ...]]:
    operation = LINEAR[op]
    if operation.is_gradient:
        return gradients(op)
    return transposed(operation.space.rank) if operation.is_transposed else convolutions(op)


CONVOLUTIONS = "conv2d", "conv1d", "conv3d"
TRANSPOSED = "conv_transpose2d", "conv_transpose1d", "conv_transpose3d"
OTHERS = "conv_transpose2d", "conv2d_input", "conv2d_weight"
EVERY = [(name, op) for name, framework in FRAMEWORKS.items() for op in framework.operations if op in LINEAR]


def alike(operations: tuple[str, ...], *labels: str) -> dict[str, set[str]]:
    return {op: set(labels) for op in operations}


# What each framework has no word for, by operation; all the rest must be right.
UNSUPPORTED: dict[str, dict[str, set[str]]] = {
    "refconv": alike((*CONVOLUTIONS, *OTHERS)),
    "scipy": alike(CONVOLUTIONS, "same", "same_upper", "same_lower"),
    "torch": alike((*CONVOLUTIONS, *OTHERS), "sides", "same_upper", "same_lower") | {"conv_transpose2d": {"sides"}},
    "jax": alike((*CONVOLUTIONS, *OTHERS), "same", "unbatched") | {"conv_transpose2d": {"unbatched"}},
    "onnxruntime": {
        **alike(CONVOLUTIONS, "same", "unbatched"),
        "conv_transpose2d": {"output_padding of a stride", "unbatched"},
    },
    "onnx": {
        **alike(CONVOLUTIONS, "same", "unbatched"),
        "conv_transpose2d": {"unbatched"},
    },
    "tensorflow": {
        "conv2d": {"same", "same_lower", "unbatched"},
        "conv1d": {"numbers", "sides", "same", "same_lower", "unbatched"},
        "conv3d": {"numbers", "sides", "groups", "same", "same_lower", "unbatched"},
        "conv_transpose2d": {"groups", "dilation", "output_padding of a stride", "unbatched"},
        "conv2d_input": {"groups", "dilation", "same", "same_lower", "unbatched"},
        "conv2d_weight": {"groups", "dilation", "same", "same_lower", "unbatched"},
    },
}
# What is not asked here.
WRONG = {("onnx", op): {"groups", "output_padding of a stride"} for op in TRANSPOSED}  # see test_onnx_versions.py
WRONG |= {(name, op): {"same_lower"} for name, op in (("opencv", "conv2d"), ("opencv", "conv3d"), ("ncnn", "conv3d"))}
WRONG |= {("mlx", f"{op}_input"): set(transposed()) for op in ("conv_transpose2d", "conv_transpose3d")}
WRONG |= {
    ("paddle", f"{op}{by}"): {"output_padding of a stride"} for op in TRANSPOSED for by in ("", "_input", "_weight")
}
DEPENDS = {("tensorflow", "conv3d"): {"dilation"}}  # on whether it was built with oneDNN


def load(name: str, op: str) -> Any:
    if name == "tinygrad" and shutil.which("clang") is None:
        pytest.skip("clang, which tinygrad compiles with, is not installed")
    for package in FRAMEWORKS[name].packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    return load_target(name, op)


def test_these_are_the_operations() -> None:
    have = {name: set(framework.operations) for name, framework in FRAMEWORKS.items()}
    assert all(set(row) <= have[name] for name, row in UNSUPPORTED.items())
    assert set(LINEAR) <= have["refconv"] & have["torch"] & have["jax"] & have["tensorflow"]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.filterwarnings("ignore:No ccache found:UserWarning")  # PaddlePaddle, on import
@pytest.mark.parametrize(("name", "op"), EVERY)
def test_what_a_framework_can_say_is_right(name: str, op: str) -> None:
    target = load(name, op)
    unsupported = set()
    unasked = (WRONG | DEPENDS).get((name, op), set())
    for label, arguments in calls(op).items():
        if label in unasked:
            continue
        try:
            actual = target(*arguments)
        except NotImplementedError:
            unsupported.add(label)
        else:
            assert_result_matches(actual, FUNCTIONS[op], *arguments)
    if op in UNSUPPORTED.get(name, {}):
        assert unsupported == UNSUPPORTED[name][op]
    assert (
        unsupported < set(calls(op)) - unasked or name == "tensorflow" or len(unasked) > 2
    )  # whose transposed ones take no output padding


def test_refconv_is_its_own_target() -> None:
    for op, function in FUNCTIONS.items():
        assert load("refconv", op) is function


def refusal(name: str, op: str, *arguments: Any) -> str:
    target = load(name, op)
    with pytest.raises(NotImplementedError) as caught:
        target(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "op", "label", "message"),
    [
        ("torch", "conv1d", "sides", "it pads both sides of an axis alike"),
        ("torch", "conv2d_input", "same_upper", "it has no padding='same_upper'"),
        ("jax", "conv2d_weight", "unbatched", "it takes no input without a batch axis"),
        ("jax", "conv2d_input", "unbatched", "it takes no input without a batch axis"),
        ("scipy", "conv3d", "same", "it has no padding='same'"),
        ("tensorflow", "conv1d", "sides", "along one axis or three it has no numbers for the padding"),
        (
            "tensorflow",
            "conv_transpose2d",
            "output_padding of a stride",
            "it takes no output_padding of a stride or more",
        ),
        (
            "onnxruntime",
            "conv_transpose2d",
            "output_padding of a stride",
            "Computed output shape is inconsistent with input spatial dimensions. output_padding (1) may be too large for stride (1). Expected input size 4 but got 3.",
        ),
    ],
)
def test_what_a_framework_has_no_word_for(name: str, op: str, label: str, message: str) -> None:
    assert refusal(name, op, *calls(op)[label]) == message


@pytest.mark.parametrize(
    ("op", "label", "words"),
    [
        ("conv3d", "groups", "input"),
        ("conv_transpose2d", "dilation", "do not yet support dilation"),
        ("conv2d_weight", "groups", "are not supported on CPU"),
    ],
)
def test_what_tensorflow_lacks_on_a_cpu_is_said_in_its_words(op: str, label: str, words: str) -> None:
    message = refusal("tensorflow", op, *calls(op)[label])
    assert words in message  # of conv3d two kernels say it, each in words of its own
    assert not message.startswith("{{")
    assert "[Op:" not in message


@pytest.mark.parametrize("name", ["torch", "jax", "tensorflow"])
@pytest.mark.parametrize("op", ["conv2d_input", "conv2d_weight"])
def test_nothing_is_differentiated_by_integers(name: str, op: str) -> None:
    arguments = [a.astype(np.int32) if isinstance(a, np.ndarray) else a for a in calls(op)["numbers"]]
    desired = {
        "torch": "only Tensors of floating point dtype can require gradients",
        "jax": "it differentiates with respect to no integers",
        "tensorflow": "it differentiates with respect to no integers",
    }
    assert refusal(name, op, *arguments) == desired[name]


@pytest.mark.parametrize("name", ["onnx", "onnxruntime"])
def test_onnx_transposes_no_integers(name: str) -> None:
    arguments = [a.astype(np.int8) if isinstance(a, np.ndarray) else a for a in calls("conv_transpose2d")["numbers"]]
    assert refusal(name, "conv_transpose2d", *arguments) == "its ConvTranspose takes no integers"


@pytest.mark.parametrize("name", ["torch", "jax"])
@pytest.mark.parametrize("op", ["conv_transpose2d", "conv2d_input", "conv2d_weight"])
def test_complex_numbers_are_conjugated_in_gradients_alone(name: str, op: str) -> None:
    target = load(name, op)
    arguments = [a + 1j * a[::-1] if isinstance(a, np.ndarray) else a for a in calls(op)["numbers"]]
    assert_result_matches(target(*arguments), FUNCTIONS[op], *arguments)


@pytest.mark.parametrize("name", ["torch", "jax", "tensorflow"])
@pytest.mark.parametrize("op", ["conv2d_input", "conv2d_weight"])
def test_a_gradient_of_another_shape_is_refused_by_the_framework(name: str, op: str) -> None:
    target = load(name, op)
    first, second, arriving, *parameters = calls(op)["unpadded"]
    with pytest.raises(Exception, match=r"(?i)shape|size|type") as caught:  # each has an exception of its own
        target(first, second, arriving[:, :, :-1], *parameters)
    assert not isinstance(caught.value, NotImplementedError)


@pytest.mark.parametrize("name", ["jax", "tensorflow"])
def test_a_transpose_that_has_no_size_is_none_that_they_could_refuse(name: str) -> None:
    x, w = whole(1, 2, 3, 4), whole(2, 3, 2, 2)
    message = refusal(name, "conv_transpose2d", x, w, None, (1, 1), (9, 9), (0, 0), 1, (1, 1))
    assert message == "it wants to be told the size of the output, and there is none"


@pytest.mark.parametrize(("name", "op"), [("torch", "conv1d"), ("jax", "conv3d"), ("tensorflow", "conv2d_weight")])
def test_big_endian_arrays_are_taken(name: str, op: str) -> None:
    target = load(name, op)
    arguments = [a.astype(">f4") if isinstance(a, np.ndarray) else a for a in calls(op)["unpadded"]]
    assert_result_matches(target(*arguments), FUNCTIONS[op], *arguments)


@pytest.mark.parametrize("name", ["torch", "jax", "tensorflow", "paddle"])
def test_bfloat16_of_the_other_byte_order_is_taken(name: str) -> None:
    load(name, "conv2d")
    result = run_case(name, "n1-c2-o1-g1-3x4-k1x2-s1-p0-d1-bf16-big_endian")
    assert result.outcome == "passed", str(result)


def test_jax_rounds_no_sum_before_the_bias_is_added() -> None:
    load("jax", "conv_transpose2d")
    result = run_case("jax", "conv_transpose2d-n5-c2-o4-g2-3x4-k5-s2x3-p2x3-e1x2-d2x1-bias-bf16-real")
    assert result.outcome == "passed", str(result)
