"""JAX as a second opinion on the family: its vector-Jacobian products, with asymmetric padding and SAME."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refconv import conv_transpose2d, grad

jax = pytest.importorskip("jax", reason="JAX is a second opinion, never a dependency")


@pytest.mark.parametrize(
    ("padding", "theirs"),
    [(((1, 0), (2, 3)), ((1, 0), (2, 3))), ("same_upper", "SAME"), ("same_lower", "SAME_LOWER"), ("valid", "VALID")],
)
def test_gradients_are_those_of_its_vjp(padding: Any, theirs: Any) -> None:
    # Small integers: float32 adds them up without rounding, so that the two must be equal.
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 4, 7, 9)).astype(np.float32)
    w = rng.integers(-9, 10, (6, 2, 2, 3)).astype(np.float32)

    def forward(image: Any, kernel: Any) -> Any:
        return jax.lax.conv_general_dilated(image, kernel, (2, 3), theirs, rhs_dilation=(3, 2), feature_group_count=2)

    output, backward = jax.vjp(forward, x, w)
    arriving = rng.integers(-9, 10, output.shape).astype(np.float32)
    by_input, by_weight = backward(arriving)
    parameters: tuple[Any, ...] = (2, 3), padding, (3, 2), 2
    np.testing.assert_array_equal(grad.conv2d_input(x.shape, w, arriving, *parameters), np.asarray(by_input))
    np.testing.assert_array_equal(grad.conv2d_weight(x, w.shape, arriving, *parameters), np.asarray(by_weight))


def test_a_transposed_convolution_is_one_of_an_input_with_zeros_between_its_pixels() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 3, 4, 5)).astype(np.float32)
    w = rng.integers(-9, 10, (3, 2, 2, 3)).astype(np.float32)
    # By hand: stride (2, 3), dilation (3, 2), padding ((1, 0), (2, 1)), output padding (2, 1); the kernel is flipped.
    reach = 3 * (2 - 1), 2 * (3 - 1)
    sides = ((reach[0] - 1, reach[0] - 0 + 2), (reach[1] - 2, reach[1] - 1 + 1))
    flipped = np.flip(w, (2, 3)).swapaxes(0, 1)
    desired = jax.lax.conv_general_dilated(x, flipped, (1, 1), sides, lhs_dilation=(2, 3), rhs_dilation=(3, 2))
    actual = conv_transpose2d(x, w, None, (2, 3), ((1, 0), (2, 1)), (2, 1), 1, (3, 2))
    np.testing.assert_array_equal(actual, np.asarray(desired))
