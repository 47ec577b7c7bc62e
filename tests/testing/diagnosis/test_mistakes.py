"""Each mistake is made once more here, in literal arguments or plain slices, and must be recognised by its code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampled import one_in

from refconv import conv2d
from refconv.geometry.axis import AxisGeometry
from refconv.testing import diagnose
from refconv.testing.diagnosis.directions import Convolution, InputAdjoint, Transposed, WeightAdjoint
from refconv.testing.diagnosis.mistake_tables import CONV2D, EVERY_MISTAKE, _table
from refconv.testing.diagnosis.mistakes_in_windows import unclamped
from refconv.testing.diagnosis.reading import Reading

MISTAKES, PAIRS, BY_CODE = CONV2D.mistakes, CONV2D.pairs, CONV2D.by_code

RNG = np.random.default_rng(5)
X = RNG.standard_normal((2, 6, 11, 13))
W = RNG.standard_normal((4, 3, 3, 2))
B = RNG.standard_normal(4)
S, P, D, G = (3, 2), ((4, 1), (2, 3)), (2, 5), 2


def run(*, x: Any = X, w: Any = W, b: Any = B, s: Any = S, p: Any = P, d: Any = D, g: Any = G, **options: Any) -> Any:
    """Return the output of a kernel that keeps to the right size: rows it has no pixels for are zero."""
    wide = tuple((before, after + 60) for before, after in p)
    rows, columns = conv2d(X, W, B, S, P, D, G).shape[2:]
    return conv2d(x, w, b, s, wide, d, g, **options)[:, :, :rows, :columns]


def shifted(rows: int, columns: int) -> Any:
    return run(p=((4 + rows, 1), (2 + columns, 3)))


TRUTH = conv2d(X, W, B, S, P, D, G)
WRONG: dict[str, Callable[[], Any]] = {
    "padding-missing": lambda: run(p=((0, 0), (0, 0))),
    "padding-missing-along-height": lambda: run(p=((0, 0), (2, 3))),
    "padding-missing-along-width": lambda: run(p=((4, 1), (0, 0))),
    "padding-sides-swapped": lambda: run(p=((1, 4), (3, 2))),
    "padding-sides-swapped-along-height": lambda: run(p=((1, 4), (2, 3))),
    "padding-all-before": lambda: run(p=((5, 0), (5, 0))),
    "padding-all-before-along-width": lambda: run(p=((4, 1), (5, 0))),
    "padding-halved": lambda: run(p=((2, 0), (1, 1))),
    "padding-doubled": lambda: run(p=((8, 2), (4, 6))),
    "padding-axes-swapped": lambda: run(p=((2, 3), (4, 1))),
    "padding-first-for-both": lambda: run(p=((4, 1), (4, 1))),
    "padding-second-for-both": lambda: run(p=((2, 3), (2, 3))),
    "padding-circular": lambda: conv2d(X, W, B, S, P, D, G, padding_mode="circular"),
    "padding-replicated": lambda: conv2d(X, W, B, S, P, D, G, padding_mode="replicate"),
    "padding-reflected": lambda: conv2d(X, W, B, S, P, D, G, padding_mode="reflect"),
    "negative-index-wraps": lambda: run(x=np.pad(X, ((0, 0), (0, 0), (4, 0), (2, 0)), mode="wrap"), p=((0, 1), (0, 3))),
    "window-one-late": lambda: shifted(-1, -1),
    "window-one-late-along-height": lambda: shifted(-1, 0),
    "window-one-early": lambda: shifted(1, 1),
    "window-one-early-along-width": lambda: shifted(0, 1),
    "dilation-ignored": lambda: run(d=1),
    "dilation-ignored-along-height": lambda: run(d=(1, 5)),
    "dilation-ignored-along-width": lambda: run(d=(2, 1)),
    "dilation-axes-swapped": lambda: run(d=(5, 2)),
    "dilation-first-for-both": lambda: run(d=2),
    "dilation-second-for-both": lambda: run(d=5),
    "dilation-one-too-large": lambda: run(d=(3, 6)),
    "dilation-one-too-small-along-width": lambda: run(d=(2, 4)),
    "stride-ignored": lambda: run(s=1),
    "stride-ignored-along-width": lambda: run(s=(3, 1)),
    "stride-axes-swapped": lambda: run(s=(2, 3)),
    "stride-first-for-both": lambda: run(s=3),
    "stride-second-for-both": lambda: run(s=2),
    "stride-and-dilation-swapped": lambda: run(s=(2, 5), d=(3, 2)),
    "kernel-flipped": lambda: run(w=W[:, :, ::-1, ::-1]),
    "kernel-flipped-along-height": lambda: run(w=W[:, :, ::-1]),
    "kernel-flipped-along-width": lambda: run(w=W[..., ::-1]),
    "kernel-transposed": lambda: run(w=W.reshape(4, 3, 2, 3).swapaxes(2, 3)),
    "weight-read-as-ohwi": lambda: run(w=W.reshape(4, 3, 2, 3).transpose(0, 3, 1, 2)),
    "weight-read-as-hwio": lambda: run(w=W.reshape(3, 2, 3, 4).transpose(3, 2, 0, 1)),
    "weight-read-as-iohw": lambda: run(w=W.reshape(3, 4, 3, 2).swapaxes(0, 1)),
    "input-read-as-nhwc": lambda: run(x=X.reshape(2, 11, 13, 6).transpose(0, 3, 1, 2)),
    "input-read-as-cnhw": lambda: run(x=X.reshape(6, 2, 11, 13).swapaxes(0, 1)),
    "input-transposed": lambda: run(x=X.reshape(2, 6, 13, 11).swapaxes(2, 3)),
    "output-stored-as-nhwc": lambda: TRUTH.transpose(0, 2, 3, 1).reshape(TRUTH.shape),
    "output-transposed": lambda: TRUTH.swapaxes(2, 3).reshape(TRUTH.shape),
    "output-batch-and-channels-swapped": lambda: TRUTH.swapaxes(0, 1).reshape(TRUTH.shape),
    "output-groups-transposed": lambda: TRUTH[:, [0, 2, 1, 3]],
    "groups-interleaved": lambda: conv2d(X[:, [0, 2, 4, 1, 3, 5]], W[[0, 2, 1, 3]], B[[0, 2, 1, 3]], S, P, D, G)[
        :, [0, 2, 1, 3]
    ],
    "groups-interleaved-inputs": lambda: run(x=X[:, [0, 2, 4, 1, 3, 5]]),
    "groups-interleaved-outputs": lambda: run(w=W[[0, 2, 1, 3]], b=B[[0, 2, 1, 3]])[:, [0, 2, 1, 3]],
    "groups-all-read-first": lambda: run(x=X[:, [0, 1, 2, 0, 1, 2]]),
    "groups-ignored": lambda: run(w=np.tile(W, (1, 2, 1, 1)), g=1),
    "groups-as-depthwise": lambda: run(x=X[:, [0, 1, 3, 4]], w=W[:, :1], g=4),
    "batch-first-for-all": lambda: run(x=X[[0, 0]]),
    "bias-missing": lambda: run(b=None),
    "bias-twice": lambda: run(b=2 * B),
    "bias-of-image": lambda: run(b=None) + B[:2, None, None, None],
    "bias-first-for-all": lambda: run(b=B[[0, 0, 0, 0]]),
    "input-channel-tail-lost": lambda: run(w=W * np.array([1, 1, 0])[:, None, None]),
    "inputs-rounded-to-fp16": lambda: run(x=X.astype(np.float16), w=W.astype(np.float16), b=B, dtype=np.float64),
    "dilation-ignored+bias-missing": lambda: run(d=1, b=None),
    "stride-axes-swapped+kernel-flipped": lambda: run(s=(2, 3), w=W[:, :, ::-1, ::-1]),
}


@pytest.mark.parametrize("code", one_in(4, WRONG))
def test_a_mistake_is_recognised(code: str) -> None:
    findings = diagnose(WRONG[code](), X, W, B, S, P, D, G)
    assert code in [finding.code for finding in findings]
    finding = next(finding for finding in findings if finding.code == code)
    assert finding.sentence == BY_CODE[code].sentence
    assert finding.reading == BY_CODE[code].should
    assert finding.wrong == finding.explained > 0
    assert set(finding.alternatives) == {other.code for other in findings} - {code}


def test_zeros_in_the_padding_of_another_mode_are_recognised() -> None:
    wrong = conv2d(X, W, B, S, P, D, G)
    codes = [finding.code for finding in diagnose(wrong, X, W, B, S, P, D, G, padding_mode="circular")]
    assert codes == ["padding-zero"]


def test_no_two_mistakes_share_a_code_but_for_their_variants() -> None:
    sentences: dict[str, set[str]] = {}
    for mistake in MISTAKES:
        sentences.setdefault(mistake.code, set()).add(mistake.should)
    assert {code for code, readings in sentences.items() if len(readings) > 1} == set()


def test_common_mistakes_are_tried_first_and_in_pairs() -> None:
    common = [mistake.code for mistake in MISTAKES if mistake.is_common]
    assert [mistake.code for mistake in MISTAKES[: len(common)]] == common
    assert len(PAIRS) == len(common) * (len(common) - 1) // 2
    first = PAIRS[0]
    assert first.code == "+".join(common[:2])
    assert first.sentence == f"{MISTAKES[0].sentence}, and {MISTAKES[1].sentence}"
    assert first.should == f"{MISTAKES[0].should}; {MISTAKES[1].should}"


@pytest.mark.parametrize(
    ("pixels", "extra", "padding"),
    [(8, 0, (0, -1)), (8, 1, (0, 0)), (8, 3, (0, 0)), (9, 0, (-1, -1)), (10, 0, (-1, -2))],
)
def test_half_of_a_total_below_0_is_cut_off_in_front(pixels: int, extra: int, padding: tuple[int, int]) -> None:
    # 2 windows of one pixel at stride 6 reach 7; the larger half is cut off behind, or in front.
    axis = AxisGeometry(pixels, 1, stride=6)
    assert unclamped(axis, extra, larger_first=False).padding == padding
    assert unclamped(axis, extra, larger_first=True).padding == padding[::-1]


def test_where_there_is_padding_none_is_cut_off() -> None:
    axis = AxisGeometry(8, 1, stride=6, padding=(0, 1))
    assert unclamped(axis, larger_first=True) is axis


STEPS = {"padding-missing", "padding-sides-swapped", "dilation-ignored", "stride-ignored"}
STEPS |= {"padding-axes-swapped", "dilation-axes-swapped", "stride-axes-swapped"}
GROUPS = {"groups-interleaved", "groups-all-read-first"}
KERNEL = {"kernel-flipped", "kernel-transposed"}
COMMON: dict[type[Reading], set[str]] = {
    Convolution: STEPS | GROUPS | KERNEL | {"bias-missing"},
    InputAdjoint: STEPS | GROUPS | KERNEL | {"padding-not-turned-round"},
    Transposed: STEPS | GROUPS | KERNEL | {"padding-not-turned-round", "bias-missing"},
    WeightAdjoint: STEPS | GROUPS,
}


@pytest.mark.parametrize("direction", COMMON)
def test_the_common_mistakes_of_each_direction(direction: type[Reading]) -> None:
    assert {mistake.code for mistake in _table(direction, 2).mistakes if mistake.is_common} == COMMON[direction]


def test_every_code_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    families = {mistake.code for mistake in EVERY_MISTAKE if not mistake.is_variant}
    missing = {code for code in families if f"`{code}`" not in page and "-along-" not in code}
    assert missing == set()


def test_of_a_single_image_the_first_bias_for_all_is_the_likelier() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, (1, 2, 4, 5)).astype(float), rng.integers(-9, 9, (3, 2, 2, 2)).astype(float)
    bias = np.array([5.0, 7, 11])
    codes = [finding.code for finding in diagnose(conv2d(x, w) + 5, x, w, bias)]
    assert codes[0] == "bias-first-for-all"
    assert "bias-of-image" in codes
