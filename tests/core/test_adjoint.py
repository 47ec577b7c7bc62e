from __future__ import annotations

import numpy as np
import pytest
from definition import padded
from drawn import Conv, convs, law
from hypothesis import given
from hypothesis import strategies as st

from refconv.core.adjoint import add_windows, fold
from refconv.core.products import pad, windows
from refconv.geometry.arguments import LINE, PLANE, VOLUME
from refconv.geometry.build import plan_windows
from refconv.geometry.plan import ConvGeometry

SPACES = (LINE, PLANE, VOLUME)


def plan_of(conv: Conv) -> ConvGeometry:
    steps, kernel = (conv.stride, conv.padding, conv.dilation, conv.padding_mode), conv.weight.shape[2:]
    return plan_windows(conv.input.shape, kernel, *steps, SPACES[conv.input.ndim - 3])


@pytest.mark.parametrize(
    ("mode", "folded"),
    [
        # a b | 1 2 3 | c d of the docstring, as powers of ten beside the pixels
        ("zeros", [1, 2, 3]),
        ("reflect", [1 + 4000, 2 + 200 + 300, 3 + 100]),
        ("replicate", [1 + 100 + 200, 2, 3 + 300 + 4000]),
        ("circular", [1 + 300, 2 + 100 + 4000, 3 + 200]),
    ],
)
def test_fold_adds_the_padding_to_the_pixels_that_it_came_from(mode: str, folded: list[int]) -> None:
    line = np.array([100, 200, 1, 2, 3, 300, 4000])
    plan = plan_windows((1, 1, 1, 3), 1, padding=((0, 0), (2, 2)), padding_mode=mode)
    assert fold(line.reshape(1, 1, 1, 7), plan).ravel().tolist() == folded
    plan = plan_windows((1, 1, 3, 1), 1, padding=((2, 2), (0, 0)), padding_mode=mode)
    assert fold(line.reshape(1, 1, 7, 1), plan).ravel().tolist() == folded


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_fold_is_the_adjoint_of_pad(mode: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(-9, 10, (2, 3, 4, 5)), rng.integers(-9, 10, (2, 3, 4 + 3, 5 + 5))
    plan = plan_windows(x.shape, 1, padding=((1, 2), (4, 1)), padding_mode=mode)
    before = y.copy()
    assert np.vdot(pad(x, plan), y) == np.vdot(x, fold(y, plan))
    assert (y == before).all()


@pytest.mark.parametrize("rank", [1, 2, 3])
@law
@given(data=st.data())
def test_pad_writes_the_padding_out_and_fold_is_its_adjoint(rank: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank))
    plan = plan_of(conv)
    around = pad(conv.input, plan)
    np.testing.assert_array_equal(around, padded(conv.input, conv.padding, conv.padding_mode))
    y = conv.integers(around.shape)
    assert np.vdot(around, y) == np.vdot(conv.input, fold(y, plan))


def test_columns_are_added_tap_by_tap_to_the_pixels_that_they_came_from() -> None:
    plan = plan_windows((1, 5), 2, dilation=2, space=LINE)
    pixels = np.array([[[1, 1, 1, 1, 1]]])
    columns = np.array([[[[10, 20, 30], [400, 500, 600]]]])
    add_windows(windows(pixels, plan, writeable=True), columns, plan.kernel_size)
    assert pixels.tolist() == [[[11, 21, 31 + 400, 501, 601]]]


def test_infinities_of_both_signs_are_added_silently() -> None:
    plan = plan_windows((1, 3), 2, space=LINE)
    pixels = np.zeros((1, 1, 3))
    with np.errstate(all="raise"):
        add_windows(windows(pixels, plan, writeable=True), np.array([[[[1.0, -np.inf], [np.inf, 1e308]]]]), (2,))
    np.testing.assert_array_equal(pixels, [[[1, np.nan, 1e308]]])


@pytest.mark.parametrize("rank", [1, 2, 3])
@law
@given(data=st.data())
def test_adding_columns_is_the_adjoint_of_windows(rank: int, data: st.DataObject) -> None:
    conv = data.draw(convs(rank))
    plan, around = plan_of(conv), conv.padded
    y, pixels = conv.integers(windows(around, plan).shape), np.zeros_like(around)
    add_windows(windows(pixels, plan, writeable=True), y, plan.kernel_size)
    assert (windows(around, plan) * y).sum() == np.vdot(around, pixels)
