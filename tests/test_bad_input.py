"""What is refused, and in which words: numbers and strings.  The arrays are in test_bad_arrays.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from refusals import naming

from refconv import col2im, conv2d, effective_kernel_size, im2col, output_size, same_padding


@dataclass(frozen=True)
class Call:
    """A call that is right as it stands; `context` is what it adds to a message, of the arguments it was given."""

    function: Callable[..., object]
    arguments: dict[str, Any]
    context: str = ""

    def __call__(self, **changes: Any) -> object:
        return self.function(**{**self.arguments, **changes})

    def message(self, text: str, **changes: Any) -> str:
        context = self.context.format(**{**self.arguments, **changes})
        return f"{text} … ({context})" if context else text


SIZES = "input_size {input_size!r}, kernel_size {kernel_size!r}"
CALLS = {
    "conv2d": Call(
        conv2d,
        {"input": np.ones((2, 4, 7, 9)), "weight": np.ones((6, 2, 3, 2)), "groups": 2},
        "input {input.shape}, weight {weight.shape}",
    ),
    "im2col": Call(
        im2col, {"input": np.ones((2, 3, 4, 5)), "kernel_size": 2}, "input {input.shape}, kernel_size={kernel_size!r}"
    ),
    "col2im": Call(
        col2im,
        {"columns": np.ones((2, 12, 12)), "output_size": (4, 5), "kernel_size": 2},
        "columns {columns.shape}, output_size={output_size!r}, kernel_size={kernel_size!r}",
    ),
    "output_size": Call(output_size, {"input_size": (7, 9), "kernel_size": 3}, SIZES),
    "output_size of one axis": Call(output_size, {"input_size": 7, "kernel_size": 3}, SIZES),
    "same_padding": Call(same_padding, {"input_size": (7, 9), "kernel_size": 3}, SIZES),
    "same_padding of one axis": Call(same_padding, {"input_size": 7, "kernel_size": 3}, SIZES),
    "effective_kernel_size": Call(effective_kernel_size, {"kernel_size": 3}),
}

# Which calls take a stride, a padding ... and which of them take a pair.
STRIDED = [name for name in CALLS if name != "effective_kernel_size"]
PADDED = [name for name in STRIDED if "same_padding" not in name]
KERNELS = [name for name in CALLS if name != "conv2d"]
TAKING = {"stride": STRIDED, "dilation": list(CALLS), "padding": PADDED, "kernel_size": KERNELS}
LEAST = {"stride": 1, "dilation": 1, "padding": 0, "kernel_size": 1}


def takes_pairs(call: str) -> bool:
    return "one axis" not in call


def test_the_good_calls_beside_the_bad_are_good() -> None:
    shapes = {name: np.shape(CALLS[name]()) for name in ("conv2d", "im2col", "col2im")}  # type: ignore[call-overload]
    assert shapes == {"conv2d": (2, 6, 5, 8), "im2col": (2, 12, 12), "col2im": (2, 3, 4, 5)}
    assert CALLS["output_size"]() == (5, 7)
    assert CALLS["output_size of one axis"]() == 5
    assert CALLS["same_padding"]() == ((1, 1), (1, 1))
    assert CALLS["same_padding of one axis"]() == (1, 1)
    assert CALLS["effective_kernel_size"]() == 3


def bad_numbers() -> Iterator[tuple[str, str, Any, type[Exception], str]]:
    """Yield what no call takes for a number, and what none takes for a pair."""
    for name, calls in TAKING.items():
        least = LEAST[name]
        for call in calls:
            yield call, name, least - 1, ValueError, f"{name}={least - 1} … {least}"
            yield call, name, -7, ValueError, f"{name}=-7 … {least}"
            yield call, name, 2**63, ValueError, f"{name}={2**63} must be at most {2**63 - 1}"
            yield call, name, 1.0, TypeError, f"{name}=1.0 … float"
            yield call, name, 2.5, TypeError, f"{name}=2.5 … float"
            yield call, name, True, TypeError, f"{name}=True … bool"
            yield call, name, False, TypeError, f"{name}=False … bool"
            yield call, name, None, TypeError, f"{name}=None … NoneType"
            if name != "padding":
                yield call, name, "1", TypeError, f"{name}='1' … str"
            if not takes_pairs(call):
                continue
            yield call, name, (least - 1, 1), ValueError, f"{name}[0]={least - 1} … {least}"
            yield call, name, (1, least - 1), ValueError, f"{name}[1]={least - 1} … {least}"
            yield call, name, [1, -2], ValueError, f"{name}[1]=-2 … {least}"
            yield call, name, (1, 1.0), TypeError, f"{name}[1]=1.0 … float"
            yield call, name, (True, 1), TypeError, f"{name}[0]=True … bool"
            no_pairs: tuple[Sequence[int], ...] = (1, 2, 3), (1, 2, 3, 4), (1,), []
            for pair in no_pairs:
                words = f"{name}={pair!r} … {len(pair)} … a pair (height, width)"
                yield call, name, pair, ValueError, words


PADDING_FORMS = "must be an int, a pair (height, width) or ((top, bottom), (left, right))"


def bad_paddings() -> Iterator[tuple[str, str, Any, type[Exception], str]]:
    """Yield what no call takes for a padding, beside the numbers."""
    strings = "must be one of 'valid', 'same', 'same_upper', 'same_lower', or numbers"
    for call in PADDED:
        for value in ("SAME", "full", "1", ""):
            yield call, "padding", value, ValueError, f"padding={value!r} {strings}"
        if not takes_pairs(call):
            words = "padding=(1, 2, 3) … 3 … a pair (before, after)"
            yield call, "padding", (1, 2, 3), ValueError, words
            yield call, "padding", (0, -1), ValueError, "padding[1]=-1 … 0"
            continue
        yield call, "padding", ((0, 0), (-3, 0)), ValueError, "padding[1][0]=-3 … 0"
        yield call, "padding", ((0, 1.5), (0, 0)), TypeError, "padding[0][1]=1.5 … float"
        for sides in (((1, 2), (3, 4), (5, 6)), ((1, 2),), ((1, 2), 3), (1, (2, 3))):
            yield call, "padding", sides, ValueError, f"padding={sides!r} {PADDING_FORMS}"
        words = "padding[0]=(1, 2, 3) … 3 … a pair (top, bottom)"
        yield call, "padding", ((1, 2, 3), (4, 5)), ValueError, words
        words = "padding[1]=(3,) … 1 … a pair (left, right)"
        yield call, "padding", ((1, 2), (3,)), ValueError, words


@pytest.mark.parametrize("call", CALLS)
def test_every_call_refuses_bad_numbers_in_the_same_words(call: str) -> None:
    bad = [each for of, *each in itertools.chain(bad_numbers(), bad_paddings()) if of == call]
    assert len(bad) > 7
    for name, value, error, message in bad:
        words = CALLS[call].message(message, **{name: value})
        with pytest.raises(error, match=naming(words)):
            CALLS[call](**{name: value})


@pytest.mark.parametrize("call", [name for name in CALLS if not takes_pairs(name)])
@pytest.mark.parametrize("name", ["stride", "dilation", "kernel_size"])
def test_a_question_about_one_axis_takes_no_pairs(call: str, name: str) -> None:
    message = CALLS[call].message(f"{name}=(3, 3) … tuple", **{name: (3, 3)})
    with pytest.raises(TypeError, match=naming(message)):
        CALLS[call](**{name: (3, 3)})


BAD: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("conv2d", {"groups": 0}, ValueError, "groups=0 … 1"),
    ("conv2d", {"groups": -1}, ValueError, "groups=-1 … 1"),
    ("conv2d", {"groups": 2.0}, TypeError, "groups=2.0 … float"),
    ("conv2d", {"groups": True}, TypeError, "groups=True … bool"),
    ("conv2d", {"groups": (2, 2)}, TypeError, "groups=(2, 2) … tuple"),
    ("conv2d", {"groups": 3}, ValueError, "groups=3 … C=4 … O=6"),
    ("conv2d", {"groups": 4}, ValueError, "groups=4 … C=4 … O=6"),
    ("conv2d", {"groups": 1}, ValueError, "weight … 2 … 4/1 = 4"),
    (
        "conv2d",
        {"dilation": 4},
        ValueError,
        "kernel height 3 … 4 … 9 … height 0 + 7 + 0 = 7",
    ),
    (
        "conv2d",
        {"dilation": (1, 9)},
        ValueError,
        "kernel width 2 … 9 … 10 … width 0 + 9 + 0 = 9",
    ),
    (
        "conv2d",
        {"padding_mode": "edge"},
        ValueError,
        "padding_mode='edge' … 'zeros', 'reflect', 'replicate', 'circular'",
    ),
    (
        "conv2d",
        {"padding_mode": None},
        ValueError,
        "padding_mode=None … 'zeros', 'reflect', 'replicate', 'circular'",
    ),
    (
        "conv2d",
        {"padding_mode": "reflect", "padding": 7},
        ValueError,
        "padding=(7, 7) … 6 … 'reflect' … height 7",
    ),
    (
        "conv2d",
        {"padding_mode": "reflect", "padding": ((6, 6), (0, 9))},
        ValueError,
        "padding=(0, 9) … 8 … 'reflect' … width 9",
    ),
    (
        "conv2d",
        {"padding_mode": "circular", "padding": 8},
        ValueError,
        "padding=(8, 8) … 7 … 'circular' … height 7",
    ),
    (
        "conv2d",
        {"padding_mode": "circular", "padding": ((7, 7), (10, 0))},
        ValueError,
        "padding=(10, 0) … 9 … 'circular' … width 9",
    ),
    *[
        (
            call,
            {"stride": stride, "padding": "same"},
            ValueError,
            "stride=2 … 1 … 'same'",
        )
        for call in PADDED
        for stride in ([2, (1, 2)] if takes_pairs(call) else [2])
    ],
    (
        "im2col",
        {"dilation": (1, 5)},
        ValueError,
        "kernel width 2 … 5 … 6 … width 0 + 5 + 0 = 5",
    ),
    (
        "col2im",
        {"dilation": 4},
        ValueError,
        "kernel height 2 … 4 … 5 … height 0 + 4 + 0 = 4",
    ),
    ("col2im", {"output_size": (4, -5)}, ValueError, "output_size[1]=-5 … 0"),
    ("col2im", {"output_size": 4.0}, TypeError, "output_size=4.0 … float"),
    (
        "col2im",
        {"output_size": (4, 5, 6)},
        ValueError,
        "output_size=(4, 5, 6) … 3 … a pair (height, width)",
    ),
    ("col2im", {"output_size": (4, 6)}, ValueError, "columns has 12 columns; it must have P·Q = 15"),
    ("col2im", {"kernel_size": (5, 1)}, ValueError, "columns has 12 rows; it must have a multiple of K_h·K_w = 5"),
    (
        "output_size of one axis",
        {"input_size": 1, "kernel_size": 10},
        ValueError,
        "kernel size 10 … 1 … 10 … size 0 + 1 + 0 = 1",
    ),
    (
        "output_size of one axis",
        {"input_size": 0, "kernel_size": 1},
        ValueError,
        "kernel size 1 … 1 … 1 … size 0 + 0 + 0 = 0",
    ),
    (
        "output_size",
        {"input_size": (4, 9), "dilation": 2},
        ValueError,
        "kernel height 3 … 2 … 5 … height 0 + 4 + 0 = 4",
    ),
    (
        "output_size",
        {"input_size": (9, 4), "padding": ((9, 9), (0, 1)), "dilation": 3},
        ValueError,
        "kernel width 3 … 3 … 7 … width 0 + 4 + 1 = 5",
    ),
    *[
        entry
        for call in ("output_size", "same_padding")
        for entry in (
            (
                call,
                {"input_size": (7, 9, 5)},
                ValueError,
                "input_size=(7, 9, 5) … 3 … a pair (height, width)",
            ),
            (call, {"input_size": (7, -1)}, ValueError, "input_size[1]=-1 … 0"),
            (call, {"input_size": -1}, ValueError, "input_size=-1 … 0"),
            (call, {"input_size": "7"}, TypeError, "input_size='7' … str"),
        )
    ],
    (
        "same_padding of one axis",
        {"stride": 2, "convention": "pytorch"},
        ValueError,
        "stride=2 … 1 … 'same'",
    ),
    *[
        (
            call,
            {"convention": "SAME"},
            ValueError,
            "convention='SAME' must be one of 'pytorch', 'tensorflow', 'onnx_upper', 'onnx_lower'",
        )
        for call in ("same_padding", "same_padding of one axis")
    ],
]


@pytest.mark.parametrize(("call", "changes", "error", "message"), BAD)
def test_bad_input_is_refused_with_the_numbers(
    call: str, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    message = CALLS[call].message(message, **changes)
    with pytest.raises(error, match=naming(message)):
        CALLS[call](**changes)


@pytest.mark.parametrize(
    ("size", "kernel", "dilation"), [((4, 4), 3, 2), ((2, 2), 3, 1), ((1, 1), 10, 1)], ids=["4x4", "2x2", "1x1"]
)
def test_a_kernel_larger_than_the_padded_input_is_refused(size: tuple[int, int], kernel: int, dilation: int) -> None:
    with pytest.raises(ValueError, match="it must fit the padded input height"):
        conv2d(np.ones((1, 1, *size)), np.ones((1, 1, kernel, kernel)), dilation=dilation)


@pytest.mark.parametrize("method", ["gemm", "", None, [], ["direct"], {}, 2])
def test_an_unknown_method_is_refused(method: Any) -> None:
    message = f"method={method!r} must be one of 'im2col', 'einsum', 'direct', 'exact'"
    with pytest.raises(ValueError, match=naming(message)):
        CALLS["conv2d"](method=method)
