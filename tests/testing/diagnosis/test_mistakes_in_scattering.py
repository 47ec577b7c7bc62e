"""Which channels are read where the arguments of a transposed convolution are exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refconv import conv_transpose1d
from refconv.operations import Call
from refconv.testing.diagnosis.mistakes_in_scattering import GROUPS_AND_DILATION
from refconv.testing.diagnosis.reading import Reading
from refconv.testing.diagnosis.right_reading import reading_of


def reading(channels: int, **steps: Any) -> Reading:
    return reading_of(Call.of(conv_transpose1d, np.ones((1, channels, 5)), np.ones((channels, 3, 2)), **steps))


def test_as_many_groups_are_taken_as_the_dilation_says_and_the_other_way_round() -> None:
    wrong: Any = GROUPS_AND_DILATION.made(reading(4, dilation=2))
    assert (wrong.groups, wrong.axes[0].dilation) == (2, 1)
    assert wrong.channels.tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]]  # of 3 outputs in each group
    assert wrong.bias.tolist() == [[0] * 6]


@pytest.mark.parametrize(
    ("channels", "steps"),
    [(4, {"dilation": 3}), (4, {"dilation": 2, "stride": 1, "output_padding": 1}), (4, {"dilation": 2, "groups": 2})],
)
def test_where_that_is_refused_or_changes_nothing_the_reading_stays_as_it_is(
    channels: int, steps: dict[str, int]
) -> None:
    right = reading(channels, **steps)
    assert GROUPS_AND_DILATION.made(right) is right
