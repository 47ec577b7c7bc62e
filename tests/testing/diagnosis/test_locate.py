"""An output spoilt in a known place by a known content is said to be so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import refconv
from refconv.operations import Call
from refconv.testing import Finding, diagnose, diagnose_result
from refconv.testing.diagnosis.contents import contents
from refconv.testing.diagnosis.evidence import Evidence, gather
from refconv.testing.diagnosis.locate import locate, regions
from refconv.testing.diagnosis.right_reading import reading_of

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 4, 11, 12)).astype(np.float32)
W = RNG.standard_normal((10, 2, 3, 3)).astype(np.float32)
B = RNG.standard_normal(10).astype(np.float32)
PARAMETERS: dict[str, Any] = {"padding": (1, 1), "groups": 2}
TRUTH = refconv.conv2d(X, W, B, **PARAMETERS)  # (3, 10, 11, 12)
BORDER = np.ones((11, 12), bool)
BORDER[1:-1, 1:-1] = False
EVERY = slice(None)


def spoilt(where: Any, value: Any) -> list[Finding]:
    actual = TRUTH.copy()
    actual[where] = value
    return diagnose(actual, X, W, B, **PARAMETERS)


PLACES: dict[str, tuple[Any, str]] = {
    "all": (EVERY, "everywhere"),
    "images-after-first": (slice(1, None), "in all images after the first"),
    "channels-last-group": ((EVERY, slice(5, None)), "in the last group, from channel 5 on"),
    "channels-past-tile": ((EVERY, slice(8, None)), "in the channels past the last whole tile of 8"),
    "rows-past-tile": ((EVERY, EVERY, slice(8, None)), "in the rows past the last whole tile of 8"),
    "columns-past-tile": ((..., slice(8, None)), "in the columns past the last whole tile of 8"),
    "pixels-past-tile": (
        (EVERY, EVERY, np.add.outer(np.arange(11) >= 8, np.arange(12) >= 8)),
        "in the rows or columns past the last whole tile of 8",
    ),
    "maps-past-tile": (
        (np.arange(30).reshape(3, 10) >= 24),
        "in the maps past the last whole tile of 8",
    ),
    "columns-in-two-tiles": ((..., slice(4, 8)), "in the columns that the last two tiles of 8 share"),
    "map-pixels-past-tile": (
        (EVERY, EVERY, *np.divmod([128, 129, 130, 131], 12)),
        "in the map pixels past the last whole tile of 32",
    ),
    "elements-past-tile": (
        np.unravel_index(np.arange(3936, 3960), TRUTH.shape),
        "in the elements past the last whole tile of 32",
    ),
    "map-pixels-modulo": ((EVERY, EVERY, np.arange(132).reshape(11, 12) % 8 == 5), "in map pixels 5 modulo 8"),
    "elements-modulo": (np.unravel_index(np.arange(31, 3960, 32), TRUTH.shape), "in elements 31 modulo 32"),
    "last-pixel": ((..., -1, -1), "at the last pixel (bottom right)"),
    "border": ((EVERY, EVERY, BORDER), "where the window touches the padding"),
    "rows-modulo": ((EVERY, EVERY, slice(1, None, 2)), "in rows 1 modulo 2"),
    "channels-modulo": ((EVERY, slice(0, None, 3)), "in channels 0 modulo 3"),
    "one-image": (1, "in image 1 alone"),
    "one-channel": ((EVERY, 0), "in channel 0 alone"),
    "one-row": ((EVERY, EVERY, 5), "in row 5 alone"),
    "one-column": ((..., 0), "in column 0 alone"),
    "one-pixel": ((EVERY, EVERY, 3, 4), "in row 3, column 4"),
    "some-channels+some-columns": (
        (EVERY, [2, 3], EVERY, slice(4, 9)),
        "in channels 2, 3, columns 4 to 8",
    ),
    "some-rows+some-columns": ((EVERY, EVERY, slice(2, 9), 4), "in rows 2 to 8, column 4"),
    "some-rows": ((EVERY, EVERY, [1, 2, 3, 5, 6, 7]), "in rows 1 to 7 (6 of them)"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_named_with_the_zeros_in_it(place: str) -> None:
    where, words = PLACES[place]
    finding = spoilt(where, 0)[0]
    assert finding.code == f"{place}-zero"
    assert finding.sentence == f"it is wrong {words}: zeros stand there"
    assert finding.explained == finding.wrong == (np.zeros_like(TRUTH)[where].size)


@pytest.mark.parametrize(
    "place", [place for place in PLACES if place not in ("all", "some-rows", "columns-in-two-tiles")]
)
def test_a_place_is_named_by_itself_where_nothing_known_stands(place: str) -> None:
    where, words = PLACES[place]
    actual = TRUTH.copy()
    actual[where] += 5 + np.arange(actual[where].size, dtype=np.float32).reshape(actual[where].shape) % 7
    regions = locate(Evidence.of(*gather(actual, Call.of(refconv.conv2d, X, W, B, **PARAMETERS))))
    assert (regions[0].code, regions[0].words) == (place, words)


def places_of(code: str, channels: int, *size: int) -> list[list[list[int]]]:
    """The indices of the elements of each region of this code, of so many channels of this size."""
    right = reading_of(Call.of(refconv.conv2d, np.ones((1, 1, *size)), np.ones((channels, 1, 1, 1))))
    masks = [
        np.broadcast_to(region.mask, right.shape)
        for region in regions(right, (0,) * len(right.shape))
        if region.code == code
    ]
    return [np.argwhere(mask).tolist() for mask in masks]


@pytest.mark.parametrize(("channels", "firsts"), [(6, [3, 3]), (7, [3, 4])])
def test_half_of_an_odd_number_of_channels_is_rounded_down_or_up(channels: int, firsts: list[int]) -> None:
    assert places_of("channels-second-half", channels, 1, 1) == [
        [[0, channel, 0, 0] for channel in range(first, channels)] for first in firsts
    ]


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (3, 4)])
def test_the_last_pixel_is_a_place_where_there_are_several(size: tuple[int, int]) -> None:
    assert places_of("last-pixel", 1, *size) == [[[0, 0, size[0] - 1, size[1] - 1]]]
    assert places_of("last-pixel", 1, 1, 1) == []


def test_of_one_group_none_is_the_last() -> None:
    assert places_of("channels-last-group", 6, 1, 1) == []


CONTENTS: dict[str, tuple[Any, str]] = {
    "zero": (0, "zeros stand there"),
    "nan": (np.nan, "NaN stands there"),
    "infinite": (np.inf, "infinity stands there"),
    "bias-alone": (np.broadcast_to(B[:, None, None], TRUTH.shape)[1:], "the bias alone stands there"),
    "plus-constant": (TRUTH[1:] + np.float32(1.5), "the truth plus 1.5 stands there"),
    "scaled": (TRUTH[1:] * np.float32(0.25), "0.25 times the truth stands there"),
    "stale": (TRUTH[1:][..., ::-1, ::-1], "elements of the truth stand there that belong elsewhere"),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_a_content_is_named_with_its_place(content: str) -> None:
    value, words = CONTENTS[content]
    codes = {finding.code: finding.sentence for finding in spoilt(slice(1, None), value)}
    code = f"images-after-first-{content}"
    assert codes[code] == f"it is wrong in all images after the first: {words}"


def test_the_truth_of_a_neighbour() -> None:
    codes = {finding.code: finding.sentence for finding in spoilt((..., slice(8, None)), TRUTH[..., 7:11])}
    assert codes["columns-past-tile-neighbour"] == (
        "it is wrong in the columns past the last whole tile of 8: "
        "the truth of the output at [+0, +0, +0, -1] from there stands there"
    )


def test_swapped_outputs_are_said_to_be_so() -> None:
    actual = TRUTH.copy()
    actual[:, [2, 7]] = TRUTH[:, [7, 2]]
    (finding,) = diagnose(actual, X, W, B, **PARAMETERS)
    assert finding.code == "outputs-swapped"
    assert finding.sentence == (
        "whole maps stand in each other's places: image 0, channel 2 holds what belongs to image 0, channel 7"
    )


@pytest.mark.parametrize(
    ("largest", "bits", "codes"),
    [
        (2.0**53 - 1, 8, ["wraps-at-8-bits"]),
        (2.0**53, 8, []),
        (2.0**40, 16, ["wraps-at-16-bits"]),
        (2.0**40, 32, ["wraps-at-32-bits"]),
    ],
)
def test_numbers_go_round_in_8_16_or_32_bits_unless_all_are_even(largest: float, bits: int, codes: list[str]) -> None:
    image = np.array([largest, 3, 5, 7, 9, 700]).reshape(1, 1, 2, 3)
    actual = image - 2.0**bits * np.array([1, 0, 0, 0, 0, 2]).reshape(image.shape)
    evidence = Evidence.of(*gather(actual, Call.of(refconv.conv2d, image, np.ones((1, 1, 1, 1)))))
    assert [content.code for content in contents(evidence)] == codes


@pytest.mark.parametrize(("last", "codes"), [(120, ["all-stale"]), (119, [])])
def test_whole_numbers_that_are_as_many_as_there_could_be_say_not_where_they_come_from(
    last: int, codes: list[str]
) -> None:
    image = np.array([*range(119), last], np.float64).reshape(1, 1, 10, 12)
    actual = np.random.default_rng(3).permutation(image.ravel()).reshape(image.shape)
    assert [finding.code for finding in diagnose(actual, image, np.ones((1, 1, 1, 1)))] == codes


@pytest.mark.parametrize(
    ("wrong", "more", "codes"), [([11, 3, 8, 1], 0, ["stale"]), ([11, 3, 8, 1], 99, []), ([11, 3, 8], 0, [])]
)
def test_four_numbers_of_the_truth_in_other_places_are_no_chance(wrong: list[int], more: int, codes: list[str]) -> None:
    image = (np.arange(12) ** 2 / 8).reshape(1, 1, 3, 4)
    actual = image.copy()
    actual.flat[wrong] = np.roll(image.flat[wrong], 1)  # the largest among them, which stands at 3
    actual.flat[wrong[0]] += more
    evidence = Evidence.of(*gather(actual, Call.of(refconv.conv2d, image, np.ones((1, 1, 1, 1)))))
    assert [content.code for content in contents(evidence)] == codes


@pytest.mark.parametrize(("off", "codes"), [(0.5, ["bias-of-another-channel"]), (0.75, [])])
def test_biases_of_each_other_are_told_to_twice_the_bound(off: float, codes: list[str]) -> None:
    image, bias = (np.arange(12) ** 2 / 8).reshape(1, 1, 3, 4), np.array([10.0, 20])
    call = Call.of(refconv.conv2d, image, np.ones((2, 1, 1, 1)), bias)
    actual = image + bias[::-1].reshape(2, 1, 1) + off
    evidence = Evidence.of(*gather(actual, call))
    assert [content.code for content in contents(replace(evidence, bound=np.full(actual.shape, 0.25)))] == codes


def test_numbers_in_place_of_nan() -> None:
    image = X.copy()
    image[1, 2, 5, 6] = np.nan
    actual = np.nan_to_num(refconv.conv2d(image, W, B, **PARAMETERS), nan=3)
    codes = [finding.code for finding in diagnose(actual, image, W, B, **PARAMETERS)]
    assert codes[0] == "nan-lost"


def test_sums_that_wrap_and_sums_that_stop() -> None:
    image = (np.arange(3 * 4 * 11 * 12).reshape(3, 4, 11, 12) % 61).astype(np.float32)
    kernel = (np.arange(10 * 2 * 3 * 3).reshape(10, 2, 3, 3) % 13).astype(np.float32)
    truth = refconv.conv2d(image, kernel, padding=(1, 1), groups=2)
    assert truth.min() > 300
    wrapped = (truth + 128) % 256 - 128
    (finding,) = diagnose(wrapped, image, kernel, padding=(1, 1), groups=2)
    assert (finding.code, finding.sentence) == (
        "wraps-at-8-bits",
        "sums go round in a type of 8 bits: the truth modulo 2^8 stands there",
    )
    (finding,) = diagnose(np.minimum(truth, 2000), image, kernel, padding=(1, 1), groups=2)
    assert (finding.code, finding.sentence) == ("saturated", "what is larger stops at 2000")
    (finding,) = diagnose(
        np.clip(truth, 1000, 2000) - 1500, image, kernel, np.full(10, -1500.0), padding=(1, 1), groups=2
    )
    assert (finding.code, finding.sentence) == ("saturated", "what is larger stops at -500 and 500")


def test_outputs_past_2_to_the_16() -> None:
    image = np.arange(300 * 301, dtype=np.float64).reshape(1, 1, 300, 301) % 97 + 1
    kernel = np.array([[[[2.0]]]])
    actual = refconv.conv2d(image, kernel).reshape(-1)
    actual[2**16 :] = 0
    findings = {finding.code: finding.sentence for finding in diagnose(actual.reshape(image.shape), image, kernel)}
    assert findings["past-2^16-zero"] == "it is wrong from element number 2^16 on: zeros stand there"


def test_what_is_right_is_nowhere() -> None:
    evidence = Evidence.of(*gather(TRUTH, Call.of(refconv.conv2d, X, W, B, **PARAMETERS)))
    assert evidence.count == 0
    assert diagnose(TRUTH, X, W, B, **PARAMETERS) == []


def test_a_gradient_left_at_zero_is_no_bias_alone() -> None:
    y = RNG.standard_normal(TRUTH.shape).astype(np.float32)
    found = diagnose_result(np.zeros(X.shape, np.float32), refconv.grad.conv2d_input, X.shape, W, y, **PARAMETERS)
    codes = [finding.code for finding in found]
    assert codes[0] == "all-zero"
    assert not [code for code in codes if code.endswith("bias-alone")]
    of_weight = diagnose_result(np.zeros(W.shape, np.float32), refconv.grad.conv2d_weight, X, W.shape, y, **PARAMETERS)
    assert not [finding for finding in of_weight if finding.code.endswith("bias-alone")]
    x = np.zeros((2, 3, 5, 7), np.float32) + 1
    w = np.ones((3, 2, 3, 3), np.float32)
    codes = [f.code for f in diagnose_result(np.zeros((2, 2, 7, 9), np.float32), refconv.conv_transpose2d, x, w)]
    assert {"all-zero", "all-bias-alone"} < set(codes)


def test_tails_along_several_axes_and_of_several_maps_are_places_of_their_own() -> None:
    assert len(places_of("pixels-past-tile", 1, 8, 11)) == 1  # of tiles of 6: 8 rows leave nothing over of any other
    assert places_of("maps-past-tile", 9, 2, 2) == []  # of one image, they are its channels
