"""What is refused, and in which words: arrays and their types.  Numbers and strings are in test_bad_input.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from refusals import naming

from refconv import col2im, conv2d, im2col

GOOD: dict[str, Any] = {"input": np.ones((2, 4, 7, 9)), "weight": np.ones((6, 2, 3, 2)), "groups": 2}
RANKS = "it must be (N, C, H, W) or (C, H, W)"

BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"input": np.ones((4, 7))},
        ValueError,
        f"input has 2 dimensions; {RANKS} (input (4, 7), weight (6, 2, 3, 2))",
    ),
    (
        {"input": np.ones((1, 2, 4, 7, 9))},
        ValueError,
        f"input has 5 dimensions; {RANKS} (input (1, 2, 4, 7, 9), weight (6, 2, 3, 2))",
    ),
    ({"input": 3.0}, ValueError, f"input has 0 dimensions; {RANKS} (input (), weight (6, 2, 3, 2))"),
    (
        {"input": np.ones((2, 6, 7, 9))},
        ValueError,
        "weight … 2 … 6/2 = 3 (input (2, 6, 7, 9), weight (6, 2, 3, 2))",
    ),
    (
        {"input": np.ones((2, 4, 2, 9))},
        ValueError,
        ("kernel height 3 … 1 … 3 … height 0 + 2 + 0 = 2 (input (2, 4, 2, 9), weight (6, 2, 3, 2))"),
    ),
    ({"input": "image"}, TypeError, "input … <U5 … (input ())"),
    (
        {"input": np.zeros((2, 4, 7, 9), "M8[D]")},
        TypeError,
        "input … datetime64[D] … (input (2, 4, 7, 9))",
    ),
    ({"weight": [["a"]]}, TypeError, "weight … <U1 … (weight (1, 1))"),
    (
        {"weight": np.ones((2, 3, 2))},
        ValueError,
        "weight … 3 … (O, C/G, K_h, K_w) (input (2, 4, 7, 9), weight (2, 3, 2))",
    ),
    (
        {"weight": np.ones((6, 2, 3, 0))},
        ValueError,
        "kernel_size[1]=0 … 1 (input (2, 4, 7, 9), weight (6, 2, 3, 0))",
    ),
    (
        {"weight": np.ones((6, 2, 0, 2))},
        ValueError,
        "kernel_size[0]=0 … 1 (input (2, 4, 7, 9), weight (6, 2, 0, 2))",
    ),
    (
        {"bias": np.ones(5)},
        ValueError,
        "bias … (5,) … (6,) (input (2, 4, 7, 9), weight (6, 2, 3, 2), bias (5,))",
    ),
    (
        {"bias": np.ones((6, 1))},
        ValueError,
        "bias … (6, 1) … (6,) (input (2, 4, 7, 9), weight (6, 2, 3, 2), bias (6, 1))",
    ),
    (
        {"bias": 1.0},
        ValueError,
        "bias … () … (6,) (input (2, 4, 7, 9), weight (6, 2, 3, 2), bias ())",
    ),
    (
        {"bias": 1j * np.ones(6)},
        TypeError,
        "float64 … bias … complex128",
    ),
    (
        {"weight": 1j * np.ones((6, 2, 3, 2)), "dtype": "float64"},
        TypeError,
        "float64 … weight … complex128",
    ),
    ({"dtype": np.int64}, TypeError, "int64 … input … float64"),
    ({"dtype": "U5"}, TypeError, "<U5 … input … float64"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD)
def test_bad_arrays_are_refused_with_the_numbers(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=naming(message)):
        conv2d(**{**GOOD, **changes})


@pytest.mark.parametrize("name", ["input", "weight"])
@pytest.mark.parametrize("kind", ["int4", "uint4", "float8_e8m0fnu"])
def test_integers_and_scales_of_ml_dtypes_are_refused(name: str, kind: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    array = GOOD[name].astype(getattr(ml_dtypes, kind))
    message = f"{name} has dtype {kind}; it must be a number type ({name} {array.shape})"
    with pytest.raises(TypeError, match=naming(message)):
        conv2d(**{**GOOD, name: array})


@pytest.mark.parametrize("kind", ["int4", "uint4", "float8_e8m0fnu"])
def test_results_in_integers_and_scales_of_ml_dtypes_are_refused(kind: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    message = f"{kind} … input … float64"
    with pytest.raises(TypeError, match=naming(message)):
        conv2d(**GOOD, dtype=getattr(ml_dtypes, kind))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("input", lambda array: conv2d(**{**GOOD, "input": array})),
        ("weight", lambda array: conv2d(**{**GOOD, "weight": array})),
        ("bias", lambda array: conv2d(**GOOD, bias=array)),
        ("input", lambda array: im2col(array, 2)),
        ("columns", lambda array: col2im(array, (4, 5), 2)),
    ],
    ids=["conv2d's input", "conv2d's weight", "conv2d's bias", "im2col", "col2im"],
)
def test_ragged_lists_and_masked_arrays_are_refused(name: str, call: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=rf"^{name} cannot be read as an array: .*inhomogeneous shape"):
        call([[1, 2], [3]])
    with pytest.raises(TypeError, match=rf"^{name} is a masked array; the mask would be lost, so fill it first$"):
        call(np.ma.ones((6, 2, 3, 2)))


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^dtype='half-precision' must be a type of numbers$"):
        conv2d(**GOOD, dtype="half-precision")


COLUMNS = "(N, C·K_h·K_w, P·Q) or (C·K_h·K_w, P·Q)"


@pytest.mark.parametrize(
    ("function", "array", "arguments", "error", "message"),
    [
        (
            im2col,
            np.ones((4, 5)),
            (2,),
            ValueError,
            f"input has 2 dimensions; {RANKS} (input (4, 5), kernel_size=2)",
        ),
        (
            im2col,
            np.ones((1, 2, 3, 4, 5)),
            ((2, 3),),
            ValueError,
            f"input has 5 dimensions; {RANKS} (input (1, 2, 3, 4, 5), kernel_size=(2, 3))",
        ),
        (im2col, [[["a"]]], (1,), TypeError, "input … <U1 … (input (1, 1, 1))"),
        (
            col2im,
            np.ones(12),
            ((4, 5), 2),
            ValueError,
            f"columns has 1 dimensions; it must be {COLUMNS} (columns (12,), output_size=(4, 5), kernel_size=2)",
        ),
        (
            col2im,
            np.ones((1, 2, 12, 12)),
            ((4, 5), 2),
            ValueError,
            (
                f"columns has 4 dimensions; it must be {COLUMNS} "
                "(columns (1, 2, 12, 12), output_size=(4, 5), kernel_size=2)"
            ),
        ),
        (
            col2im,
            np.zeros((12, 12), "M8[s]"),
            ((4, 5), 2),
            TypeError,
            "columns … datetime64[s] … (columns (12, 12))",
        ),
    ],
)
def test_im2col_and_col2im_refuse_bad_arrays_with_the_numbers(
    function: Callable[..., object], array: Any, arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=naming(message)):
        function(array, *arguments)
