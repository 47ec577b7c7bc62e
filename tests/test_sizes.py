from __future__ import annotations

import re

import pytest

from refconv import effective_kernel_size, output_size, same_padding


@pytest.mark.parametrize(
    ("kernel_size", "dilation", "size"), [(3, 1, 3), (3, 2, 5), (3, 3, 7), (1, 9, 1), (2, 4, 5), (5, 2, 9), (7, 3, 19)]
)
def test_effective_kernel_size_of_one_axis(kernel_size: int, dilation: int, size: int) -> None:
    result = effective_kernel_size(kernel_size, dilation)
    assert result == size
    assert isinstance(result, int)
    assert result == kernel_size + (kernel_size - 1) * (dilation - 1)  # the other way to write it


def test_effective_kernel_size_without_dilation() -> None:
    assert effective_kernel_size(4) == 4


def test_effective_kernel_size_is_a_pair_where_either_argument_is() -> None:
    assert effective_kernel_size((2, 3), (4, 1)) == (5, 3)
    assert effective_kernel_size((2, 3), 4) == (5, 9)
    assert effective_kernel_size(3, (4, 1)) == (9, 3)
    assert effective_kernel_size((2, 3)) == (2, 3)


@pytest.mark.parametrize(("kernel_size", "dilation", "size"), [(3, 1, 5), (3, 2, 3), (5, 1, 3)])
def test_output_size_of_seven_pixels(kernel_size: int, dilation: int, size: int) -> None:
    # mission.md, section 1
    assert output_size(7, kernel_size, dilation=dilation) == size


def test_output_size_of_one_axis() -> None:
    assert output_size(11, 3, 2, (1, 3), 4) == 4  # (11 + 4 − 9) // 2 + 1
    assert output_size(11, 3, stride=2) == 5
    assert output_size(11, 3, padding=2) == 13
    assert output_size(11, 3, padding=(2, 0)) == 11
    assert output_size(11, 3) == 9


def test_output_size_of_two_axes() -> None:
    assert output_size((7, 9), (2, 3), (2, 1), ((1, 0), (2, 3)), (1, 2)) == (4, 10)
    assert output_size((7, 9), 3) == (5, 7)
    assert output_size([7, 9], 3, 2, 1, 2) == (3, 4)
    assert output_size((7, 9), (2, 3), padding=(1, 0)) == (8, 7)


@pytest.mark.parametrize("padding", ["same_upper", "same_lower"])
def test_output_size_of_same_is_the_size_over_the_stride_rounded_up(padding: str) -> None:
    assert output_size(9, 3, stride=2, padding=padding) == 5
    assert output_size((9, 10), (4, 3), stride=(2, 4), padding=padding) == (5, 3)


def test_output_size_of_the_other_strings() -> None:
    assert output_size(9, 4, padding="same") == 9
    assert output_size((9, 7), (4, 2), dilation=(2, 5), padding="same") == (9, 7)
    assert output_size(9, 4, stride=2, padding="valid") == 3


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3, 7])
def test_padding_by_half_the_dilated_kernel_keeps_the_size(kernel_size: int, dilation: int) -> None:
    # mission.md, section 1: with padding d(k−1)/2 the output size does not depend on d.
    assert output_size(17, kernel_size, padding=dilation * (kernel_size - 1) // 2, dilation=dilation) == 17


REFUSED = None

# The table in the docstring of `same_padding`: (H, K, S, D), pytorch, tensorflow, onnx_lower.
SAME_TABLE = [
    ((7, 3, 1, 1), (1, 1), (1, 1), (1, 1)),
    ((7, 2, 1, 1), (0, 1), (0, 1), (1, 0)),
    ((7, 2, 1, 3), (1, 2), (1, 2), (2, 1)),
    ((7, 3, 2, 1), REFUSED, (1, 1), (1, 1)),
    ((8, 3, 2, 1), REFUSED, (0, 1), (1, 0)),
    ((8, 3, 2, 2), REFUSED, (1, 2), (2, 1)),
    ((8, 2, 3, 1), REFUSED, (0, 0), (0, 0)),
]


def test_the_table_here_is_the_table_in_the_docstring() -> None:
    def cell(sides: tuple[int, int] | None) -> str:
        return "refused" if sides is None else str(sides)

    rows = [[", ".join(map(str, arguments)), *map(cell, sides)] for arguments, *sides in SAME_TABLE]
    lines = [re.split(r"\s{2,}", line.strip()) for line in (same_padding.__doc__ or "").splitlines()]
    documented = [line for line in lines if re.fullmatch(r"\d+, \d+, \d+, \d+", line[0])]
    assert documented == rows


@pytest.mark.parametrize(("arguments", "pytorch", "tensorflow", "onnx_lower"), SAME_TABLE)
def test_the_same_dialects_side_by_side(
    arguments: tuple[int, int, int, int],
    pytorch: tuple[int, int] | None,
    tensorflow: tuple[int, int],
    onnx_lower: tuple[int, int],
) -> None:
    assert same_padding(*arguments) == tensorflow
    assert same_padding(*arguments, convention="tensorflow") == tensorflow
    assert same_padding(*arguments, convention="onnx_upper") == tensorflow
    assert same_padding(*arguments, convention="onnx_lower") == onnx_lower
    if pytorch is not None:
        assert same_padding(*arguments, convention="pytorch") == pytorch
    else:
        with pytest.raises(ValueError, match=r"must be 1 for padding='same', which is PyTorch's rule"):
            same_padding(*arguments, convention="pytorch")


def test_same_padding_of_two_axes() -> None:
    assert same_padding((8, 7), (3, 2), (2, 1), (1, 3)) == ((0, 1), (1, 2))
    assert same_padding((8, 7), (3, 2), (2, 1), (1, 3), convention="onnx_lower") == ((1, 0), (2, 1))
    assert same_padding((8, 7), 2) == ((0, 1), (0, 1))
    assert same_padding((8, 7), 3, 2) == ((0, 1), (1, 1))


def test_same_padding_of_one_axis_has_stride_1_and_dilation_1_unless_told() -> None:
    assert same_padding(8, 6) == (2, 3)


def test_an_input_without_pixels_has_outputs_where_it_is_padded() -> None:
    assert output_size(0, 1, padding=(1, 0)) == 1
    assert output_size((0, 2), 1, padding=((1, 0), (0, 0))) == (1, 2)
    assert same_padding(0, 4, convention="onnx_lower") == (2, 1)  # 0 outputs would reach −1 + 4 = 3
    assert same_padding((0, 3), 4) == ((1, 2), (1, 2))
