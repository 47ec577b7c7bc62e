"""Random cases as choices, and the case that some choices make."""

from __future__ import annotations

from typing import Any

import pytest

from refconv.testing.battery.drawn import case_of, options_of, with_room

# groups, channels and outputs of each, padding, batch, bias, type, data, layout and whose it is; then of each axis: taps, stride,
# dilation, padding before and after, pixels beyond what is needed, and output padding
PLAIN: tuple[Any, ...] = (1, 2, 3, "by side", "1", False, "f32", "real", "contiguous", "")


def size_of(op: str, *axes: int, padding: str = "by side") -> tuple[int, ...]:
    chosen = (*PLAIN[:3], padding, *PLAIN[4:], *axes)
    return case_of(op, chosen).input_shape[2:]


@pytest.mark.parametrize(
    ("op", "axis", "size"),
    [
        ("conv1d", (3, 2, 5, 1, 2, 7, 0), 11),  # reach 5·2 + 1 = 11, less 3, and 7 // 2 beyond
        ("conv1d", (1, 3, 1, 2, 2, 2, 8), 1),  # there is always a pixel,
        ("conv1d", (1, 3, 1, 2, 2, 2, 9), 0),  # but now and then, where the padding alone is enough
        ("conv1d", (3, 3, 1, 1, 1, 2, 9), 1),  # one pixel is needed
        ("conv_transpose1d", (3, 2, 1, 1, 2, 9, 0), 4),  # (n − 1)·2 + 3 − 3 ≥ 1: 2, and 9 // 4 beyond
        ("conv_transpose1d", (1, 4, 1, 3, 4, 0, 2), 3),  # (n − 1)·4 + 1 + 2 − 7 ≥ 1: 3
        ("conv_transpose1d", (4, 4, 1, 0, 0, 7, 2), 1),
    ],
)
def test_an_image_is_as_small_as_its_kernel_allows_and_some_pixels_larger(
    op: str, axis: tuple[int, ...], size: int
) -> None:
    assert size_of(op, *axis) == (size,)


def test_an_output_padding_is_below_the_larger_of_stride_and_dilation() -> None:
    for stride, dilation, last, extra in [(4, 1, 9, 3), (2, 5, 9, 4), (4, 1, 2, 2), (1, 1, 9, 0)]:
        case = case_of("conv_transpose1d", (*PLAIN, 2, stride, dilation, 0, 0, 0, last))
        assert case.output_padding == (extra,)


@pytest.mark.parametrize(
    ("laid_out", "layout", "bias", "kept"),
    [
        ("input", "strided", False, "input"),
        ("weight", "strided", True, "weight"),
        ("bias", "strided", True, "bias"),
        ("bias", "strided", False, ""),  # there is none
        ("input", "contiguous", True, ""),  # as all of them are
        ("", "strided", True, ""),
    ],
)
def test_a_layout_may_be_that_of_one_array_of_several(laid_out: str, layout: str, bias: bool, kept: str) -> None:
    chosen = (*PLAIN[:5], bias, *PLAIN[6:8], layout, laid_out, *(1, 1, 1, 0, 0, 3, 0))
    assert case_of("conv1d", chosen).laid_out == kept


def test_a_smaller_case_may_keep_the_pixels_of_a_larger_one() -> None:
    options = options_of("conv1d")
    fixed = [0] * (len(options) - 7)

    def places(*axis: int) -> list[int]:
        return [*fixed, *axis]

    def made(chosen: list[int]) -> Any:
        return case_of("conv1d", [several[place] for several, place in zip(options, chosen, strict=True)])

    before, after = places(4, 0, 1, 0, 0, 0, 0), places(4, 0, 0, 0, 0, 0, 0)  # 5 taps, dilated by 2 and not
    assert (made(before).input_shape[-1], made(after).input_shape[-1]) == (9, 5)
    kept = with_room("conv1d", options, after, made(before), made(after))
    assert kept == places(4, 0, 0, 0, 0, 4, 0)
    assert made(kept).input_shape[-1] == 9
    # Of stride 3 each output takes three pixels: to give 10 outputs as before, and not 1, there are 27 more, or as many as may be.
    before, after = places(0, 0, 0, 0, 0, 9, 0), places(0, 2, 0, 0, 0, 0, 0)
    assert (made(before).plan.output_size, made(after).plan.output_size) == ((10,), (1,))
    assert with_room("conv1d", options, after, made(before), made(after)) == places(0, 2, 0, 0, 0, 23, 0)
    before, after = places(0, 0, 0, 0, 0, 1, 0), places(0, 2, 0, 0, 0, 0, 0)
    assert with_room("conv1d", options, after, made(before), made(after)) == places(0, 2, 0, 0, 0, 9, 0)
    assert with_room("conv1d", options, before, made(after), made(before)) == before  # it is large enough


def test_what_is_refused_along_an_axis_is_not_drawn_there_any_more() -> None:
    every = options_of("conv2d")[-14:]  # taps, stride, dilation, padding before and after, pixels and output padding
    less = options_of("conv2d", {"k1", "s0", "p1"})[-14:]
    ones = [number for number, (more, few) in enumerate(zip(every, less, strict=True)) if few != more]
    assert ones == [1, 7, 10, 11]
    assert [less[number] for number in ones] == [(1,), (1,), (0,), (0,)]
    assert min(map(len, every)) == 5
