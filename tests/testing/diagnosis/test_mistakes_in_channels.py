"""Which channels, products and weights a mistake takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from refconv import conv2d
from refconv.operations import Call
from refconv.testing.diagnosis import mistakes_in_channels as channels
from refconv.testing.diagnosis.mistakes import Change, changed
from refconv.testing.diagnosis.right_reading import reading_of


@pytest.mark.parametrize(
    ("select", "count", "taken"),
    [
        (channels._past_whole(4), 11, [8, 9, 10]),
        (channels._past_whole(4), 8, []),
        (channels._past_whole(4), 3, [0, 1, 2]),
        (channels._before_last(16), 40, list(range(32))),
        (channels._before_last(16), 33, list(range(32))),
        (channels._before_last(16), 32, list(range(16))),
        (channels._before_last(16), 16, []),
        (channels._before_last(16), 0, []),
    ],
)
def test_a_function_of_a_number_selects_some(select: Callable[[int], slice], count: int, taken: list[int]) -> None:
    assert list(range(count))[select(count)] == taken


def weights_of(change: Change, outputs: int, each: int, groups: int = 1, taps: int = 1) -> list[list[float]]:
    """Return the weights (O, C/G·K) that a mistake multiplies with, where the right ones are 1, 2, 3 ..."""
    weight = np.arange(1.0, outputs * each * taps + 1).reshape(outputs, each, 1, taps)
    reading = reading_of(Call.of(conv2d, np.ones((1, each * groups, 1, taps)), weight, groups=groups))
    found: list[list[float]] = change(reading).weight.reshape(outputs, -1).tolist()
    return found


def test_the_last_channel_of_each_whole_step_is_lost() -> None:
    assert weights_of(channels._last_lost(2), 1, 5) == [[1, 0, 3, 0, 5]]
    assert weights_of(channels._last_lost(4), 2, 5) == [[1, 2, 3, 0, 5], [6, 7, 8, 0, 10]]


def test_a_tail_has_another_weight() -> None:
    assert weights_of(channels._tail(2, 1), 1, 3) == [[1, 2, 1]]
    assert weights_of(channels._tail(2, 0), 2, 3) == [[1, 2, 0], [4, 5, 0]]


def test_products_are_counted_over_channels_and_taps() -> None:
    lost = channels._products(channels._past_whole(4))
    assert weights_of(lost, 2, 3, taps=3) == [[1, 2, 3, 4, 5, 6, 7, 8, 0], [10, 11, 12, 13, 14, 15, 16, 17, 0]]


def test_a_group_begins_where_a_smaller_one_would() -> None:
    # Of 3 groups of 2·1 weights, which begin at 0, 2 and 4: at 0, 2 // 3 = 0 and 4 // 3 = 1.
    assert weights_of(changed("weight", channels._weights_at), 6, 1, groups=3) == [[1], [2], [1], [2], [2], [3]]
