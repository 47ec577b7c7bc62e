from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from unittest import SkipTest

import kernels
import numpy as np
import pytest

import refconv
from refconv.testing import SuspectWarning, assert_case, cases, find_case, pytest_cases

CASE = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"


def cut_mantissa(*arguments: Any) -> Any:
    """Round what is multiplied as TF32 does, roughly: within the bound of a long sum, and far from random rounding."""
    image, weight, *rest = arguments
    image, weight = (
        (array.astype(np.float32).view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32) for array in (image, weight)
    )
    return refconv.conv2d(image, weight, *rest)


def test_each_case_is_a_parameter_with_its_name() -> None:
    parameters: Any = pytest_cases("smoke", match="psame_")
    assert [parameter.id for parameter in parameters] == [
        "n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32",
        "n1-c2-o3-g1-8x11-k3-s2-psame_lower-d1-f32",
    ]
    assert [parameter.values for parameter in parameters] == [(case,) for case in cases("smoke", match="psame_")]


@pytest.mark.parametrize("case", pytest_cases("smoke", match="k2x3"))
def test_a_right_kernel_passes_in_silence(case: Any) -> None:
    assert_case(refconv.conv2d, case)
    assert_case("refconv", case.id)


def unpadded(*given: Any) -> Any:
    """Convolve without any padding."""
    image, weight, bias, stride, _, dilation, groups = given
    return refconv.conv2d(image, weight, bias, stride, 0, dilation, groups)


def test_a_wrong_kernel_is_explained() -> None:
    with pytest.raises(AssertionError, match=rf"(?s)^{CASE}: failed\n  shape .* was expected\n  cause: "):
        assert_case(unpadded, CASE)


def test_what_is_not_supported_is_skipped() -> None:
    with pytest.raises(SkipTest, match=r"^NotImplementedError: one group at a time$"):
        assert_case(kernels.ignores_groups, CASE)


def test_a_refusal_that_is_asked_for_by_name_is_due() -> None:
    assert_case("refconv", "reject-stride-zero")
    with pytest.raises(AssertionError, match=r"^reject-stride-zero: not refused\n  accepted a stride of 0$"):
        assert_case(kernels.accepts_everything, "reject-stride-zero")


def test_what_is_declared_is_the_standard() -> None:
    def rectified(*arguments: Any) -> Any:
        return np.maximum(refconv.conv2d(*arguments), 0)

    assert_case(rectified, CASE, epilogue="relu")
    with pytest.raises(AssertionError, match=rf"^{CASE}: failed\n"):
        assert_case(rectified, CASE)


def test_a_less_precise_result_fails() -> None:
    with pytest.raises(AssertionError, match=r": less precise\n"):
        assert_case(cut_mantissa, CASE + "-real")


def test_a_suspect_result_warns_and_fails_where_strict() -> None:
    long = "n1-c512-o2-g1-6x7-k3-s1-p1-d1-f32-real"  # sums of 4608 products, whose bound TF32 does not reach
    with pytest.warns(SuspectWarning, match=f"^{long}: passed"):
        assert_case(cut_mantissa, long)
    with pytest.raises(AssertionError, match="suspect"):
        assert_case(cut_mantissa, long, strict=True)
    assert_case("refconv", CASE, strict=True)


def test_a_case_is_its_name() -> None:
    assert str(find_case(CASE)) == CASE


def test_pytest_shows_names_and_skips(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent("""
        import pytest, refconv
        from refconv.testing import assert_case, pytest_cases

        def conv2d(input, weight, bias, stride, padding, dilation, groups):
            if groups > 1:
                raise NotImplementedError("one group")
            return refconv.conv2d(input, weight, bias, stride, padding, dilation, groups)

        @pytest.mark.parametrize("case", pytest_cases("smoke", match="k2x3 or psame_lower"))
        def test_conv2d(case):
            assert_case(conv2d, case)
        """)
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rs", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert f"::test_conv2d[{CASE}] SKIPPED" in run.stdout
    assert "psame_lower-d1-f32] PASSED" in run.stdout
    assert ": NotImplementedError: one group\n" in run.stdout
    assert "1 passed, 2 skipped" in run.stdout
