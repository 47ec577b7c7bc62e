"""What is said of spoilt outputs is what was said before: `places.txt` has checksums of it.

Outputs are spoilt in a place drawn at random, by what is drawn at random to stand there.  Beside the tests of each place
and content, this notices what changes unmeant.  Where a change is meant, print the table anew:
``PYTHONPATH=tests python tests/testing/diagnosis/test_same_places.py > tests/testing/diagnosis/places.txt``.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampled import one_in

from refconv.testing import Case, find_case
from refconv.testing.diagnosis.diagnose import causes_of

Array = np.ndarray[Any, Any]
TABLE = Path(__file__).with_name("places.txt")
SPOILT, TOGETHER = 360, 30
CASES = (
    *("n3-c4-o10-g2-11x12-k3-s1-p1-d1-bias-f32", "n2-c3-o5-g1-9x20-k2x3-s2x1-p1x0-d1x2-f64", "conv1d-n2-c4-o6-g2-40-k3-s1-p1-d2-bias-f32"),
    *("conv3d-n2-c2-o4-g1-5x6x7-k2x3x1-s1-p0-d1-f32", "conv_transpose2d-n2-c4-o6-g2-5x6-k3x2-s2-p1x0-e0x1-d1-bias-f32", "c3-o9-g1-8x18-k3-s1-p1-d1-bias-f32"),
    *("conv2d_input-n2-c4-o6-g2-10x17-k3x2-s1-p1-d1-f32", "conv2d_weight-n2-c6-o9-g3-9x8-k3x4-s1-p1-d1-f32", "n2-c3-o4-g1-7x18-k3-s1-p1-d1-f32-nan"),
)  # fmt: skip


def place_of(shape: tuple[int, ...], draw: random.Random) -> Array:
    """Some images, channels, rows and columns: one, several, every second one, those past a tile, or all; or the edge."""
    mask = np.ones(shape, bool)
    for axis, size in enumerate(shape):
        places = np.arange(size)
        chosen = draw.choice(
            [
                *[places >= 0] * 4,
                places == draw.randrange(size),
                places % draw.choice([2, 3]) == draw.choice([0, 1]),
                places >= size - size % draw.choice([2, 4, 8]),
                (places >= draw.randrange(size)) & (places < size - draw.randrange(2)),
                (places == 0) | (places == size - 1),
            ]
        )
        mask &= chosen.reshape(-1, *(1,) * (len(shape) - axis - 1))
    return mask if mask.any() else ~mask


CONTENTS: tuple[Callable[[Array, Array, random.Random], Any], ...] = (
    lambda truth, *_: 0 * truth,
    lambda truth, *_: truth * np.nan,
    lambda truth, *_: truth * np.inf,
    lambda truth, _, draw: truth + draw.choice([1, -3, 64]),
    lambda truth, _, draw: truth * draw.choice([0.5, 2, -1, 3]),
    lambda truth, _, draw: np.roll(truth, draw.choice([1, -1, 2, -2, 3, -3]), draw.randrange(truth.ndim)),
    lambda truth, mask, draw: np.where(mask, draw.sample(list(truth.flat), 1)[0], truth),
    lambda truth, _, draw: np.random.default_rng(draw.randrange(99)).permutation(truth.reshape(-1)).reshape(truth.shape),
    lambda truth, _, draw: np.clip(truth, -draw.choice([8, 100]), draw.choice([8, 127])),
    lambda truth, *_: (truth + 128) % 256 - 128,
    lambda truth, *_: np.abs(truth),
    lambda truth, *_: np.maximum(truth, 0),
    lambda truth, _, draw: truth + np.random.default_rng(draw.randrange(99)).integers(1, 9, truth.shape),
    lambda truth, *_: truth[..., ::-1],
    lambda truth, *_: truth * (1 + 2.0**-12),
    lambda truth, _, draw: truth[tuple(slice(0, size - draw.randrange(2)) for size in truth.shape)],
    lambda truth, _, draw: truth.transpose(draw.sample(range(truth.ndim), truth.ndim)),
    lambda truth, *_: truth.astype(np.complex64) if truth.dtype == np.float32 else truth.astype(np.int64),
)  # fmt: skip


def said(number: int) -> str:
    draw = random.Random(number)
    case: Case = find_case(CASES[number % len(CASES)])
    call = case.call()
    truth = call()
    mask, content = place_of(truth.shape, draw), CONTENTS[number // len(CASES) % len(CONTENTS)]
    with np.errstate(all="ignore"):
        other = np.asarray(content(truth, mask, draw))
        actual = (
            np.where(mask, other, truth).astype(truth.dtype)
            if other.shape == truth.shape and other.dtype.kind == "f"
            else other
        )
        return "\n".join(f"{finding!r}\n{finding}" for finding in causes_of(actual, call))


def line(part: int) -> str:
    texts = [said(part * TOGETHER + number) for number in range(TOGETHER)]
    return f"{part} {sum(map(len, texts))} {zlib.crc32(''.join(texts).encode()):08x}"


@pytest.mark.parametrize("part", one_in(12, range(SPOILT // TOGETHER)))
def test_what_is_said_of_spoilt_outputs_is_what_was_said(part: int) -> None:
    assert line(part) in TABLE.read_text().splitlines()


if __name__ == "__main__":
    print("\n".join(map(line, range(SPOILT // TOGETHER))))
