"""A result in blocks: none is larger than asked for, and together they are all of it, each with its own sum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refconv import conv_transpose1d
from refconv.core.blocks import BLOCK, blocks
from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import plan_convolution
from refconv.geometry.transposed import read_by
from refconv.operations import LINEAR, Call
from refconv.testing.battery.tiers import cases


@pytest.mark.parametrize("op", LINEAR)
@pytest.mark.parametrize("most", [29, BLOCK])
def test_the_blocks_of_a_result_are_all_of_it_once(op: str, most: int) -> None:
    for case in cases("smoke", op=op):
        call = case.call()
        found = np.zeros(call.operation.sum.shape(call.plan), np.complex128)
        seen = np.zeros(found.shape, int)
        for place, part in call.blocks(most):
            found[place] = part(dtype=np.complex128)
            seen[place] += 1
            assert part.shape == found[place].shape
            assert found[place].size <= max(most, math.prod(call.plan.kernel_size), _least(call))
        assert (seen == 1).all(), case.id
        np.testing.assert_allclose(
            found.reshape(call.shape), call(dtype=np.complex128), rtol=1e-12, atol=1e-10, err_msg=case.id
        )


def _least(call: Call) -> int:
    """Under a padding mode pixels stand in several places, so that whole images are scattered to."""
    return 1 if call.plan.padding_mode == "zeros" else math.prod(call.plan.input_size)


def places(plan: Any, asked: str, most: int, **options: bool) -> list[list[tuple[int, int]]]:
    return [[(at.start, at.stop) for at in getattr(cut, asked)] for cut in blocks(plan, asked, most, **options)]


def test_images_then_rows_of_all_channels_then_channels() -> None:
    # 2 images of 3 channels of 4×5 outputs
    plan = plan_convolution((2, 2, 5, 6), (3, 2, 2, 2))
    assert places(plan, "output", 120) == [[(0, 2), (0, 3), (0, 4), (0, 5)]]
    assert places(plan, "output", 60) == [[(n, n + 1), (0, 3), (0, 4), (0, 5)] for n in range(2)]
    assert places(plan, "output", 30) == [
        [(n, n + 1), (0, 3), (p, p + 2), (0, 5)] for n in range(2) for p in (0, 2)
    ]  # fmt: skip
    assert places(plan, "output", 2)[0] == [(0, 1), (0, 2), (0, 1), (0, 1)]


def test_an_image_stays_whole_where_it_is_to() -> None:
    plan = plan_convolution((2, 2, 5, 6), (3, 2, 2, 2))
    assert places(plan, "output", 50, whole=True) == [
        [(n, n + 1), (c, min(c + 2, 3)), (0, 4), (0, 5)] for c in (0, 2) for n in range(2)
    ]  # fmt: skip


def test_the_pixels_of_an_input_and_the_taps_of_a_weight() -> None:
    plan = plan_convolution((2, 2, 5, 6), (3, 2, 2, 2))
    assert places(plan, "input", 60) == [[(n, n + 1), (0, 2), (0, 5), (0, 6)] for n in range(2)]
    assert places(plan, "input", 24) == [
        [(n, n + 1), (0, 2), (h, min(h + 2, 5)), (0, 6)] for n in range(2) for h in (0, 2, 4)
    ]  # fmt: skip
    assert places(plan, "weight", 16)[:2] == [[(0, 2), (0, 2)], [(2, 3), (0, 2)]]
    assert places(plan, "weight", 4) == [[(o, o + 1), (c, c + 1)] for o in range(3) for c in range(2)]


def test_pixels_that_no_window_reaches_are_read_by_none() -> None:
    # 7 pixels, windows of 2 at a stride of 3: pixel 2 stands between two of them, pixel 6 beyond the last.
    axis = AxisGeometry(7, 2, stride=3, unread=2)
    assert axis.output_size == 2
    for pixel, before in ((2, 2), (5, 2), (6, 3)):
        outputs, own = read_by(axis, slice(pixel, pixel + 1))
        assert (outputs.stop - outputs.start, own.output_size) == (1, 1)
        assert own.padding == (before, 0)
        assert all(own.input_index(0, tap) != 0 for tap in range(2))  # the window passes the pixel by


def test_the_bias_alone_stands_where_nothing_is_scattered_to() -> None:
    call = Call.of(
        conv_transpose1d, np.ones((1, 1, 2)), np.ones((1, 1, 2)), np.array([5.0]), stride=3, output_padding=2
    )
    found = [float(part()[0, 0, 0]) for _, part in call.blocks(1)]
    assert found == [6, 6, 5, 6, 6, 5, 5]


def test_a_part_of_a_conjugated_factor_is_conjugated() -> None:
    gradient = LINEAR["conv2d_input"].function
    call = Call.of(gradient, (1, 1, 1, 2), np.full((1, 1, 1, 1), 2j), np.full((1, 1, 1, 2), 1 + 0j))
    assert [part().item() for _, part in call.blocks(1)] == [-2j, -2j]


def test_one_image_of_a_part_is_a_call_of_its_own() -> None:
    image = np.arange(8.0).reshape(2, 1, 2, 2)
    call = Call.of(LINEAR["conv2d_weight"].function, image, (1, 1, 1, 1), np.ones_like(image))
    [(_, part)] = call.blocks()
    assert (part.of_image(0)().item(), call.of_image(1)().item()) == (0 + 1 + 2 + 3, 4 + 5 + 6 + 7)


def test_the_weights_of_a_block_are_as_few_as_those_of_a_part() -> None:
    # One channel of the input meets 4096 output channels through 9 taps: 28 channels are just below 2^20 weights.
    plan = plan_convolution((1, 64, 2, 3), (4096, 64, 3, 3), padding=1)
    found = [part.plan.in_channels for part in blocks(plan, "input")]
    assert found == [28, 28, 8]
    # One channel of the output meets 64 of the input: all weights of 1820 are just below.
    assert [part.plan.out_channels for part in blocks(plan, "output")] == [1820, 1820, 456]
