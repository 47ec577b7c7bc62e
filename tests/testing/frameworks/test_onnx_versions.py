"""ONNX's reference evaluator pads under auto_pad=VALID before version 1.23: [1, 2, 3, 4] with a kernel of three ones gave
[3, 6, 9, 7] where [6, 9] is right.  With the one that is installed, the battery must find that, or find nothing.

Its ConvTranspose takes a group's channels out of the weight by the number of outputs, gives every group the whole bias,
and has room for one output of each.  So with groups it is right for as many groups as there are channels, with one
output each and no bias; with a bias it gives every channel that of the first, and all else it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from refconv import conv_transpose2d
from refconv.testing import assert_result_matches, check, compare_result, load_target

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

PADS = tuple(map(int, onnx.__version__.split(".")[:2])) < (1, 23)


def test_valid_is_judged_by_the_installed_version() -> None:
    report = check("onnx", match="pvalid")
    outcomes = {result.outcome for result in report.results}
    if PADS:
        assert "failed" in outcomes, str(report)
        assert not report.passed
    else:
        assert outcomes <= {"passed", "unsupported"}, str(report)
        assert report.passed


def test_what_is_not_valid_is_right_in_every_version() -> None:
    report = check("onnx", "smoke", match="-p1-")
    assert report.passed, str(report)


groups_are_known = pytest.mark.skipif(
    tuple(map(int, onnx.__version__.split(".")[:2])) > (1, 23), reason="not known of versions past 1.23"
)
NO_PADDING = (1, 1), (0, 0), (0, 0)  # stride, padding, output padding
TWO = np.array([3, 5], np.float32).reshape(1, 2, 1, 1)  # two channels of one pixel
EACH = np.array([7, 11], np.float32).reshape(2, 1, 1, 1)  # each with a kernel of one tap


def test_a_transposed_convolution_of_single_channels_is_right_without_a_bias() -> None:
    arguments = TWO, EACH, None, *NO_PADDING, 2, (1, 1)
    actual = load_target("onnx", "conv_transpose2d")(*arguments)
    assert actual.ravel().tolist() == [21, 55]
    assert_result_matches(actual, conv_transpose2d, *arguments)


@groups_are_known
def test_a_transposed_convolution_of_groups_gives_all_of_them_the_first_bias() -> None:
    arguments = TWO, EACH, np.array([100, 200], np.float32), *NO_PADDING, 2, (1, 1)
    actual = load_target("onnx", "conv_transpose2d")(*arguments)
    assert actual.ravel().tolist() == [121, 155]
    comparison = compare_result(actual, conv_transpose2d, *arguments)
    assert (comparison.passed, comparison.mismatched) == (False, 1)  # 255 is right


@groups_are_known
@pytest.mark.parametrize(
    ("channels", "outputs", "groups"), [(4, 1, 2), (2, 2, 2), (4, 2, 2)], ids=["2 in, 1 out", "1 in, 2 out", "2 and 2"]
)
def test_a_transposed_convolution_of_larger_groups_is_refused(channels: int, outputs: int, groups: int) -> None:
    x, w = np.ones((1, channels, 1, 1), np.float32), np.ones((channels, outputs, 1, 1), np.float32)
    with pytest.raises(ValueError, match=r"reshape|broadcast"):
        load_target("onnx", "conv_transpose2d")(x, w, None, *NO_PADDING, groups, (1, 1))


@groups_are_known
def test_an_output_padding_that_only_the_dilation_exceeds_is_refused() -> None:
    x, w = np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 2, 2), np.float32)
    with pytest.raises(ValueError, match="to match the calculated number of"):
        load_target("onnx", "conv_transpose2d")(x, w, None, (1, 1), (0, 0), (1, 0), 1, (2, 2))
