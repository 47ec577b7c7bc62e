from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arrays import LAYOUTS, Array
from sampled import one_in

from refconv import col2im, conv2d, im2col, output_size
from refconv.geometry.build import plan_convolution


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("parameters", [{}, {"padding": ((1, 0), (2, 1)), "stride": (2, 1), "dilation": (1, 2)}])
@pytest.mark.parametrize("dtype", one_in(2, ["f8", "f4", "i8"]))
def test_any_memory_layout_gives_the_same_result(
    method: str, layout: Callable[[Array], Array], parameters: dict[str, Any], dtype: str
) -> None:
    rng = np.random.default_rng(0)
    plain = [rng.integers(-9, 10, shape).astype(dtype) for shape in ((2, 4, 5, 7), (6, 2, 2, 3), (6,))]
    image, weight, bias = map(layout, plain)
    before = [np.array(view) for view in (image, weight, bias)]

    output = conv2d(image, weight, bias, groups=2, method=method, **parameters)

    expected = conv2d(plain[0], plain[1], plain[2], groups=2, method="direct", **parameters)
    np.testing.assert_array_equal(output, expected)
    for view, copy in zip((image, weight, bias), before, strict=True):
        np.testing.assert_array_equal(view, copy)


def test_zero_stride_views_are_taken(method: str) -> None:
    image = np.broadcast_to(np.array([1.0, 2.0, 3.0]), (2, 4, 5, 3))
    weight = np.broadcast_to(np.array(1.0), (6, 2, 2, 3))
    bias = np.broadcast_to(np.array(7.0), (6,))
    output = conv2d(image, weight, bias, groups=2, method=method)
    assert output.tolist() == np.full((2, 6, 4, 1), 2 * 2 * 6.0 + 7).tolist()


@pytest.mark.parametrize("dtype", ["f8", "i8", "O"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("batched", [True, False])
def test_the_result_is_new_memory(method: str, dtype: str, groups: int, batched: bool) -> None:
    # A 1×1 kernel of one, without padding, is where a view of the input would be right by its values.
    image = np.ones((1, 2, 3, 4) if batched else (2, 3, 4), dtype)
    weight, bias = np.ones((2, 2 // groups, 1, 1), dtype), np.ones(2, dtype)
    output = conv2d(image, weight, bias, groups=groups, method=method)
    for operand in (image, weight, bias):
        assert not np.shares_memory(output, operand)
        assert (operand == 1).all()
    output[...] = 7
    for operand in (image, weight, bias):
        assert (operand == 1).all()


# Sizes that no memory has


@pytest.mark.parametrize(
    ("shape", "weight", "parameters", "message"),
    [
        (
            (2, 4, 7, 9),
            (6, 4, 3, 2),
            {"padding": ((2**62, 0), (0, 5))},
            "the padded input would have shape (2, 4, 4611686018427387911, 14), which is more than memory can address",
        ),
        (
            (2, 4, 7, 9),
            (6, 4, 3, 2),
            {"padding": 2**63 - 1, "padding_mode": "replicate"},
            (
                "the padded input would have shape (2, 4, 18446744073709551621, 18446744073709551623), "
                "which is more than memory can address"
            ),
        ),
        (
            (2, 1, 7, 9),
            (6, 1, 1, 2),
            {"dilation": (1, 2**57), "padding": "same_upper"},
            "the padded input would have shape (2, 1, 7, 144115188075855881), which is more than memory can address",
        ),
        (
            (0, 4, 7, 9),
            (6, 4, 3, 2),
            {"padding": (0, 2**60)},
            ("the padded input would have shape (0, 4, 7, 2305843009213693961), which is more than memory can address"),
        ),
        (
            (1, 0, 2, 2),
            (3, 0, 1, 1),
            {"padding": (0, 2**60)},
            ("the padded input would have shape (1, 0, 2, 2305843009213693954), which is more than memory can address"),
        ),
        (
            (2**29, 1, 2, 3),
            (2**30, 1, 2, 1),
            {},
            ("the output would have shape (536870912, 1073741824, 1, 3), which is more than memory can address"),
        ),
    ],
)
def test_what_no_memory_can_hold_is_refused_with_its_shape(
    method: str, shape: tuple[int, ...], weight: tuple[int, ...], parameters: dict[str, Any], message: str
) -> None:
    context = f"(input {shape}, weight {weight})"
    with pytest.raises(ValueError, match=f"^{re.escape(f'{message} {context}')}$"):
        conv2d(np.broadcast_to(1.0, shape), np.broadcast_to(1.0, weight), method=method, **parameters)


def test_im2col_of_what_no_memory_can_hold_is_refused_with_its_shape() -> None:
    message = (
        "the padded input would have shape (1, 3, 4, 2305843009213693957), which is more than memory can address "
        "(input (3, 4, 5), kernel_size=2)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        im2col(np.ones((3, 4, 5), np.int8), 2, padding=(0, 2**60))


def test_col2im_to_what_no_memory_can_hold_is_refused_with_its_shape() -> None:
    with pytest.raises(ValueError, match=re.escape("(1, 1, 1099511627776, 1099511627776), which is more than memory")):
        col2im(np.ones((1, 1)), output_size=2**40, kernel_size=1, stride=2**40)


@pytest.mark.parametrize(
    ("images", "kernels", "is_refused"),
    [(2**28, 2**30, True), (2**28 + 1, 2**30, True), (2**27, 2**31 - 1, False)],
)
def test_an_array_has_fewer_than_2_to_the_58_numbers(images: int, kernels: int, is_refused: bool) -> None:
    # 32 bytes each, those of clongdouble; an index goes up to 2^63 − 1.
    if not is_refused:
        plan = plan_convolution((images, 1, 1, 1), (kernels, 1, 1, 1))
        assert plan.output_shape == (images, kernels, 1, 1)
        return
    with pytest.raises(ValueError, match=r"^the output would have shape "):
        plan_convolution((images, 1, 1, 1), (kernels, 1, 1, 1))


def test_output_size_still_gives_the_number() -> None:
    assert output_size((7, 9), (3, 2), padding=((2**62, 0), (0, 5))) == (2**62 + 5, 13)
    assert output_size(7, 3, padding=2**63 - 1) == 2**64 + 3
    assert output_size((7, 9), (1, 2), dilation=(1, 2**57), padding="same_upper") == (7, 9)
