from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from refusals import naming

from refconv import conv2d, conv_transpose2d
from refconv.geometry.build import plan_convolution
from refconv.matrix import conv2d_matrix, pixels_read

pytest.importorskip("scipy", reason="the matrix is SciPy's")


def test_a_row_for_every_output_and_a_column_for_every_pixel() -> None:
    # One row of three pixels in two channels, two outputs of two taps: a·x[p] + b·x[p + 1] in each channel.
    weight = [[[[1, 2]], [[3, 4]]], [[[5, 6]], [[7, 8]]]]
    assert conv2d_matrix(weight, (1, 3)).toarray().tolist() == [
        [1, 2, 0, 3, 4, 0],
        [0, 1, 2, 0, 3, 4],
        [5, 6, 0, 7, 8, 0],
        [0, 5, 6, 0, 7, 8],
    ]


def test_groups_are_blocks() -> None:
    weight = np.array([1, 2, 3, 4]).reshape(4, 1, 1, 1)
    assert conv2d_matrix(weight, 1, groups=2).toarray().tolist() == [[1, 0], [2, 0], [0, 3], [0, 4]]


def test_parameters_that_all_differ() -> None:
    weight = np.arange(1, 13).reshape(2, 1, 2, 3)
    parameters: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 0), (0, 2)), "dilation": (3, 2), "groups": 2}
    matrix = conv2d_matrix(weight, (5, 4), **parameters)
    image = np.random.default_rng(0).integers(-9, 10, (2, 5, 4))
    np.testing.assert_array_equal(matrix @ image.ravel(), conv2d(image, weight, **parameters).ravel())
    positional = conv2d_matrix(weight, (5, 4), (2, 1), ((1, 0), (0, 2)), (3, 2), 2)
    assert (matrix != positional).nnz == 0


def test_the_transpose_is_the_transposed_convolution() -> None:
    weight = np.arange(1, 13).reshape(2, 1, 2, 3)
    matrix = conv2d_matrix(weight, (3, 7), stride=(1, 2), groups=2)
    y = np.arange(12).reshape(2, 2, 3)
    desired = conv_transpose2d(y, weight, stride=(1, 2), groups=2)
    assert (matrix.T @ y.ravel()).tolist() == desired.ravel().tolist()


def test_the_pattern_does_not_depend_on_the_weight() -> None:
    matrix = conv2d_matrix(np.zeros((1, 1, 1, 3)), (1, 5), padding=(0, 1), dilation=2)
    assert matrix.shape == (3, 5)
    assert (abs(matrix) > 0).nnz == 0
    # The first output reads the pixels −1, 1 and 3: two are real.
    assert [
        sorted(matrix.indices[start:stop].tolist())
        for start, stop in zip(matrix.indptr, matrix.indptr[1:], strict=False)
    ] == [
        [1, 3],
        [0, 2, 4],
        [1, 3],
    ]


@pytest.mark.parametrize(
    ("mode", "rows"),
    [
        ("zeros", [[2, 3, 0], [1, 2, 3], [0, 1, 2]]),
        ("reflect", [[2, 3 + 1, 0], [1, 2, 3], [0, 1 + 3, 2]]),
        ("replicate", [[1 + 2, 3, 0], [1, 2, 3], [0, 1, 2 + 3]]),
        ("circular", [[2, 3, 1], [1, 2, 3], [3, 1, 2]]),
    ],
)
def test_a_pixel_that_stands_in_the_padding_too_has_the_sum_of_its_taps(mode: str, rows: list[list[int]]) -> None:
    matrix = conv2d_matrix([[[[1, 2, 3]]]], (1, 3), padding=(0, 1), padding_mode=mode)
    assert matrix.toarray().tolist() == rows


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        ("?", "i8"),
        ("u1", "i8"),
        ("i8", "i8"),
        ("f2", "f8"),
        ("f4", "f8"),
        (">f8", "f8"),
        ("c8", "c16"),
        ("longdouble", "longdouble"),
    ],
)
def test_the_type_is_a_wide_one(dtype: str, result: str) -> None:
    assert conv2d_matrix(np.ones((1, 1, 1, 1), dtype), 2).dtype == np.dtype(result)


def test_narrow_types_are_widened() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    matrix = conv2d_matrix(np.array([[[[1.5]]]], ml_dtypes.bfloat16), 1)
    assert matrix.dtype == np.float64
    assert matrix.toarray().tolist() == [[1.5]]


def test_an_image_of_no_pixels_and_no_channels() -> None:
    assert conv2d_matrix(np.ones((3, 0, 1, 1)), (2, 3)).shape == (18, 0)
    assert conv2d_matrix(np.ones((1, 1, 1, 1)), (0, 2), padding=(1, 0)).toarray().tolist() == 4 * [[]]


def test_pixels_read_numbers_the_pixels_and_marks_the_padding() -> None:
    plan = plan_convolution((2, 1, 3), (2, 1, 1, 2), padding=((0, 0), (1, 0)), groups=2)
    assert pixels_read(plan)[:, 0, 0, :, 0].tolist() == [[[-1, 0, 1], [0, 1, 2]], [[-1, 3, 4], [3, 4, 5]]]


def test_entries_beyond_int64_are_refused() -> None:
    with pytest.raises(OverflowError, match=naming("9223372036854775808 … int64")):
        conv2d_matrix(np.array([[[[2**63]]]], np.uint64), 2)
    weight = np.full((1, 1, 1, 2), 2**62)
    assert conv2d_matrix(weight, (1, 2)).toarray().tolist() == [[2**62, 2**62]]
    message = f"entries that add up several taps, {2**63} at most, may be outside int64's range"
    with pytest.raises(OverflowError, match=f"^{message}$"):
        conv2d_matrix(weight, (1, 2), padding=(0, 1), padding_mode="replicate")
    ones = conv2d_matrix(weight - 1, (1, 1), padding=(0, 1), padding_mode="replicate")
    assert ones.toarray().tolist() == [[2**63 - 2], [2**63 - 2]]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"weight": np.ones((1, 1, 1, 1), object)}, TypeError, "weight has dtype object; it must be a type that SciPy can multiply (weight (1, 1, 1, 1))"),
        ({"weight": np.ones((1, 1, 1))}, ValueError, "weight … 3 … (O, C/G, K_h, K_w)"),
        ({"groups": 0}, ValueError, "groups=0 … 1"),
        ({"groups": 4}, ValueError, "groups=4 … C=8 … O=6 (input (8, 5, 5), weight (6, 2, 1, 1))"),
        ({"input_size": (1, 2, 3)}, ValueError, "input_size=(1, 2, 3) … 3 … a pair (height, width)"),
        ({"input_size": -1}, ValueError, "input_size=-1 … 0"),
        ({"stride": 0}, ValueError, "stride=0 … 1 (input (2, 5, 5), weight (6, 2, 1, 1))"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"weight": np.ones((6, 2, 1, 1)), "input_size": 5, **changes}
    with pytest.raises(error, match=naming(message)):
        conv2d_matrix(**arguments)


def test_scipy_is_asked_for_only_when_it_is_needed_and_by_name() -> None:
    program = (
        "import sys; sys.modules['scipy'] = sys.modules['scipy.sparse'] = None\n"
        "import refconv\n"
        "try: refconv.matrix.conv2d_matrix([[[[1]]]], 2)\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "conv2d_matrix needs SciPy: pip install 'refconv[scipy]'\n"
