from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refconv
from refconv.testing import explicit_padding, plain, require


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation", "sides"),
    [
        ((7,), (2,), (1,), "same", (3,), ((1, 2),)),
        ((8, 7), (3, 2), (2, 1), "same_upper", (1, 1), ((0, 1), (0, 1))),
        ((8, 7), (3, 2), (2, 1), "same_lower", (1, 1), ((1, 0), (1, 0))),
        ((8, 7), (3, 2), (2, 1), "valid", (1, 1), ((0, 0), (0, 0))),
        ((8, 7, 5), (3, 2, 1), (2, 1, 1), (1, 2, 0), (1, 1, 1), ((1, 1), (2, 2), (0, 0))),
        ((8, 7), (3, 2), (2, 1), ((1, 2), (3, 4)), (1, 1), ((1, 2), (3, 4))),
    ],
)
def test_a_padding_is_made_numbers(
    size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, sides: Any
) -> None:
    assert explicit_padding(size, kernel, stride, padding, dilation) == sides


def test_it_is_what_conv2d_reads() -> None:
    image, kernel = np.arange(56.0).reshape(1, 1, 8, 7), np.arange(6.0).reshape(1, 1, 3, 2)
    sides = explicit_padding((8, 7), (3, 2), (2, 3), "same_lower", (2, 1))
    named = refconv.conv2d(image, kernel, None, (2, 3), "same_lower", (2, 1))
    assert refconv.conv2d(image, kernel, None, (2, 3), sides, (2, 1)).tolist() == named.tolist()


@pytest.mark.parametrize("padding", ["smae", (1, 2, 3), "same"])
def test_a_padding_that_is_none_is_refused(padding: Any) -> None:
    with pytest.raises(ValueError, match=r"padding|stride=2"):
        explicit_padding((8, 7), (3, 2), (2, 1), padding, (1, 1))


def test_plain_memory_is_contiguous_aligned_writable_and_native() -> None:
    base = np.arange(24, dtype=">i4").reshape(4, 6)
    frozen = np.arange(6.0)
    frozen.flags.writeable = False
    for array in (base, base[::-1], base.T, frozen, np.broadcast_to(frozen, (2, 6))):
        found = plain(array)
        assert found.tolist() == array.tolist()
        assert found.flags.c_contiguous
        assert found.flags.writeable
        assert found.dtype.isnative
    same = np.arange(6.0)
    assert np.shares_memory(plain(same), same)


def test_what_is_not_supported_is_refused() -> None:
    require((1, 1) == (1, 1), "all")
    with pytest.raises(NotImplementedError, match=r"^it supports one group$"):
        require((1, 1) == (1, 2), "one group")
