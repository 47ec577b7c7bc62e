"""What an analysis returns is data: it can be compared, and not changed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from refconv.analysis import AxisUse, Conv, Design, gridding, hdc, hole_free, repair_dilations, valid_weights


@pytest.mark.parametrize(
    "result",
    [
        AxisUse((1, 2, 1)),
        Design((1, 3), 3),
        gridding([Conv(3)]),
        hdc([1, 2]),
        hdc([1, 2]).sawtooth,
        hole_free([1, 2]),
        repair_dilations([2])[0],
        valid_weights(5, 3, 2),
    ],
    ids=lambda result: type(result).__name__,
)
def test_a_result_cannot_be_changed(result: Any) -> None:
    name = dataclasses.fields(result)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, name, None)
