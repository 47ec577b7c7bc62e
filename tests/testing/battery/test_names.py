"""What the names of the other operations' cases say, and what they must not."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sampled import one_in

from refconv.operations import OPERATIONS
from refconv.testing import Case, cases, find_case
from refconv.testing.battery.names import example_of, name_of, numbers_text, parse_case, words_of, write_name

OTHERS = [op for op in OPERATIONS if op != "conv2d"]
OF_LINE: dict[str, Any] = {"op": "conv1d", "output_padding": (0,)}
OF_VOLUME: dict[str, Any] = {"op": "conv3d", "output_padding": (0, 0, 0)}
PARSED = {
    "conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-bias-f32": Case(
        *("conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-bias-f32", (2, 6, 9), (10, 3, 3), (10,), (2,), (1,), (2,), 2),
        **OF_LINE,
    ),
    "conv1d-c3-o4-g1-9-k3-s2-p1+4-d2-f64-real-strided": Case(
        *("conv1d-c3-o4-g1-9-k3-s2-p1+4-d2-f64-real-strided", (3, 9), (4, 3, 3), None, (2,), ((1, 4),), (2,), 1),
        *("f64", "real", "strided"),
        **OF_LINE,
    ),
    "conv3d-n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x3-p1x0x2-d2x1x1-f32": Case(
        *("conv3d-n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x3-p1x0x2-d2x1x1-f32", (2, 4, 5, 7, 6), (6, 2, 2, 3, 1), None),
        *((1, 2, 3), (1, 0, 2), (2, 1, 1), 2),
        **OF_VOLUME,
    ),
    "conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p1+0x0+2x2+1-d1-f32": Case(
        *("conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p1+0x0+2x2+1-d1-f32", (1, 1, 4, 5, 6), (1, 1, 2, 2, 2), None),
        *((1, 1, 1), ((1, 0), (0, 2), (2, 1)), (1, 1, 1), 1),
        **OF_VOLUME,
    ),
    "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32": Case(
        *("conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-bias-f32", (2, 6, 5, 7), (6, 2, 2, 3), (4,)),
        *((2, 1), (1, 0), (1, 2), 2),
        op="conv_transpose2d",
        output_padding=(1, 0),
    ),
    "conv2d_input-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32": Case(
        *("conv2d_input-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32", (2, 6, 7, 9), (10, 3, 2, 3), None),
        *((2, 1), (1, 0), (1, 2), 2),
        op="conv2d_input",
        grad_output_shape=(2, 10, 4, 5),
    ),
    "conv2d_weight-c6-o10-g2-7x9-k2x3-s2x1-psame_upper-d1x2-f32": Case(
        *("conv2d_weight-c6-o10-g2-7x9-k2x3-s2x1-psame_upper-d1x2-f32", (6, 7, 9), (10, 3, 2, 3), None),
        *((2, 1), "same_upper", (1, 2), 2),
        op="conv2d_weight",
        grad_output_shape=(10, 4, 9),
    ),
    "conv_transpose1d-n2-c6-o4-g2-5-k3-s2-p1-e1-d2-bias-f32": Case(
        *("conv_transpose1d-n2-c6-o4-g2-5-k3-s2-p1-e1-d2-bias-f32", (2, 6, 5), (6, 2, 3), (4,), (2,), (1,), (2,), 2),
        op="conv_transpose1d",
        output_padding=(1,),
    ),
    "conv_transpose3d-n1-c2-o3-g1-2x3x4-k2x3x2-s2-p0-h4x7x9-d1-f32": Case(
        *("conv_transpose3d-n1-c2-o3-g1-2x3x4-k2x3x2-s2-p0-h4x7x9-d1-f32", (1, 2, 2, 3, 4), (2, 3, 2, 3, 2), None),
        *((2, 2, 2), (0, 0, 0), (1, 1, 1), 1),
        op="conv_transpose3d",
        output_padding=(0, 0, 0),
        output_size=(4, 7, 9),
    ),
    "conv_transpose2d-n1-c2-o3-g1-4x5-k3x4-s2-psame_lower-h7x9-d1-f32": Case(
        *("conv_transpose2d-n1-c2-o3-g1-4x5-k3x4-s2-psame_lower-h7x9-d1-f32", (1, 2, 4, 5), (2, 3, 3, 4), None),
        *((2, 2), "same_lower", (1, 1), 1),
        op="conv_transpose2d",
        output_size=(7, 9),
    ),
    "conv_transpose2d_input-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-f64": Case(
        *("conv_transpose2d_input-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e1x0-d1x2-f64", (2, 6, 5, 7), (6, 2, 2, 3), None),
        *((2, 1), (1, 0), (1, 2), 2),
        dtype="f64",
        op="conv_transpose2d_input",
        output_padding=(1, 0),
        grad_output_shape=(2, 4, 9, 11),
    ),
    "conv_transpose1d_weight-c6-o4-g2-5-k3-s2-psame_upper-d2-f32": Case(
        *("conv_transpose1d_weight-c6-o4-g2-5-k3-s2-psame_upper-d2-f32", (6, 5), (6, 2, 3), None, (2,)),
        *("same_upper", (2,), 2),
        op="conv_transpose1d_weight",
        output_padding=(0,),
        grad_output_shape=(4, 10),
    ),
    "conv3d_bias-n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x3-p1x0x2-d2x1x1-f32": Case(
        *("conv3d_bias-n2-c4-o6-g2-5x7x6-k2x3x1-s1x2x3-p1x0x2-d2x1x1-f32", (2, 4, 5, 7, 6), (6, 2, 2, 3, 1), None),
        *((1, 2, 3), (1, 0, 2), (2, 1, 1), 2),
        op="conv3d_bias",
        output_padding=(0, 0, 0),
        grad_output_shape=(2, 6, 5, 3, 4),
    ),
}


@pytest.mark.parametrize("name", PARSED)
def test_a_name_says_everything(name: str) -> None:
    assert parse_case(name) == find_case(name) == PARSED[name]


@pytest.mark.parametrize(
    "name",
    [
        "conv1d-n2-c6-o10-g2-9x9-k3-s2-p1-d2-f32",  # two sizes for one axis
        "conv1d-n2-c6-o10-g2-9-k3x3-s2-p1-d2-f32",
        "conv3d-n1-c1-o1-g1-4x5-k2-s1-p0-d1-f32",
        "conv3d-n1-c1-o1-g1-4x5x6-k2x3-s1-p0-d1-f32",
        "conv3d-n1-c1-o1-g1-4x5x6-k2x2x2-s1-p0-d1-f32",  # equal numbers, one by one
        "conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p1+1x2+2x0+0-d1-f32",  # equal sides
        "conv1d-n2-c6-o10-g2-9-k3-s2-p1+1-d2-f32",
        "conv3d-n1-c1-o1-g1-4x5x6-k2-s1-p1+0x2+1-d1-f32",
        "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-e0-d1x2-f32",  # what goes without saying
        "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-e1-d1x2-f32",  # an output padding of a convolution
        "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-h4x5-d1x2-f32",  # a size that a convolution is not asked for
        "conv1d-n2-c6-o10-g2-9-k3-s2-p1-e1-d2-f32",
        "conv_transpose2d-n1-c2-o3-g1-4x5-k3-s2-p1-h8-d1-f32",  # one size for two axes
        "conv_transpose3d-n1-c2-o3-g1-4x5x6-k3-s2-p1-e0x1-d1-f32",
        "conv_transpose3d-n1-c2-o3-g1-4x5x6-k3-s2-p1-e1x1x1-d1-f32",
        "conv2d_bias-n1-c2-o3-g1-9-k3-s1-p1-d1-f32",
        "conv2d-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32",  # which goes without saying
        "conv4d-n2-c6-o10-g2-9-k3-s2-p1-d2-f32",
    ],
)
def test_one_case_has_one_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"^case {re.escape(repr(name))} must read like '"):
        parse_case(name)


def test_what_a_name_may_leave_out() -> None:
    words = words_of(
        "conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1-e1x0-h9x8-d1x2-biasf16-f32xf64-real-strided-input-threads"
    )
    assert None not in words.values()
    found = {word for word in words if words_of(write_name({**words, word: None}))}
    assert found == set(words) - {"c", "o", "g", "size", "k", "s", "p", "d", "dtype"}


def test_the_example_is_of_the_operation() -> None:
    assert example_of("conv2d") == "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
    for op in OTHERS:
        assert parse_case(example_of(op)).op == op
        with pytest.raises(ValueError, match=f"must read like '{op}-n2-c") as caught:
            parse_case(f"{op}-n2-c6-o10-g2-7x9x1x1-k3-s2-p1-d2-f32")
        assert str(caught.value).split("'")[-2] == example_of(op)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("conv2d_weight-n1-c2-o3-g1-5x6-k3-s1-p1-d1-bias-f32", "has a bias, which conv2d_weight does not have"),
        ("conv2d_input-n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32-zero", "has 'zero' data, which conv2d_input does not have"),
        ("conv_transpose2d-n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32-nanweight", "has 'nanweight' data, which conv_transpose2d"),
        ("conv_transpose2d-n1-c4-o3-g1-5x6-k3-s1-psame-d1-f32", "padding='same' is PyTorch's rule for convolutions"),
        (
            "conv_transpose2d_weight-n1-c2-o3-g1-4x5-k3-s2-p1-h8x10-d1-f32",
            "has an output size, which conv_transpose2d_weight",
        ),
        (
            "conv_transpose1d_bias-n1-c2-o3-g1-5-k3-s2-p1-d1-bias-f32",
            "has a bias, which conv_transpose1d_bias does not have",
        ),
        (
            "conv_transpose1d-n1-c2-o3-g1-5-k3-s2-p1-e1-h10-d1-f32",
            "output_padding=\\(1,\\) and output_size=\\(10,\\) say the same",
        ),
        ("conv_transpose2d-n1-c4-o3-g2-5x6-k3-s1-p1-d1-f32", "has 2 groups, which must divide its 3 output channels"),
        ("n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32-nanbias", "has 'nanbias' data, and no bias"),
        (
            "n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32-strided-bias",
            "must name a layout, and one of several arrays: input, weight",
        ),
        ("n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32-input", "must name a layout, and one of several arrays: input, weight"),
        ("conv2d_bias-n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32-strided-grad_output", "must name a layout, and one of several"),
        ("n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32xf32", "names the type 'f32' twice"),
        ("n1-c2-o3-g1-5x6-k3-s1-p1-d1-biasf32-f32", "names the type 'f32' twice"),
        ("n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32xf64-real", "is of several types, which takes exact data and two factors"),
        ("conv2d_bias-n1-c2-o3-g1-5x6-k3-s1-p1-d1-f32xf64", "is of several types, which takes exact data and two"),
        ("conv2d_weight-n2-c1-o1-g1-40x40-k1-s1-p0-d1-f16", "adds up too many terms for exact data; write "),
    ],
)
def test_words_that_say_nothing_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_case(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("conv1d-n1-c2-o3-g1-2-k3-s1-p0-d1-f32", "kernel"),
        ("conv_transpose2d-n1-c2-o3-g1-5x6-k3-s1-p4-d1-f32", "output height 7 \\+ 0 - 4 - 4 = -1 must be at least 1"),
        ("conv_transpose2d-n1-c2-o3-g1-5x6-k3-s2-p0-e2-d1-f32", "output_padding"),
        ("conv_transpose2d-n1-c2-o3-g0-5x6-k3-s1-p0-d1-f32", "groups=0 must be at least 1"),
        ("conv2d_input-n1-c5-o4-g2-5x6-k3-s1-p0-d1-f32", "groups=2 must divide"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_as_refconv_refuses_them(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_case(name)


def test_numbers_are_written_as_they_are_read() -> None:
    assert [numbers_text(3), numbers_text(3, 3, 3), numbers_text(1, 1, 2)] == ["3", "3", "1x1x2"]


@pytest.mark.parametrize(
    ("name", "products"),
    [
        ("conv1d-n2-c6-o10-g2-9-k3-s2-p1-d2-f32", 9),  # 3 channels × 3 taps
        ("conv3d-n2-c4-o6-g2-5x7x6-k2x3x1-s1-p0-d1-f32", 12),
        ("conv_transpose2d-n2-c6-o4-g2-5x7-k2x3-s2x1-p1x0-d1x2-f32", 18),  # 3 channels × 6 taps
        ("conv2d_input-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32", 30),  # 5 outputs × 6 taps
        ("conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32", 40),  # 2 images × 4 × 5 outputs
        ("conv2d_weight-n2-c3-o1-g1-5x6-k2-s1-p0-d1-f32", 40),
        ("conv_transpose2d-n1-c5-o2-g1-4x5-k2x3-s1-p0-d1-f32", 30),  # 5 channels × 6 taps
    ],
)
def test_the_most_products_of_an_element_are_counted(name: str, products: int) -> None:
    case = find_case(name)
    assert case.products == products
    ones = {key: np.ones_like(array) for key, array in case.operands().items()}
    assert case.called(case.operation.function, ones).max() <= products


@pytest.mark.parametrize("tier", ["core", pytest.param("full", marks=pytest.mark.slow), "networks"])
@pytest.mark.parametrize("op", one_in(2, OPERATIONS))
def test_a_name_is_written_as_it_is_read(op: str, tier: str) -> None:
    for case in cases(tier, op=op):
        assert name_of(case) == case.id
        assert parse_case(case.id, case.family) == case


@pytest.mark.parametrize("op", one_in(4, OPERATIONS))
def test_any_case_is_that_of_its_name(op: str) -> None:
    pytest.importorskip("hypothesis")
    from hypothesis import given, seed, settings  # noqa: PLC0415  # an extra

    from refconv.testing.strategies import cases_of  # noqa: PLC0415

    @seed(7)
    @settings(max_examples=40, database=None, deadline=None)
    @given(cases_of(op))
    def check(case: Case) -> None:
        assert parse_case(name_of(case)) == case
        assert name_of(parse_case(case.id)) == case.id
        anew = replace(case, id="anything")  # nothing of a name is in the name alone
        assert name_of(anew) == case.id

    check()


@pytest.mark.parametrize(
    ("written", "meant"), [("0x2+0", "0+0x2+0"), ("1+0x3", "1+0x3+3"), ("2+1x0x1+1", "2+1x0+0x1+1")]
)
def test_a_padding_by_side_has_both_sides_of_every_axis(written: str, meant: str) -> None:
    name = f"n1-c1-o1-g1-5x5-k3-s1-p{written}-d1-f32"
    message = f"case {name!r} has the padding 'p{written}'; both sides of every axis would be 'p{meant}'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_case(name)
