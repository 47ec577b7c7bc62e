from __future__ import annotations

import numpy as np

import refconv
from refconv.testing import diagnose

RNG = np.random.default_rng(23)
X = RNG.standard_normal((2, 4, 8, 9)).astype(np.float32)
W = RNG.standard_normal((5, 4, 3, 2)).astype(np.float32)
TRUTH = refconv.conv2d(X, W)
MAGNITUDE = refconv.conv2d(abs(X), abs(W))
SIGNS = np.where(RNG.random(TRUTH.shape) < 0.5, -1, 1)


def found(error: np.ndarray) -> list[str]:
    return [finding.code for finding in diagnose((TRUTH + error).astype(np.float32), X, W)]


def test_errors_of_sums_in_a_narrow_type_are_named_by_it() -> None:
    # 24 products: 5 deviations of √25·u
    assert found(SIGNS * MAGNITUDE * 5 * 5 * 2.0**-11) == ["accumulated-in-float16"]
    assert found(SIGNS * MAGNITUDE * 7 * 5 * 2.0**-11) == ["accumulated-in-bfloat16"]
    assert found(SIGNS * MAGNITUDE * 5 * 5 * 2.0**-8)[:1] != ["accumulated-in-float16"]


def test_larger_errors_and_single_ones_are_not() -> None:
    assert found(SIGNS * MAGNITUDE) == []
    alone = np.zeros_like(MAGNITUDE)
    alone[0, 0, 0, 0] = 5 * 5 * 2.0**-11 * MAGNITUDE[0, 0, 0, 0]
    assert not any(code.startswith("accumulated") for code in found(alone))
