"""JAX as a second opinion on SAME: its SAME is same_upper, its SAME_LOWER is same_lower."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refconv import conv2d

jax = pytest.importorskip("jax", reason="JAX is a second opinion, never a dependency")


@pytest.mark.parametrize(("padding", "theirs"), [("same_upper", "SAME"), ("same_lower", "SAME_LOWER")])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "groups"),
    [
        ((7, 8), (3, 3), (1, 1), 1),
        ((7, 8), (2, 4), (1, 1), 2),
        ((7, 8), (3, 3), (2, 2), 1),
        ((8, 7), (4, 2), (2, 3), 1),
        ((9, 10), (1, 2), (4, 3), 2),
        ((5, 6), (5, 10), (3, 1), 1),
    ],
)
def test_same_with_a_stride(
    padding: str, theirs: str, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], groups: int
) -> None:
    # Small integers: float32 adds them up without rounding, so that the two must be equal.
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 4, *size)).astype(np.float32)
    w = rng.integers(-9, 10, (6, 4 // groups, *kernel)).astype(np.float32)
    desired = jax.lax.conv_general_dilated(x, w, stride, theirs, feature_group_count=groups)
    np.testing.assert_array_equal(conv2d(x, w, None, stride, padding, 1, groups), np.asarray(desired))


@pytest.mark.parametrize(("padding", "theirs"), [("same_upper", "SAME"), ("same_lower", "SAME_LOWER")])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"),
    [((2, 3), (1, 1), (3, 2)), ((2, 4), (2, 3), (2, 1)), ((3, 2), (3, 2), (1, 5)), ((3, 3), (2, 2), (4, 4))],
)
def test_same_with_dilation(
    padding: str, theirs: str, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 3, 9, 11)).astype(np.float32)
    w = rng.integers(-9, 10, (5, 3, *kernel)).astype(np.float32)
    desired = jax.lax.conv_general_dilated(x, w, stride, theirs, rhs_dilation=dilation)
    np.testing.assert_array_equal(conv2d(x, w, None, stride, padding, dilation), np.asarray(desired))


@pytest.mark.parametrize(
    "parameters",
    [
        {"stride": (2, 1), "padding": ((1, 0), (2, 3)), "dilation": (1, 2)},
        {"stride": (1, 3), "padding": ((0, 4), (0, 0)), "dilation": (2, 1)},
    ],
)
def test_asymmetric_padding(parameters: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 3, 7, 9)).astype(np.float32)
    w = rng.integers(-9, 10, (5, 3, 3, 2)).astype(np.float32)
    stride, padding, dilation = parameters["stride"], parameters["padding"], parameters["dilation"]
    desired = jax.lax.conv_general_dilated(x, w, stride, padding, rhs_dilation=dilation)
    np.testing.assert_array_equal(conv2d(x, w, **parameters), np.asarray(desired))
