"""Hold honest and wrong kernels to the gates of benchmarks and of refconv: who lets pass what?

``python docs/gates.py`` writes the tables of judge-a-generated-kernel.md, and one of verification.md: in some minutes,
and with NumPy alone.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from refconv import conv2d, im2col
from refconv.grad import conv2d_weight
from refconv.numbers.formats import float_info, round_to_format
from refconv.testing import Case, CaseResult, Outcome, cases, compare_result, find_case, verify_result
from refconv.testing.battery.problems import scaled
from refconv.testing.judging.judge import Judge

Array = npt.NDArray[Any]
Kernel = Callable[..., Array]

PAGE: Final = Path(__file__).with_name("judge-a-generated-kernel.md")
BEGIN, END = "<!-- from gates.py -->\n", "<!-- end -->\n"
DRAWS: Final = 5
PROBLEMS: Final = {
    "kernelbench-87": 16,  # by how much smaller the batch and the images are
    "kernelbench-50": 16,
    "kernelbench-55": 16,
    "kernelbench-56": 16,
    "gpumode-2": 2,
    "gpumode-6": 8,
}


def sums(x: Array, w: Array, rest: Sequence[Any], parts: int = 1) -> Array:
    """Return a convolution in float32, its products added up in so many parts."""
    bias, stride, padding, dilation, groups = rest
    assert groups == 1
    columns = im2col(x, w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    flat, chunk = w.reshape(len(w), -1), -(-columns.shape[1] // parts)
    total: Any = np.float32(0)
    for start in range(0, columns.shape[1], chunk):
        total = total + flat[:, start : start + chunk] @ columns[:, start : start + chunk]
    size = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], w.shape[2:], stride, padding, dilation, strict=True)
    ]
    output: Array = total.reshape(len(x), len(w), *size)
    return output if bias is None else output + bias[:, None, None]


def honest(x: Array, w: Array, *rest: Any) -> Array:
    """A matrix product in float32."""
    return sums(x, w, rest)


def split_k(x: Array, w: Array, *rest: Any) -> Array:
    """Eight sums of an eighth of the products each, added up last."""
    return sums(x, w, rest, parts=8)


def fourier(x: Array, w: Array, *rest: Any) -> Array:
    """An FFT in float32, where stride and dilation are 1; else a matrix product."""
    bias, stride, padding, dilation, _ = rest
    if {*stride, *dilation} != {1} or any(padding):
        return sums(x, w, rest)
    pixels = np.fft.rfft2(x)
    taps = np.conj(np.fft.rfft2(w, x.shape[2:]))
    whole = np.fft.irfft2(np.einsum("ncab,ocab->noab", pixels, taps), x.shape[2:])
    height, width = (n - k + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    output: Array = whole[:, :, :height, :width].astype(np.float32)
    return output if bias is None else output + bias[:, None, None]


def rounded(x: Array, kind: str) -> Array:
    """Return numbers rounded to another type, in float32."""
    return round_to_format(x.astype(np.float64), float_info(kind)).astype(np.float32)


def of_rounded_inputs(kind: str, *, result: bool) -> Kernel:
    """Round factors, and perhaps results, to another type; sums are float32's."""

    def kernel(x: Array, w: Array, *rest: Any) -> Array:
        output = sums(rounded(x, kind), rounded(w, kind), rest)
        return rounded(output, kind) if result else output

    return kernel


def int8_weights(x: Array, w: Array, *rest: Any) -> Array:
    """Weights as whole numbers up to 127, with a scale for each output channel."""
    scale = np.abs(w).max(axis=(1, 2, 3), keepdims=True) / 127
    return sums(x, (np.rint(w / scale) * scale).astype(np.float32), rest)


def last_tap_dropped(x: Array, w: Array, *rest: Any) -> Array:
    """The last tap of every channel is not added; of a 1×1 kernel, the last channel."""
    less = w.copy()
    less[(..., -1, -1) if w[0, 0].size > 1 else (slice(None), -1)] = 0
    return sums(x, less, rest)


def low_rank(x: Array, w: Array, *rest: Any) -> Array:
    """The weights' matrix, and only the larger three quarters of its singular values."""
    left, values, right = np.linalg.svd(w.reshape(len(w), -1), full_matrices=False)
    values[3 * len(values) // 4 :] = 0
    return sums(x, ((left * values) @ right).reshape(w.shape), rest)


def one_channel_twice(x: Array, w: Array, *rest: Any) -> Array:
    """The last output channel is the one before it."""
    output = sums(x, w, rest)
    output[:, -1] = output[:, -2]
    return output


def cut_off(x: Array, w: Array, *rest: Any) -> Array:
    """Eight products are added to a sum at a time, and what float32 does not hold is cut off."""
    bias, stride, padding, dilation, _ = rest
    columns = im2col(x, w.shape[2:], stride=stride, padding=padding, dilation=dilation).astype(np.float64)
    flat, total = w.reshape(len(w), -1).astype(np.float64), np.zeros(())
    for start in range(0, columns.shape[1], 8):
        exact = total + flat[:, start : start + 8] @ columns[:, start : start + 8]
        near = exact.astype(np.float32)
        total = np.where(np.abs(near) > np.abs(exact), np.nextafter(near, np.float32(0)), near).astype(np.float64)
    like = sums(x, w, rest)
    output: Array = total.astype(np.float32).reshape(like.shape)
    return output if bias is None else output + bias[:, None, None]


def one_off(x: Array, w: Array, *rest: Any, share: float) -> Array:
    """One element is off by a share of the largest."""
    output = sums(x, w, rest)
    output[-1, -2, 1, 2] += share * np.abs(output).max()
    return output


def exchanged(x: Array, w: Array, *rest: Any) -> Array:
    """The first two output channels stand in each other's place."""
    output = sums(x, w, rest)
    output[:, :2] = output[:, 1::-1]
    return output


def zeros(x: Array, w: Array, *rest: Any) -> Array:
    """Zeros in the right shape."""
    return sums(x, 0 * w, (None, *rest[1:]))


HONEST: Final[dict[str, Kernel]] = {
    "float32, a matrix product": honest,
    "float32, split-K": split_k,
    "float32, FFT": fourier,
}
WRONG: Final[dict[str, Kernel]] = {
    "TF32": of_rounded_inputs("tf32", result=False),
    "`x.half()`, and back": of_rounded_inputs("float16", result=True),
    "autocast to bfloat16": of_rounded_inputs("bfloat16", result=True),
    "int8 weights": int8_weights,
    "last tap dropped": last_tap_dropped,
    "low rank": low_rank,
    "one output channel twice": one_channel_twice,
    "zeros": zeros,
}


def allclose(actual: Array, reference: Array, *, tolerance: float) -> bool:
    """``|actual − reference| ≤ tolerance + tolerance·|reference|``, everywhere."""
    return bool(np.allclose(actual, reference, rtol=tolerance, atol=tolerance))


def correlates(actual: Array, reference: Array, *, least: float) -> bool:
    """Pearson's correlation; of numbers that are all the same there is none."""
    with np.errstate(all="ignore"):
        return bool(np.corrcoef(actual.ravel(), reference.ravel())[0, 1] >= least)


@dataclass(frozen=True)
class Gate:
    """What decides, and by which kernel the reference is computed."""

    passes: Callable[[Array, Array], bool]
    reference: Kernel = honest


GATES: Final = {
    "robust-kbench: 1e-5": Gate(partial(allclose, tolerance=1e-5)),
    "KernelBench: 1e-4": Gate(partial(allclose, tolerance=1e-4)),
    "the same, its reference in TF32": Gate(partial(allclose, tolerance=1e-4), WRONG["TF32"]),
    "GPU MODE: 1e-3": Gate(partial(allclose, tolerance=1e-3)),
    "CUDA-L1: 1e-2": Gate(partial(allclose, tolerance=1e-2)),
    "correlation 0.99": Gate(partial(correlates, least=0.99)),
    "correlation 0.985": Gate(partial(correlates, least=0.985)),
}


VERIFIED: Final[dict[str, Kernel]] = {
    **HONEST,
    "accumulators that cut off, 8 deep": cut_off,
    **{name: WRONG[name] for name in ("TF32", "last tap dropped", "one output channel twice")},
    "two output channels exchanged": exchanged,
    "one element off by 1e-3 of the largest": partial(one_off, share=1e-3),
    "one element off by 1e-5 of the largest": partial(one_off, share=1e-5),
}


def problems() -> list[Case]:
    """Return the problems with their own numbers, and smaller."""
    found = []
    for name, scale in PROBLEMS.items():
        tier = name.partition("-")[0]
        (case,) = (case for case in cases(tier, match=name) if case.family == name and case.data != "exact")
        found.append(scaled(case, scale))
    return found


def let_pass(kernels: Mapping[str, Kernel], case: Case) -> dict[tuple[str, str], bool]:
    """Return of each kernel and gate whether it lets pass all draws of a problem."""
    found = dict.fromkeys(product(kernels, GATES), True)
    for draw in range(DRAWS):
        drawn = case.drawn_anew(draw)
        arguments = drawn.arguments(drawn.operands())
        references = {name: gate.reference(*arguments) for name, gate in GATES.items()}
        for name, kernel in kernels.items():
            output = kernel(*arguments)
            for gate in GATES:
                found[name, gate] &= GATES[gate].passes(output, references[gate])
    return found


def said(kernel: Kernel, case: Case) -> str:
    """Return what refconv says of a problem: with whole numbers, and with the problem's own."""
    whole = find_case(case.id.rpartition("-")[0])
    results = map(Judge(kernel), (whole, case))
    return max((word_of(result) for result in results), key=WORDS.index)


WORDS: Final = ("right", "suspect", "less precise", "wrong")


def word_of(result: CaseResult) -> str:
    """Return what a result of a case comes to."""
    if result.outcome.is_right:
        return "suspect" if result.comparison is not None and result.comparison.is_suspect else "right"
    return "less precise" if result.outcome == Outcome.LESS_PRECISE else "wrong"


def in_words(words: Sequence[str]) -> str:
    """Return of how many problems a kernel is right, and what is said of the others.

    >>> in_words(["wrong", "right", "suspect", "wrong"])
    '1 (2 wrong, 1 suspect)'
    """
    told = ", ".join(f"{words.count(word)} {word}" for word in reversed(WORDS) if word != "right" and word in words)
    return f"{words.count('right')}{f' ({told})' if told else ''}"


def verified(kernel: Kernel, case: Case) -> str:
    """Return what `verify_result` says of a problem's own numbers, and the largest error of a projection."""
    arguments = case.arguments(case.operands())
    found = verify_result(kernel(*arguments), conv2d, *arguments)
    word = "" if found.passed and not found.suspect else "suspect, " if found.passed else "wrong, "
    return f"{word}{found.worst:.2g}"


# Weight gradients in bfloat16

GRADIENTS: Final = {
    "50,176 products": ("conv2d_weight-n16-c8-o8-g1-58x58-k3-s1-p0-d1-bf16-real", 1.0),
    "50,176 products, of a mean": ("conv2d_weight-n16-c8-o8-g1-58x58-k3-s1-p0-d1-bf16-real", 2.0**-16),
}


def without_last_image(x: Array, size: Any, grad: Array, *rest: Any) -> Array:
    """The batch is one image short."""
    return conv2d_weight(x[:-1], size, grad[:-1], *rest)


def a_tenth_more(x: Array, size: Any, grad: Array, *rest: Any) -> Array:
    """A mean over too few."""
    exact = conv2d_weight(x, size, grad, *rest)
    return np.asarray((exact.astype(np.float32) * 1.1).astype(exact.dtype))


def no_gradient(x: Array, size: Any, grad: Array, *rest: Any) -> Array:
    """Zeros."""
    return 0 * conv2d_weight(x, size, grad, *rest)


def one_rounding_less(x: Array, size: Any, grad: Array, *rest: Any) -> Array:
    """Sums in float32 of each image, added up, and rounded once."""
    parts = [conv2d_weight(x[n : n + 1], size, grad[n : n + 1], *rest, dtype=np.float32) for n in range(len(x))]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return np.asarray(total.astype(x.dtype))


OF_WEIGHTS: Final[dict[str, Kernel]] = {
    "float32 sums, rounded once": one_rounding_less,
    "the last image left out": without_last_image,
    "a tenth too large": a_tenth_more,
    "zeros": no_gradient,
}


def gradient_row(name: str, kernel: Kernel) -> tuple[str, ...]:
    """Return what a fixed 0.2 and refconv say, for each of the problems."""
    cells = [name]
    for text, factor in GRADIENTS.values():
        case = find_case(text)
        x, size, grad = case.arrays()
        grad = (grad.astype(np.float32) * factor).astype(grad.dtype)
        rest = tuple(case.kwargs().values())
        actual = kernel(x, size, grad, *rest)
        off = np.abs(actual.astype(np.float64) - conv2d_weight(x, size, grad, *rest, dtype=np.float64)).max()
        comparison = compare_result(actual, conv2d_weight, x, size, grad, *rest)
        cells += [
            f"{'passes' if off <= 0.2 else 'fails'} ({off:.2g})",
            "suspect" if comparison.is_suspect else "right" if comparison.passed else "wrong",
        ]
    return tuple(cells)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "".join(f"| {' | '.join(line)} |\n" for line in [heads, ["---"] * len(heads), *rows])


def write(page: Path, text: str) -> None:
    """Put a text between the marks of a page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Write the tables into their pages."""
    drawn = problems()
    heads = [f"{case.family}, n = {case.products:,}" for case in drawn]
    found = [(name, *(verified(kernel, case) for case in drawn)) for name, kernel in VERIFIED.items()]
    write(PAGE.with_name("verification.md"), table(["kernel", *heads], found))
    kernels, passed, words = HONEST | WRONG, Counter[tuple[str, str]](), defaultdict[str, list[str]](list)
    for case in drawn:
        passed.update(let_pass(kernels, case))
        for name, kernel in kernels.items():
            words[name].append(said(kernel, case))
        sys.stderr.write(f"{case.id} {[each[-1] for each in words.values()]}\n")
    rows = [(name, *(str(passed[name, gate]) for gate in GATES), in_words(words[name])) for name in kernels]
    gates = table(["kernel", *GATES, "refconv"], rows)
    heads = ["bfloat16 weight gradient", *(head for text in GRADIENTS for head in (f"0.2; {text}", "refconv"))]
    gradients = table(heads, [gradient_row(name, kernel) for name, kernel in OF_WEIGHTS.items()])
    write(PAGE, f"{gates}\n{gradients}")


if __name__ == "__main__":
    main()
