"""Do honest kernels stay within the bound, and mistakes not?  ``python tests/benchmarks/bench_bounds.py``.

Over the core battery's shapes, filled with normal numbers, and 500 random ones: what frameworks are off by, in units of
the bound; how often three mistakes change a result by more than the bound, and how often `compare_conv2d` says so; and
how much of the bound a plain float32 sum uses.  What matters is decided with the exact truth, apart from the comparison.
"""

from __future__ import annotations

import random
import statistics
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from emulated import in_a_row, rounded_to_tf32, without_last_tap
from rich.console import Console
from rich.table import Table

from refconv import conv2d, error_bound
from refconv.numbers.formats import Array
from refconv.testing import Case, Comparison, TargetError, cases, compare_conv2d, find_case, load_target

CONFIDENCE = 0.999999
Operands = tuple[Any, Any, Any]  # arrays, or PyTorch's tensors
Kernel = Callable[[Operands, Case], Any]


def random_cases(count: int) -> Iterator[Case]:
    """Yield the same cases each time: every extent by lot, as long as the kernel fits into the input."""
    chance = random.Random(2026)

    def pair(letter: str, least: int, most: int) -> str:
        first, second = chance.randint(least, most), chance.randint(least, most)
        return f"{letter}{first}" if first == second else f"{letter}{first}x{second}"

    while count:
        groups = chance.choice((1, 1, 1, 2, 3, 4))
        name = (
            f"n{chance.randint(1, 3)}-c{groups * chance.randint(1, 40)}-o{groups * chance.randint(1, 6)}-g{groups}"
            f"-{chance.randint(3, 14)}x{chance.randint(3, 14)}-{pair('k', 1, 5)}-{pair('s', 1, 3)}-{pair('p', 0, 3)}"
            f"-{pair('d', 1, 3)}{chance.choice(('', '-bias'))}-f32-real"
        )
        try:
            yield find_case(name)
        except ValueError:  # the kernel is larger than the padded input
            continue
        count -= 1


def all_cases() -> list[Case]:
    """Return the cases that round at all: with an output to compute, and normal numbers to compute it of."""
    valid = (case for case in cases("core") if not case.rejects and 0 not in (*case.input_shape, *case.weight_shape))
    return [replace(case, data="real", layout="contiguous", dtype="f64") for case in (*valid, *random_cases(500))]


def arrays(case: Case, dtype: Any) -> Operands:
    """Return the case's normal numbers rounded to a type of NumPy."""
    image, kernel, bias = case.arrays()
    return image.astype(dtype), kernel.astype(dtype), None if bias is None else bias.astype(dtype)


@dataclass
class Tally:
    """What became of one kernel, case by case."""

    cases: int = 0
    elements: int = 0
    outside: int = 0
    worst: list[float] = field(default_factory=list)  # error / bound, of the worst element of each case

    def add(self, comparison: Comparison, case: Case) -> None:
        assert not comparison.problem, f"{case.id}: {comparison.problem}"
        outside = comparison.elements if comparison.convention else comparison.mismatched
        if outside:
            print(f"outside: {case.id}: {comparison}", file=sys.stderr)
        self.cases += 1
        self.elements += comparison.elements
        self.outside += outside
        self.worst.append(comparison.error_in_bounds)


def torch_kernels() -> dict[str, tuple[Callable[[Case], Operands], Kernel]]:
    """Return how to get PyTorch's tensors of a case, and its convolution of them, in four types."""
    import torch  # noqa: PLC0415  # a framework, which may be missing

    warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")

    def tensors(case: Case, dtype: torch.dtype) -> Operands:
        image, kernel, bias = (None if a is None else torch.from_numpy(a.copy()).to(dtype) for a in case.arrays())
        return image, kernel, bias

    def convolve(operands: Operands, case: Case) -> Any:
        padding = case.kwargs()["padding"]
        if padding in ("same_upper", "same_lower") or any(isinstance(side, tuple) for side in padding):
            raise NotImplementedError
        return torch.nn.functional.conv2d(*operands, *case.kwargs().values())

    types = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}
    return {f"torch {name}": (partial(tensors, dtype=dtype), convolve) for name, dtype in types.items()}


def kernels(names: Iterable[str]) -> dict[str, tuple[Callable[[Case], Operands], Kernel]]:
    """Return every honest kernel of these packages: how to get its arrays, and how to call it."""
    single = partial(arrays, dtype=np.float32)
    found: dict[str, tuple[Callable[[Case], Operands], Kernel]] = {"float32 in a row": (single, summed_in_a_row)}
    for name in names:
        found |= torch_kernels() if name == "torch" else {f"{name} float32": (single, called_with(load_target(name)))}
    return found


def called_with(target: Callable[..., Any]) -> Kernel:
    return lambda operands, case: target(*operands, *case.kwargs().values())


def summed_in_a_row(operands: Operands, case: Case, dtype: type[np.floating[Any]] = np.float32) -> Array:
    return in_a_row(*operands, case.kwargs(), dtype)


def installed(names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of those packages that can be loaded."""
    found = {}
    for name in names:
        try:
            load_target(name)
            found[name] = version(name)
        except TargetError as error:
            print(f"skipped: {error}", file=sys.stderr)
    return found


def honest_table(battery: list[Case], names: Iterable[str]) -> Table:
    table = table_of("honest kernels", "kernel", "cases", "elements", "outside", "worst error / bound", "median")
    for name, (operands_of, kernel) in kernels(names).items():
        tally = Tally()
        for case in battery:
            operands = operands_of(case)
            try:
                actual = kernel(operands, case)
            except NotImplementedError:
                continue
            tally.add(compare_conv2d(actual, *operands, **case.kwargs()), case)
        median = statistics.median(tally.worst)
        cells = tally.cases, f"{tally.elements:,}", tally.outside, f"{max(tally.worst):.3f}", f"{median:.4f}"
        table.add_row(name, *map(str, cells))
    return table


def float16_accumulator(operands: Operands, case: Case) -> Array:
    return summed_in_a_row(operands, case, np.float16)


def tf32_inputs(operands: Operands, case: Case) -> Array:
    image, kernel, bias = operands
    return conv2d(rounded_to_tf32(image), rounded_to_tf32(kernel), bias, **case.kwargs())


def dropped_tap(operands: Operands, case: Case) -> Array:
    image, kernel, bias = operands
    return conv2d(image, without_last_tap(kernel), bias, **case.kwargs())


MISTAKES: dict[str, tuple[Any, Kernel]] = {
    "float16 accumulator": (np.float16, float16_accumulator),
    "inputs rounded to TF32": (np.float32, tf32_inputs),
    "last tap dropped": (np.float32, dropped_tap),
}


def mistakes_table(battery: list[Case]) -> Table:
    table = table_of("mistakes", "mistake", "cases", "where it matters", "flagged there", "flagged elsewhere")
    for name, (dtype, kernel) in MISTAKES.items():
        seen: list[tuple[bool, bool]] = []
        for case in battery:
            operands = arrays(case, dtype)
            changed = kernel(operands, case)
            truth = conv2d(*operands, **case.kwargs(), method="exact", dtype=np.float64)
            bound = error_bound(*operands, **case.kwargs(), dtype=dtype)
            comparison = compare_conv2d(changed, *operands, **case.kwargs())
            flagged = not comparison.passed or bool(comparison.convention)
            seen.append((bool((np.abs(changed - truth) > bound).any()), flagged))
            if seen[-1] == (True, False):
                print(f"missed: {name}: {case.id}: {comparison}", file=sys.stderr)
        matter = [flagged for matters, flagged in seen if matters]
        elsewhere = sum(flagged for matters, flagged in seen if not matters)
        table.add_row(name, *map(str, (len(seen), len(matter), sum(matter), elsewhere)))
    return table


def tightness_table(battery: list[Case]) -> Table:
    title = "float32 in a row: largest error / bound"
    table = table_of(title, "bound", "cases", "outside", "median", "least", "greatest")
    for name, confidence in (("worst case", None), (f"confidence {CONFIDENCE}", CONFIDENCE)):
        tally = Tally()
        for case in battery:
            operands = arrays(case, np.float32)
            actual = summed_in_a_row(operands, case)
            tally.add(compare_conv2d(actual, *operands, **case.kwargs(), confidence=confidence), case)
        spread = statistics.median(tally.worst), min(tally.worst), max(tally.worst)
        table.add_row(name, str(tally.cases), str(tally.outside), *(f"{ratio:.4f}" for ratio in spread))
    return table


def table_of(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for heading in headings:
        table.add_column(heading, justify="left" if heading == headings[0] else "right")
    return table


if __name__ == "__main__":
    frameworks = installed(("torch", "jax", "onnxruntime"))
    console = Console(width=110)
    battery = all_cases()
    versions = ", ".join(f"{name} {number}" for name, number in {"numpy": np.__version__, **frameworks}.items())
    console.print(f"{len(battery)} cases; {versions}")
    console.print(mistakes_table(battery))
    console.print(tightness_table(battery))
    console.print(honest_table(battery, frameworks))
