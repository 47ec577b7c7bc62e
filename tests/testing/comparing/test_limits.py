from __future__ import annotations

import math

import numpy as np
import pytest

from refconv.numbers.formats import FloatInfo, float_info
from refconv.testing.comparing.limits import least_normal, overflow


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("float64", 2.0**-1022),
        ("float32", 2.0**-126),
        ("tf32", 2.0**-126),
        ("float16", 2.0**-14),
        ("bfloat16", 2.0**-126),
        ("float8_e5m2", 2.0**-14),
        ("float8_e4m3fn", 2.0**-6),
    ],
)
def test_the_least_normal_number(name: str, normal: float) -> None:
    assert least_normal(float_info(name)) == normal


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("float64", math.inf),  # 2^1024 − 2^970 is no float64
        ("float32", 2.0**128 - 2.0**103),
        ("tf32", 2.0**128 - 2.0**116),
        ("float16", 65520.0),
        ("bfloat16", 2.0**128 - 2.0**119),
        ("float8_e5m2", 61440.0),
        ("float8_e4m3fn", math.nextafter(464, 500)),  # 464 itself is a tie, and 448 = 14·32 is even
    ],
)
def test_the_least_number_that_overflows(name: str, least: float) -> None:
    assert overflow(float_info(name)) == least


def test_longdouble_in_python_floats() -> None:
    if np.finfo(np.longdouble).nmant > 52:
        info = float_info(np.longdouble)
        assert (least_normal(info), overflow(info)) == (0.0, math.inf)


def test_the_limits_of_a_small_made_up_type() -> None:
    # Two digits, 1/4 and its multiples, up to 6: 1/4 has one digit, 1/2 has two, and the number after 6 would be 8.
    assert (least_normal(FloatInfo(0.25, 0.25, 6.0)), overflow(FloatInfo(0.25, 0.25, 6.0))) == (0.5, 7.0)
