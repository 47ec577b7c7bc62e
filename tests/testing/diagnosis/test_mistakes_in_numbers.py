"""Which numbers are read where an index has too few bits."""

from __future__ import annotations

import numpy as np

from refconv import conv1d
from refconv.operations import Call
from refconv.testing.diagnosis.mistakes_in_numbers import PIXELS
from refconv.testing.diagnosis.right_reading import reading_of


def test_an_index_of_16_bits_begins_anew_after_65536_elements() -> None:
    image = np.arange(2.0**16 + 2).reshape(1, 2, 2**15 + 1)
    (mistake,) = [each for each in PIXELS if each.code == "index-wraps-at-2^16"]
    wrong = mistake.made(reading_of(Call.of(conv1d, image, np.ones((1, 2, 1)))))
    assert wrong.input.ravel().tolist() == [*range(2**16), 0, 1]
