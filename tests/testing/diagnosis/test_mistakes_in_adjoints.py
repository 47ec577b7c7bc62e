"""Each mistake in an adjoint is made once more here, in plain loops and slices, and must be recognised by its code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sampled import one_in

import refconv
from refconv.operations import Call
from refconv.testing import Finding, find_case
from refconv.testing.diagnosis.causes import examined, explained
from refconv.testing.diagnosis.diagnose import diagnose_result
from refconv.testing.diagnosis.mistake_tables import CONV2D, EVERY_MISTAKE, table_of
from refconv.testing.diagnosis.right_reading import reading_of

RNG = np.random.default_rng(23)
X = RNG.standard_normal((2, 4, 3, 5))
W = RNG.standard_normal((4, 3, 2, 3))
B = RNG.standard_normal(6)
S, P, E, G, D = (2, 3), ((1, 3), (2, 1)), (2, 1), 2, (4, 3)
SIZE = (7, 17)  # 2·2 + 4·1 + 1 + 2 − 4 and 3·4 + 3·2 + 1 + 1 − 3; 4 rows and 3 columns are cropped of (9, 19)
TRUTH = refconv.conv_transpose2d(X, W, B, S, P, E, G, D)


def blocks(x: Any, w: Any, i: int, j: int) -> Any:
    """Return what every pixel adds through one tap, group by group: (N, C, P, Q)."""
    return np.concatenate([np.einsum("nopq,oc->ncpq", x[:, g], w[g, :, i, j]) for g in (slice(2), slice(2, 4))], axis=1)


def scatter(*, x: Any = X, w: Any = W, s: Any = S, d: Any = D, products: Any = blocks) -> Any:
    """Return the sums before anything is cropped."""
    rows, columns = (s[a] * (x.shape[2 + a] - 1) + d[a] * (w.shape[2 + a] - 1) + 1 for a in (0, 1))
    full = np.zeros((2, 6, rows, columns))
    for i, j in np.ndindex(*w.shape[2:]):
        part = full[:, :, d[0] * i :: s[0], d[1] * j :: s[1]]
        part[:, :, : x.shape[2], : x.shape[3]] += products(x, w, i, j)
    return full


def crop(full: Any, top: int = 1, left: int = 2, size: tuple[int, int] = SIZE, bias: Any = B) -> Any:
    """Return rows and columns from `top` and `left` on, which may be negative: where nothing is, the bias is alone."""
    wide = np.pad(full, ((0, 0), (0, 0), (30, 30), (30, 30)))
    return wide[:, :, 30 + top : 30 + top + size[0], 30 + left : 30 + left + size[1]] + bias[:, None, None]


def overwritten_by_window() -> Any:
    full = np.zeros((2, 6, 9, 19))
    for p, q in np.ndindex(3, 5):
        for i, j in np.ndindex(2, 3):
            full[:, :, 2 * p + 4 * i, 3 * q + 3 * j] = blocks(X, W, i, j)[:, :, p, q]
    return crop(full)


def overwritten_by_tap() -> Any:
    full = np.zeros((2, 6, 9, 19))
    for i, j in np.ndindex(2, 3):
        full[:, :, 4 * i : 4 * i + 5 : 2, 3 * j : 3 * j + 13 : 3] = blocks(X, W, i, j)
    return crop(full)


def spoilt(rows: Any, columns: Any) -> Any:
    """Return the truth with other numbers in the last two rows and the last column."""
    actual = TRUTH.copy()
    actual[:, :, -2:], actual[..., -1] = rows, columns
    return actual


def connected(pairs: list[tuple[int, int]], weights: Callable[[int], int] = lambda o: o) -> Callable[..., Any]:
    """Return products in which the channel read o adds to three channels, through the weights of another, perhaps."""

    def products(x: Any, w: Any, i: int, j: int) -> Any:
        result = np.zeros((2, 6, *x.shape[2:]))
        for number, (o, c) in enumerate(pairs):
            result[:, c] += x[:, o] * w[weights(o), number % 3, i, j]
        return result

    return products


def through(channel: Callable[[int, int], int]) -> Any:
    """Connect each channel read with those that a rule of it and of 0, 1, 2 gives."""
    return crop(scatter(products=connected([(o, channel(o, c)) for o in range(4) for c in range(3)])))


def reading(channels: list[int], weights: list[int]) -> Any:
    """Let each group read other channels, through other weights."""
    return crop(scatter(x=X[:, channels], w=W[weights]))


def gathered_by_negative_indices() -> Any:
    """Gather what leads to each pixel; an output before the first counts from the end, as NumPy has it."""
    result = np.zeros((2, 6, *SIZE))
    for h, w, i, j in np.ndindex(*SIZE, 2, 3):
        (p, left_over), (q, right_over) = divmod(h + 1 - 4 * i, 2), divmod(w + 2 - 3 * j, 3)
        if not left_over and not right_over and -3 <= p < 3 and -5 <= q < 5:
            result[:, :, h, w] += blocks(X, W, i, j)[:, :, p, q]
    return result + B[:, None, None]


def scattered_to_negative_indices() -> Any:
    """Scatter to pixels of which one before the first counts from the end."""
    result = np.zeros((2, 6, *SIZE))
    for p, q, i, j in np.ndindex(3, 5, 2, 3):
        h, w = 2 * p + 4 * i - 1, 3 * q + 3 * j - 2
        if h < SIZE[0] and w < SIZE[1]:
            result[:, :, h, w] += blocks(X, W, i, j)[:, :, p, q]
    return result + B[:, None, None]


MEMORY = W.reshape(6, 2, 2, 3)
TRANSPOSED: dict[str, Callable[[], Any]] = {
    "padding-missing": lambda: crop(scatter(), 0, 0),
    "padding-missing-along-width": lambda: crop(scatter(), 1, 0),
    "padding-sides-swapped": lambda: crop(scatter(), 3, 1),
    "padding-axes-swapped": lambda: crop(scatter(), 2, 1),
    "padding-on-input": lambda: crop(scatter(), -2, -6),
    "padding-on-input-along-height": lambda: crop(scatter(), -2, 2),
    "padding-not-turned-round": lambda: crop(scatter(), 3, 4),
    "padding-not-turned-round-along-width": lambda: crop(scatter(), 1, 4),
    "stuffed-with-stride-zeros": lambda: crop(scatter(s=(3, 4))),
    "stuffed-with-stride-zeros-along-height": lambda: crop(scatter(s=(3, 3))),
    "stride-ignored": lambda: crop(scatter(s=(1, 1))),
    "stride-axes-swapped": lambda: crop(scatter(s=(3, 2))),
    "stride-and-dilation-swapped": lambda: crop(scatter(s=D, d=S)),
    "dilation-ignored": lambda: crop(scatter(d=(1, 1))),
    "dilation-one-too-large": lambda: crop(scatter(d=(5, 4))),
    "kernel-flipped": lambda: crop(scatter(w=W[:, :, ::-1, ::-1])),
    "kernel-flipped-along-height": lambda: crop(scatter(w=W[:, :, ::-1])),
    "kernel-flipped-along-width": lambda: crop(scatter(w=W[..., ::-1])),
    "kernel-transposed": lambda: crop(scatter(w=W.reshape(4, 3, 3, 2).swapaxes(2, 3))),
    "weight-read-as-transposed": lambda: crop(
        scatter(w=np.concatenate([MEMORY[:3].swapaxes(0, 1), MEMORY[3:].swapaxes(0, 1)]))
    ),
    "overlaps-overwritten": overwritten_by_window,
    "negative-index-wraps": gathered_by_negative_indices,
    "groups-interleaved-weights": lambda: reading([0, 1, 2, 3], [0, 2, 1, 3]),
    "output-padding-zero-filled": lambda: spoilt(0, 0),
    "output-padding-bias-alone": lambda: spoilt(B[:, None, None], B[:, None]),
    "output-padding-before": lambda: crop(scatter(), -1, 1),
    "groups-interleaved": lambda: through(lambda o, c: 2 * c + o % 2),
    "groups-interleaved-inputs": lambda: through(lambda o, c: o % 2 * 3 + c),
    "groups-interleaved-outputs": lambda: through(lambda o, c: 2 * c + o // 2),
    "groups-all-read-first": lambda: reading([0, 1, 0, 1], [0, 1, 2, 3]),
    "groups-all-write-first": lambda: through(lambda _, c: c),
    "groups-ignored": lambda: through(lambda _, c: c) + through(lambda _, c: 3 + c) - B[:, None, None],
    "groups-as-depthwise": lambda: crop(
        scatter(products=lambda x, w, i, j: np.stack([x[:, o] * w[o, 0, i, j] if c in (0, 1, 3, 4) else 0 * x[:, 0] for c, o in enumerate([0, 1, 1, 2, 3, 3])], axis=1))
    ),
    "batch-first-for-all": lambda: TRUTH[[0, 0]],
    "bias-missing": lambda: crop(scatter(), bias=0 * B),
    "bias-first-for-all": lambda: crop(scatter(), bias=B[[0] * 6]),
    "output-stored-as-nhwc": lambda: TRUTH.transpose(0, 2, 3, 1).reshape(TRUTH.shape),
    "output-transposed": lambda: TRUTH.swapaxes(2, 3).reshape(TRUTH.shape),
    "output-batch-and-channels-swapped": lambda: TRUTH.swapaxes(0, 1).reshape(TRUTH.shape),
    "output-groups-transposed": lambda: TRUTH[:, [0, 3, 1, 4, 2, 5]],
    "kernel-flipped+bias-missing": lambda: crop(scatter(w=W[:, :, ::-1, ::-1]), bias=0 * B),
    "padding-not-turned-round+kernel-flipped": lambda: crop(scatter(w=W[:, :, ::-1, ::-1]), 3, 4),
}  # fmt: skip


def transposed(actual: Any) -> list[Finding]:
    return diagnose_result(actual, refconv.conv_transpose2d, X, W, B, S, P, E, G, D)


def test_the_loops_are_right() -> None:
    np.testing.assert_allclose(crop(scatter()), TRUTH, rtol=1e-12, atol=1e-12)
    assert transposed(crop(scatter())) == []
    assert transposed(through(lambda o, c: o // 2 * 3 + c)) == []


@pytest.mark.parametrize("code", one_in(2, TRANSPOSED))
def test_a_mistake_in_a_transposed_convolution_is_recognised(code: str) -> None:
    findings = transposed(TRANSPOSED[code]())
    assert code in [finding.code for finding in findings]
    known = table_of(reading_of(Call.of(refconv.conv_transpose2d, X, W))).by_code
    finding = next(finding for finding in findings if finding.code == code)
    assert (finding.sentence, finding.reading) == (known[code].sentence, known[code].should)
    assert finding.wrong == finding.explained > 0


@pytest.mark.parametrize(
    ("code", "actual"),
    [
        ("overlaps-overwritten", overwritten_by_tap),
        ("groups-interleaved-inputs", lambda: reading([0, 2, 1, 3], [0, 1, 2, 3])),
        ("negative-index-wraps", scattered_to_negative_indices),
    ],
    ids=["tap", "weights-in-blocks", "scattered"],
)
def test_a_mistake_has_more_than_one_form(code: str, actual: Callable[[], Any]) -> None:
    assert [finding.code for finding in transposed(actual())] == [code]


SIZED: dict[str, Callable[[], Any]] = {
    "padding-missing": lambda: crop(scatter(), 0, 0, (11, 20)),
    "padding-on-input": lambda: crop(scatter(), -2, -6, (19, 29)),
    "padding-not-turned-round": lambda: crop(scatter(), 3, 4, (7, 11)),
    "stuffed-with-stride-zeros": lambda: crop(scatter(s=(3, 4)), size=(9, 21)),
    "dilation-ignored": lambda: crop(scatter(d=(1, 1)), size=(4, 13)),
    "output-padding-missing": lambda: TRUTH[:, :, :-2, :-1],
    "output-padding-on-input": lambda: crop(scatter(), size=(9, 19)),
    "output-padding-axes-swapped": lambda: crop(scatter(), size=(6, 18)),
}


@pytest.mark.parametrize("code", SIZED)
def test_a_mistake_in_the_size_of_a_transposed_convolution(code: str) -> None:
    (finding,) = transposed(SIZED[code]())
    assert finding.code == code
    assert finding.sentence.endswith(", and the output is sized by that")


# 2 taps at stride 5 make 7 pixels of 2, and E = 1 an eighth, where SAME asks for 10: it adds 2, which kernels forget.
SHORT: dict[str, list[int]] = {
    "": [1, 2, 0, 0, 0, 10, 20, 0, 0, 0],
    "same-never-adds": [1, 2, 0, 0, 0, 10, 20, 0],
    "output-padding-missing": [1, 2, 0, 0, 0, 10, 20],
    "same-total-not-clamped": [0, 1, 2, 0, 0, 0, 10, 20, 0, 0],
}


@pytest.mark.parametrize("code", SHORT)
@pytest.mark.parametrize("padding", ["same_upper", "same_lower"])
def test_a_mistake_where_same_has_to_add_pixels(code: str, padding: str) -> None:
    line, kernel, actual = (np.reshape(numbers, (1, 1, -1)) for numbers in ([1, 10], [1, 2], SHORT[code]))
    found = diagnose_result(actual, refconv.conv_transpose1d, line, kernel, stride=5, padding=padding, output_padding=1)
    assert [finding.code for finding in found][:1] == [code][: len(code)]


def test_a_same_padding_that_is_ignored() -> None:
    line, kernel = np.array([[[1, 10]]]), np.array([[[1, 2, 3]]])
    steps: dict[str, Any] = {
        "stride": 2,
        "padding": "same_upper",
        "output_padding": 1,
    }  # 6 pixels, of which SAME keeps 4
    found = diagnose_result([[[1, 2, 13, 20, 30, 0]]], refconv.conv_transpose1d, line, kernel, **steps)
    assert "same-ignored" in [finding.code for finding in found]
    short = diagnose_result(
        [[[1, 0, 10]]], refconv.conv_transpose1d, line, kernel[..., :1], stride=2, padding="same_lower"
    )
    assert {"same-ignored", "same-never-adds"} <= {finding.code for finding in short}
    numbers = diagnose_result([[[1, 2, 13, 20, 30]]], refconv.conv_transpose1d, line, kernel, stride=2, padding=1)
    assert "padding-missing" in [finding.code for finding in numbers]
    assert not any(finding.code.startswith("same-ig") for finding in numbers)


def test_a_padding_beyond_the_kernel_is_cropped_before_the_zeros_come() -> None:
    # 1, 0, 10, 0, 100, 0, 1000, less one on either side, and less the output padding; not 10, 0, 100.
    line, tap = np.array([[[1, 10, 100, 1000]]]), np.ones((1, 1, 1), int)
    steps: dict[str, Any] = {"stride": 2, "padding": ((1, 2),), "output_padding": 1}
    assert refconv.conv_transpose1d(line, tap, **steps).ravel().tolist() == [0, 10, 0, 100, 0]
    (finding,) = diagnose_result([[[10, 0, 100]]], refconv.conv_transpose1d, line, tap, **steps)
    assert finding.code == "padding-cropped-before-stuffing"
    plane, tap = line.reshape(1, 1, 2, 2), tap[..., np.newaxis]
    actual = refconv.conv_transpose2d(plane, tap, stride=(1, 3))[..., 3:]  # the first column is cropped, not a pixel
    found = diagnose_result(actual, refconv.conv_transpose2d, plane, tap, stride=(1, 3), padding=((0, 0), (1, 0)))
    assert "padding-cropped-before-stuffing-along-width" in [finding.code for finding in found]


@pytest.mark.parametrize(("padding", "extra", "size"), [((0, 0), 1, 2), ((1, 1), 2, 2), ((2, 2), 2, 3), ((0, 0), 2, 1)])
def test_an_output_padding_is_cropped_from_the_gradient(padding: tuple[int, int], extra: int, size: int) -> None:
    steps: dict[str, Any] = {"stride": 3, "padding": (padding,), "output_padding": extra}
    weight = RNG.integers(1, 9, (2, 1, 5))
    arriving = RNG.integers(1, 9, (1, 1, 6 + 5 - sum(padding) + extra))
    right = refconv.grad.conv_transpose1d_input((1, 2, 3), weight, arriving, **steps)
    call = refconv.grad.conv_transpose1d_input, (1, 2, 3), weight, arriving
    found = diagnose_result(right[..., :size], *call, **steps)
    assert ("output-padding-cropped" in [finding.code for finding in found]) == (size < 3)


@pytest.mark.parametrize(
    ("total", "moved", "words"), [(-3, 1, "towards 0"), (-3, 2, "down"), (-1, 1, "down"), (-2, 1, "towards 0")]
)
def test_the_half_of_a_negative_total_is_rounded_one_way_or_the_other(total: int, moved: int, words: str) -> None:
    truth = refconv.conv_transpose1d(
        *(line := np.ones((1, 1, 3)), line[..., :1]), stride=1 - total, padding="same_upper"
    )
    found = diagnose_result(
        np.roll(truth, moved), refconv.conv_transpose1d, line, line[..., :1], stride=1 - total, padding="same_upper"
    )
    assert found[0].code == "same-total-not-clamped"
    assert f"its half rounded {words}: " in found[0].sentence


def test_shapes_of_a_transposed_convolution_that_nothing_explains() -> None:
    (finding,) = transposed(TRUTH.transpose(0, 2, 3, 1))
    assert (finding.code, finding.reading) == ("output-as-nhwc", "shape (2, 6, 7, 17)")
    (finding,) = transposed(TRUTH[:, :, 1:])
    assert finding.sentence == "the shape is (2, 6, 6, 17), where (2, 6, 7, 17) was expected"
    (finding,) = transposed(crop(scatter(), -1, 1, (11, 19)))  # E before the first, and E beyond the last
    assert finding.code == "wrong-shape"


# The gradient of the input: of 6 rows, as of 17 columns, the stride leaves the last unread.
GRADIENT_SIZE = (2, 6, 6, 17)
GIVEN: dict[str, Any] = {"stride": S, "padding": P, "dilation": D, "groups": G}


def input_gradient(actual: Any) -> list[Finding]:
    return diagnose_result(actual, refconv.grad.conv2d_input, GRADIENT_SIZE, W, X, **GIVEN)


def test_the_gradient_of_the_input() -> None:
    truth = refconv.grad.conv2d_input(GRADIENT_SIZE, W, X, **GIVEN)
    no_bias = {"bias": 0 * B, "size": (6, 17)}
    np.testing.assert_allclose(crop(scatter(), **no_bias), truth, rtol=1e-12, atol=1e-12)  # type: ignore[arg-type]
    assert input_gradient(truth) == []
    assert input_gradient(truth[:, :, :-1, :-1])[0].code == "unread-rows-dropped"
    assert input_gradient(crop(scatter(), 0, 0, (9, 19), 0 * B))[0].code == "padding-missing"
    assert input_gradient(crop(scatter(), 0, 0, **no_bias))[0].code == "padding-missing"  # type: ignore[arg-type]
    flipped = crop(scatter(w=W[:, :, ::-1, ::-1]), **no_bias)  # type: ignore[arg-type]
    assert [finding.code for finding in input_gradient(flipped)] == ["kernel-flipped"]


def test_a_padding_mode_of_the_gradient_is_missed() -> None:
    arguments = ((1, 2, 5, 6), RNG.standard_normal((3, 2, 2, 3)), RNG.standard_normal((1, 3, 6, 6)))
    actual = refconv.grad.conv2d_input(*arguments, padding=1)
    findings = diagnose_result(actual, refconv.grad.conv2d_input, *arguments, padding=1, padding_mode="circular")
    assert [finding.code for finding in findings] == ["padding-zero"]


# The gradient of the weight: the stride leaves a row and two columns over, and a column of taps reads the latter.
IMAGE = RNG.standard_normal((2, 6, 8, 13))
ARRIVING = RNG.standard_normal((2, 4, 4, 4))
STEPS: dict[str, Any] = {"stride": (2, 3), "padding": ((2, 1), (0, 3)), "dilation": (3, 2), "groups": 2}


def correlate(
    *,
    x: Any = IMAGE,
    y: Any = ARRIVING,
    s: Any = (2, 3),
    t: Any = (2, 0),
    d: Any = (3, 2),
    taps: Any = (2, 3),
    channel: Callable[[int, int], int] = lambda o, c: o // 2 * 3 + c,
) -> Any:
    """Return the weight's gradient by its definition."""
    padded = np.pad(x, ((0, 0), (0, 0), (10, 30), (10, 30)))
    gradient = np.zeros((4, 3, *taps))
    for o, c, i, j in np.ndindex(*gradient.shape):
        top, left = 10 + d[0] * i - t[0], 10 + d[1] * j - t[1]
        pixels = padded[:, channel(o, c), top : top + 4 * s[0] : s[0], left : left + 4 * s[1] : s[1]]
        gradient[o, c, i, j] = (pixels * y[:, o]).sum()
    return gradient


RIGHT = correlate()
WEIGHT: dict[str, Callable[[], Any]] = {
    "padding-missing": lambda: correlate(t=(0, 0)),
    "padding-sides-swapped": lambda: correlate(t=(1, 3)),
    "padding-axes-swapped": lambda: correlate(t=(0, 2)),
    "padding-all-before": lambda: correlate(t=(3, 3)),
    "stride-ignored": lambda: correlate(s=(1, 1)),
    "stride-axes-swapped": lambda: correlate(s=(3, 2)),
    "stride-and-dilation-swapped": lambda: correlate(s=(3, 2), d=(2, 3)),
    "dilation-ignored": lambda: correlate(d=(1, 1)),
    "dilation-ignored-along-width": lambda: correlate(d=(3, 1)),
    "groups-interleaved": lambda: correlate(channel=lambda o, c: 2 * c + o % 2),
    "groups-interleaved-inputs": lambda: correlate(channel=lambda o, c: 2 * c + o // 2),
    "groups-interleaved-outputs": lambda: correlate(channel=lambda o, c: o % 2 * 3 + c),
    "groups-all-read-first": lambda: correlate(channel=lambda _, c: c),
    "gradient-flipped": lambda: RIGHT[:, :, ::-1, ::-1],
    "gradient-flipped-along-height": lambda: RIGHT[:, :, ::-1],
    "gradient-flipped-along-width": lambda: RIGHT[..., ::-1],
    "gradient-transposed": lambda: RIGHT.swapaxes(2, 3).reshape(RIGHT.shape),
    "gradient-channels-swapped": lambda: RIGHT.swapaxes(0, 1).reshape(RIGHT.shape),
    "batch-first-alone": lambda: correlate(x=IMAGE[:1], y=ARRIVING[:1]),
    "batch-last-alone": lambda: correlate(x=IMAGE[1:], y=ARRIVING[1:]),
    "batch-averaged": lambda: RIGHT / 2,
    "positions-averaged": lambda: RIGHT / 16,
    "batch-first-for-all": lambda: correlate(x=IMAGE[[0, 0]]),
}


def weight_gradient(actual: Any) -> list[Finding]:
    return diagnose_result(actual, refconv.grad.conv2d_weight, IMAGE, (4, 3, 2, 3), ARRIVING, **STEPS)


@pytest.mark.parametrize("code", WEIGHT)
def test_a_mistake_in_the_gradient_of_the_weight_is_recognised(code: str) -> None:
    findings = weight_gradient(WEIGHT[code]())
    assert findings[0].code == code
    assert len(findings) == 1 or code in ("batch-first-for-all", "padding-missing", "dilation-ignored-along-width")


def test_the_gradient_of_the_weight_in_another_shape() -> None:
    assert weight_gradient(RIGHT) == []
    (finding,) = weight_gradient(correlate(taps=(2, 4)))
    assert finding.code == "gradient-not-cropped"
    (finding,) = weight_gradient(RIGHT.swapaxes(2, 3))
    assert (finding.code, finding.sentence) == (
        "gradient-transposed",
        "the numbers are right, but the axes come as OIWH",
    )
    (finding,) = weight_gradient(RIGHT.swapaxes(0, 1))
    assert finding.code == "gradient-channels-swapped"
    assert weight_gradient(RIGHT.transpose(0, 2, 3, 1))[0].code == "output-as-ohwi"


def test_the_gradient_of_the_bias() -> None:
    arriving = RNG.standard_normal((4, 5, 2, 4))
    right = arriving.sum(axis=(0, 2, 3))
    assert diagnose_result(right, refconv.grad.conv2d_bias, arriving) == []
    for code, actual in {
        "batch-first-alone": arriving[0].sum(axis=(1, 2)),
        "batch-last-alone": arriving[-1].sum(axis=(1, 2)),
        "image-blocks-overwritten": arriving[2:].sum(axis=(0, 2, 3)),
        "batch-averaged": right / 4,
        "positions-averaged": right / 8,
        "all-averaged": right / 32,
    }.items():
        assert [finding.code for finding in diagnose_result(actual, refconv.grad.conv2d_bias, arriving)] == [code]


SIGNAL, TAPS = RNG.standard_normal((2, 4, 17)), RNG.standard_normal((6, 2, 3))
VOLUME, CUBES = RNG.standard_normal((2, 4, 7, 8, 9)), RNG.standard_normal((6, 2, 2, 3, 2))
ON_LINE: dict[str, Any] = {"stride": 2, "padding": ((3, 1),), "dilation": 2, "groups": 2}
IN_SPACE: dict[str, Any] = {
    "stride": (2, 1, 3),
    "padding": ((2, 1), (0, 3), (1, 2)),
    "dilation": (3, 2, 4),
    "groups": 2,
}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("padding-sides-swapped", {"padding": ((1, 3),)}),
        ("dilation-one-too-large", {"dilation": 3}),
        ("dilation-ignored", {"dilation": 1}),
    ],
)
def test_a_mistake_on_a_line_has_one_axis_to_be_on(code: str, changes: dict[str, Any]) -> None:
    actual = refconv.conv1d(np.pad(SIGNAL, ((0, 0), (0, 0), (0, 9))), TAPS, **ON_LINE | changes)[..., :9]
    right = refconv.conv1d(SIGNAL, TAPS, **ON_LINE)
    codes = [
        finding.code
        for finding in diagnose_result(actual[..., : right.shape[2]], refconv.conv1d, SIGNAL, TAPS, **ON_LINE)
    ]
    assert codes[0] == code
    assert not any("along" in other or "axes" in other or "both" in other for other in codes)


def in_space(kernel: Any = CUBES, **changes: Any) -> list[Finding]:
    volume = np.pad(VOLUME, ((0, 0), (0, 0), (0, 40), (0, 40), (0, 40)))
    planes, rows, columns = refconv.conv3d(VOLUME, CUBES, **IN_SPACE).shape[2:]
    actual = refconv.conv3d(volume, kernel, **IN_SPACE | changes)[:, :, :planes, :rows, :columns]
    return diagnose_result(actual, refconv.conv3d, VOLUME, CUBES, **IN_SPACE)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("padding-missing", {"padding": 0}),
        ("padding-missing-along-depth", {"padding": ((0, 0), (0, 3), (1, 2))}),
        ("padding-sides-swapped", {"padding": ((1, 2), (3, 0), (2, 1))}),
        ("dilation-ignored", {"dilation": 1}),
        ("dilation-ignored-along-depth", {"dilation": (1, 2, 4)}),
        ("dilation-ignored-along-height", {"dilation": (3, 1, 4)}),
        ("stride-ignored", {"stride": 1}),
        ("stride-ignored-along-depth", {"stride": (1, 1, 3)}),
        ("stride-and-dilation-swapped", {"stride": (3, 2, 4), "dilation": (2, 1, 3)}),
        ("kernel-flipped", {"kernel": CUBES[:, :, ::-1, ::-1, ::-1]}),
        ("kernel-flipped-along-depth", {"kernel": CUBES[:, :, ::-1]}),
        ("kernel-flipped-along-width", {"kernel": CUBES[..., ::-1]}),
    ],
)
def test_a_mistake_in_space(code: str, changes: dict[str, Any]) -> None:
    assert code in [finding.code for finding in in_space(**changes)][:2]


def test_a_channel_lost_in_space() -> None:
    kernel = RNG.standard_normal((2, 3, 2, 1, 2))
    actual = refconv.conv3d(VOLUME[:, :2], kernel[:, :2])
    (finding, *_) = diagnose_result(actual, refconv.conv3d, VOLUME[:, :3], kernel)
    assert finding.code == "input-channel-tail-lost"


def test_groups_images_and_biases_of_volumes() -> None:
    offsets = np.arange(1.0, 7)

    def codes(actual: Any) -> list[str]:
        found = diagnose_result(actual, refconv.conv3d, VOLUME, CUBES, offsets, **IN_SPACE)
        return [finding.code for finding in found]

    truth = refconv.conv3d(VOLUME, CUBES, offsets, **IN_SPACE)
    assert codes(truth) == []
    assert codes(refconv.conv3d(VOLUME[:, [0, 2, 1, 3]], CUBES, offsets, **IN_SPACE)) == ["groups-interleaved-inputs"]
    dense = np.tile(CUBES, (1, 2, 1, 1, 1))
    assert codes(refconv.conv3d(VOLUME, dense, offsets, **IN_SPACE | {"groups": 1})) == ["groups-ignored"]
    depthwise = refconv.conv3d(VOLUME[:, [0, 0, 1, 2, 2, 3]], CUBES[:, :1], offsets, **IN_SPACE | {"groups": 6})
    assert codes(depthwise) == ["groups-as-depthwise"]
    assert codes(truth[[0, 0]]) == ["batch-first-for-all", "batch-half-for-all"]  # of two images
    of_image = truth - offsets[:, None, None, None] + offsets[:2, None, None, None, None]
    assert codes(of_image) == ["bias-of-image"]


def test_a_transposed_volume_that_grows_by_its_stride() -> None:
    given: dict[str, Any] = {"stride": (2, 1, 3), "dilation": (5, 4, 7), "groups": 2}
    kernel = RNG.standard_normal((4, 3, 2, 1, 2))
    actual = refconv.conv_transpose3d(VOLUME, kernel, output_padding=(2, 2, 3), **given)
    given["output_padding"] = (1, 2, 1)  # by stride 2, 1 and 3: 2, 2 and 3
    (finding,) = diagnose_result(actual, refconv.conv_transpose3d, VOLUME, kernel, **given)
    assert finding.code == "output-padding-on-input"


def test_volumes_of_another_shape() -> None:
    truth = refconv.conv3d(VOLUME, CUBES, **IN_SPACE)  # (2, 6, 4, 7, 3)

    def finding(actual: Any) -> Finding:
        return diagnose_result(actual, refconv.conv3d, VOLUME, CUBES, **IN_SPACE)[0]

    assert finding(truth.swapaxes(1, 2)).code == "output-as-nropq"
    assert finding(truth.reshape(4, 6, 2, 7, 3)).code == "wrong-shape-right-numbers"
    assert finding(refconv.conv3d(VOLUME, CUBES, **IN_SPACE | {"dilation": 1})).code == "dilation-ignored"
    assert finding(truth[:, :, 1:]).sentence == "the shape is (2, 6, 3, 7, 3), where (2, 6, 4, 7, 3) was expected"


def test_a_line_of_another_shape() -> None:
    truth = refconv.conv1d(SIGNAL, TAPS, **ON_LINE)
    (finding,) = diagnose_result(truth[:, :, np.newaxis], refconv.conv1d, SIGNAL, TAPS, **ON_LINE)
    assert (finding.code, finding.reading) == ("wrong-shape-right-numbers", f"shape {truth.shape}")
    (finding, *_) = diagnose_result(truth.swapaxes(1, 2), refconv.conv1d, SIGNAL, TAPS, **ON_LINE)
    assert finding.code == "output-as-npo"


def test_places_in_the_words_of_a_direction() -> None:
    wrong = RIGHT.copy()
    wrong[2:] = 0
    codes = {finding.code: finding.sentence for finding in weight_gradient(wrong)}
    assert codes["output-channels-last-group-zero"] == (
        "it is wrong in the last group, from output channel 2 on: zeros stand there"
    )
    wrong = RIGHT.copy()
    wrong[:, 1] = 0
    assert weight_gradient(wrong)[0].sentence == "it is wrong in input channel 1 alone: zeros stand there"
    wrong = RIGHT.copy()
    wrong[:, :, 1, 2] = 0
    assert weight_gradient(wrong)[0].sentence == "it is wrong at the last tap (bottom right): zeros stand there"
    wrong = RIGHT.copy()
    wrong[:, :, 1, 1] = 0
    assert weight_gradient(wrong)[0].sentence == "it is wrong in kernel row 1, kernel column 1: zeros stand there"
    assert weight_gradient(wrong)[0].code == "one-tap-zero"
    volume = refconv.conv3d(VOLUME, CUBES, **IN_SPACE)
    volume[1:] = 0
    (finding, *_) = diagnose_result(volume, refconv.conv3d, VOLUME, CUBES, **IN_SPACE)
    assert (finding.code, finding.sentence) == (
        "images-after-first-zero",
        "it is wrong in all images after the first: zeros stand there",
    )
    volume = refconv.conv3d(VOLUME, CUBES, **IN_SPACE)
    volume[1, :, 1] = 0
    (finding, *_) = diagnose_result(volume, refconv.conv3d, VOLUME, CUBES, **IN_SPACE)
    assert (finding.code, finding.sentence) == (
        "some-images+some-planes-zero",
        "it is wrong in image 1, plane 1: zeros stand there",
    )
    volume = refconv.conv3d(VOLUME, CUBES, **IN_SPACE)
    volume[:, :, 1] = 0
    (finding, *_) = diagnose_result(volume, refconv.conv3d, VOLUME, CUBES, **IN_SPACE)
    assert (finding.code, finding.sentence) == ("some-planes-zero", "it is wrong in plane 1: zeros stand there")


def test_imprecise_sums_of_an_adjoint() -> None:
    image, arriving = (RNG.standard_normal(shape).astype(np.float32) for shape in ((4, 2, 9, 9), (4, 3, 8, 7)))
    truth = refconv.grad.conv2d_weight(image, (3, 2, 2, 3), arriving)
    noise = 2.0**-10 * np.sqrt(4 * 8 * 7) * np.random.default_rng(1).uniform(-1, 1, truth.shape)
    actual = (truth + noise).astype(np.float16).astype(np.float32)  # kept in float16
    (finding,) = diagnose_result(actual, refconv.grad.conv2d_weight, image, (3, 2, 2, 3), arriving)
    assert finding.code == "accumulated-in-float16"
    rounded = refconv.grad.conv2d_weight(
        image.astype(np.float16), (3, 2, 2, 3), arriving.astype(np.float16), dtype="f4"
    )
    codes = [f.code for f in diagnose_result(rounded, refconv.grad.conv2d_weight, image, (3, 2, 2, 3), arriving)]
    assert "inputs-rounded-to-fp16" in codes


@pytest.mark.parametrize(
    ("name", "wrong", "code"),
    [
        (
            "conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32",
            lambda *a: refconv.grad.conv2d_weight(*a)[:, :, ::-1, ::-1],
            "gradient-flipped",
        ),
        (
            "conv2d_input-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32",
            lambda n, w, *a: refconv.grad.conv2d_input(n, w[:, :, ::-1, ::-1], *a),
            "kernel-flipped",
        ),
    ],
)
def test_a_target_of_an_adjoint_is_explained(name: str, wrong: Callable[..., Any], code: str) -> None:
    case = find_case(name)
    assert [finding.code for finding in explained(case, case.called(wrong, case.operands()))] == [code]


def test_an_adjoint_that_is_not_linear_is_seen() -> None:
    case = find_case("conv2d_input-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32")
    assert [finding.code for finding in examined(lambda *a: abs(refconv.grad.conv2d_input(*a)), case)] == ["non-linear"]


def test_each_direction_has_its_own_words_for_a_code_and_none_has_two() -> None:
    problem = Call.of(refconv.conv_transpose2d, X, W)
    assert table_of(reading_of(problem)).by_code["kernel-flipped"] != CONV2D.by_code["kernel-flipped"]
    assert not any("along-depth" in mistake.code for mistake in CONV2D.mistakes)
    assert any(mistake.code == "dilation-ignored-along-depth" for mistake in EVERY_MISTAKE)


def complex_numbers(*shape: int) -> Any:
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


@pytest.mark.parametrize(
    ("function", "arguments", "wrong", "code"),
    [
        (refconv.conv1d, (complex_numbers(2, 5), complex_numbers(3, 2, 2)), lambda x, w: (x, w.conj()), "conjugated"),
        (
            refconv.conv_transpose2d,
            (complex_numbers(2, 3, 4), complex_numbers(2, 1, 2, 2)),
            lambda x, w: (x, w.conj()),
            "conjugated",
        ),
        (
            refconv.grad.conv2d_input,
            ((2, 3, 4), complex_numbers(3, 2, 2, 2), complex_numbers(3, 2, 3)),
            lambda size, w, y: (size, w.conj(), y),
            "conjugate-missing",
        ),
        (
            refconv.grad.conv2d_weight,
            (complex_numbers(2, 3, 4), (3, 2, 2, 2), complex_numbers(3, 2, 3)),
            lambda x, size, y: (x.conj(), size, y),
            "conjugate-missing",
        ),
    ],
    ids=["conv1d", "conv_transpose2d", "conv2d_input", "conv2d_weight"],
)
def test_a_conjugate_too_many_or_too_few(function: Any, arguments: Any, wrong: Callable[..., Any], code: str) -> None:
    assert diagnose_result(function(*arguments), function, *arguments) == []
    assert [finding.code for finding in diagnose_result(function(*wrong(*arguments)), function, *arguments)] == [code]


@pytest.mark.parametrize("order", [[0, 3, 1, 4, 2, 5], [0, 0, 2, 0, 1, 2], [5, 4, 3, 2, 1, 0]])
def test_the_bias_of_another_channel(order: list[int]) -> None:
    (finding,) = transposed(crop(scatter(), bias=B[order]))
    assert finding.code == "bias-of-another-channel"
    assert finding.sentence == "channels have each other's biases"


def test_a_bias_of_no_channel_is_not_that_of_another() -> None:
    other = B.copy()
    other[4] += 1
    assert "bias-of-another-channel" not in [finding.code for finding in transposed(crop(scatter(), bias=other))]
