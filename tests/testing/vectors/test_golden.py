from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import mutants
import numpy as np
import pytest

import refconv
from refconv.operations import OPERATIONS
from refconv.testing import cases, find_case
from refconv.testing.vectors.golden import ExactCall, bound_on, golden

REAL = "n2-c3-o4-g1-7x9-k3x2-s2x1-p0x1-d1-bias-f64-real"


def is_right(actual: np.ndarray, result: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Be the rule that a program in another language has."""
    with np.errstate(all="ignore"):
        near = np.abs(actual.astype(np.complex128) - result) <= bound
    return np.asarray(np.isinf(bound) | near | (actual == result) | (np.isnan(actual) & np.isnan(result)))


def test_the_bound_of_one_product_is_that_of_its_rounding_and_of_the_result() -> None:
    case = find_case("n1-c1-o1-g1-1x1-k1-s1-p0-d1-f32-real")
    image, kernel, _ = case.arrays()
    product = Fraction(float(image.item())) * Fraction(float(kernel.item()))
    found = golden(case)
    assert found["result"].item() == np.float32(float(product))  # a product of 48 binary digits: float64 holds it
    bound = Fraction(float(found["bound"].item()))
    rounding = abs(Fraction(float(found["result"].item())) - product)
    assert rounding + abs(product) * Fraction(1, 2**24) <= bound <= rounding + abs(product) * Fraction(1.0001) / 2**24


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64"])
def test_right_kernels_of_any_style_are_within_the_bounds(dtype: str) -> None:
    names = [case.id for case in cases("core", dtype=dtype, match="-real") if case.data != "exact"][:12]
    assert names
    for name in names:
        case = find_case(name)
        found = golden(case)
        for method in ("direct", "einsum", "im2col"):
            actual = refconv.conv2d(*case.arrays(), **case.kwargs(), method=method)
            assert is_right(actual, found["result"], found["bound"]).all()


def test_a_rounded_input_is_outside_the_bounds() -> None:
    case = find_case(REAL.replace("f64", "f32"))
    found = golden(case)
    actual = mutants.inputs_rounded_to_tf32(*case.arguments(case.operands()))
    assert not is_right(actual, found["result"], found["bound"]).all()


def test_exact_data_have_no_bound_but_equality() -> None:
    for dtype in ("f32", "i8", "c64"):
        found = golden(find_case(f"n1-c2-o3-g1-5x6-k3-s1-p1-d1-{dtype}"))
        assert found["bound"].dtype == np.float32
        assert not found["bound"].any()
    assert golden(find_case("n1-c2-o3-g1-5x6-k3-s1-p1-d1-i8"))["result"].dtype == np.int64


def test_a_weight_that_is_no_number_is_not_compared_where_it_meets_padding() -> None:
    found = golden(find_case("n1-c1-o2-g1-2x3-k3x2-s1-p1x0-d1-f32-nanweight"))  # the last kernel's first tap is NaN
    assert found["bound"].tolist() == [[[[0.0] * 2] * 2, [[np.inf] * 2, [0.0] * 2]]]
    assert np.isnan(found["result"]).tolist() == [[[[False] * 2] * 2, [[True] * 2] * 2]]


def test_the_result_is_correctly_rounded() -> None:
    case = find_case(REAL)
    exact = refconv.conv2d(*case.arrays(), **case.kwargs(), method="exact")
    assert np.array_equal(golden(case)["result"], exact)


def test_what_may_overflow_has_no_bound() -> None:
    ones = np.ones((1, 1, 1, 1), np.float16)
    for number, bound in ((65504, np.inf), (32768, 16 + 2.0**-20)):  # u = 2^-11, and a product rounded once
        call = ExactCall(OPERATIONS["conv2d"], {"input": number * ones, "weight": ones}, {})
        assert bound_on(call, number * ones).item() == pytest.approx(bound, rel=1e-3)


def test_no_byte_depends_on_how_a_library_adds_up(tmp_path: Path) -> None:
    program = (
        "import sys, refconv.testing as t; t.write_vectors(sys.argv[1], match='-real', dtype='float32'); "
        "t.write_vectors(sys.argv[1] + 'w', op='conv2d_weight', match='-real', tier='smoke')"
    )
    found: list[list[bytes]] = []
    for core in ("Prescott", "Haswell"):
        folder = tmp_path / core
        environment = os.environ | {"OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1" if found else "2"}
        subprocess.run([sys.executable, "-c", program, str(folder)], check=True, env=environment)
        found.append([(folder.with_name(core + end) / "manifest.json").read_bytes() for end in ("", "w")])
    assert found[0] == found[1]
