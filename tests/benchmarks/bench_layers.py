"""What it costs to judge the layers of KernelBench and GPU MODE: ``python tests/benchmarks/bench_layers.py [--write]``.

For each layer, with the numbers that the problem has and on one thread: PyTorch's float32 forward and the verification of its result, at the size
that the problem has where memory and time allow; and then, at a scale, the truth, its bound, the comparison in blocks and PyTorch's float64.
Each layer has a process of its own; times are processor time, and memory is what is resident beside what was there before.
With ``--write`` the table goes into docs/verification.md, row by row.
"""

from __future__ import annotations

import argparse
import gc
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from refconv import error_bound_of
from refconv.operations import OPERATIONS
from refconv.testing import Case, cases, compare_result, verify_result
from refconv.testing.battery.cases import MOST_WORK
from refconv.testing.battery.problems import PROBLEMS, scaled

PAGE: Final = Path(__file__).parents[2] / "docs" / "verification.md"
BEGIN, END = "<!-- layers: from bench_layers.py -->\n", "<!-- end of layers -->\n"
HEADS: Final = (
    *("layer", "O/G", "n", "at", "torch float32", "verify", "ratio", "MiB"),
    *("at", "truth", "bound", "compare", "MiB", "torch float64"),
)
GIB: Final = 2.0**30


def problems() -> Iterator[Case]:
    """Yield each layer once, with the numbers that the problem has."""
    for tier in PROBLEMS:
        for op in OPERATIONS:
            yield from cases(tier, op=op)[1::2]


def numbers(case: Case) -> int:
    plan = case.plan
    return sum(math.prod(shape) for shape in (plan.input_shape, plan.weight_shape, plan.output_shape))


def work(case: Case) -> float:
    return math.prod(case.plan.output_shape) * case.plan.taps_per_output


def at_scale(case: Case, is_small: Callable[[Case], bool]) -> tuple[int, Case]:
    """Return the least power of two by which a case is small, and what it is then."""
    scale = 1
    while not is_small(small := scaled(case, scale) if scale > 1 else case):
        scale *= 2
    return scale, small


def is_feasible(case: Case, gib: float) -> bool:
    """Whether there is memory for it, of which PyTorch takes twice that of its arrays, and half a minute is enough."""
    return 2 * 4 * numbers(case) < gib * GIB and work(case) < 2 * gib * MOST_WORK


def is_quick(case: Case) -> bool:
    """Whether what is computed in full takes some seconds."""
    return 1.5e-7 * numbers(case) + 3e-10 * work(case) < 3


def measured(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return a result, the seconds of processor time, and the MiB that were resident beside what was there."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the mark of the most memory begins anew
    before, began = resident(), time.process_time()
    result = call()
    return result, time.process_time() - began, resident() - before


def resident() -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def forward(case: Case, operands: dict[str, Any], dtype: torch.dtype) -> Callable[[], Any]:
    """Return PyTorch's own call."""
    tensors = [None if array is None else torch.from_numpy(array).to(dtype) for array in arguments(case, operands)[:3]]
    rest = [case.kwargs()[name] for name in case.operation.parameters]
    if any(axis.padding[0] != axis.padding[1] for axis in case.plan.axes):  # causal: padded before, as its users do
        tensors[0] = torch.nn.functional.pad(tensors[0], case.plan.axes[0].padding)
        rest[case.operation.parameters.index("padding")] = 0
    return lambda: getattr(torch.nn.functional, case.op)(*tensors, *rest)


def arguments(case: Case, operands: dict[str, Any]) -> tuple[Any, ...]:
    return case.arguments(operands)


def row(case: Case, gib: float) -> tuple[str, ...]:
    scale, whole = at_scale(case, partial(is_feasible, gib=gib))
    operands = whole.operands()
    actual, torch32, _ = measured(forward(whole, operands, torch.float32))
    given, function = arguments(whole, operands), whole.operation.function
    found, verified, beside = measured(lambda: verify_result(actual.numpy(), function, *given))
    assert found.passed
    assert not found.suspect
    plan = case.plan
    each = plan.group_in_channels if case.operation.is_transposed else plan.group_out_channels
    cells = [f"{case.family} {case.op}", str(each), f"{case.products:,}", size_of(scale)]
    cells += [f"{torch32:.2f}", f"{verified:.2f}", f"{verified / torch32:.2f}", f"{beside:.0f}"]
    del actual, operands, given
    scale, small = at_scale(case, is_quick)
    operands = small.operands()
    given = arguments(small, operands)
    actual = forward(small, operands, torch.float32)().numpy()
    call = small.call(operands)
    _, truth, _ = measured(lambda: call(dtype="float64"))
    _, bound, _ = measured(lambda: error_bound_of(function, *given, dtype="float32"))
    found, compared, beside = measured(lambda: compare_result(actual, function, *given))
    assert found.passed
    _, torch64, _ = measured(forward(small, operands, torch.float64))
    return *cells, size_of(scale), f"{truth:.2f}", f"{bound:.2f}", f"{compared:.2f}", f"{beside:.0f}", f"{torch64:.2f}"


def size_of(scale: int) -> str:
    return "full" if scale == 1 else f"1/{scale}"


def table(rows: list[tuple[str, ...]]) -> str:
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    parser.add_argument("--memory", type=float, default=20, metavar="GIB", help="that PyTorch may take (default: 20)")
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="the first of the layers (default: 0)")
    parser.add_argument("--only", type=int, help="one layer, by its number, in this process")
    options = parser.parse_args()
    torch.set_num_threads(1)
    layers = list(problems())
    if options.only is not None:
        print("\t".join(row(layers[options.only], options.memory)))
        return
    rows = []
    for number, case in enumerate(layers[options.first :], options.first):
        command = [sys.executable, __file__, "--only", str(number), "--memory", str(options.memory)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"{case.id}: {run.stderr.splitlines()[-1:]}", file=sys.stderr)
            continue
        rows.append(tuple(run.stdout.strip().split("\t")))
        print(" | ".join(rows[-1]), flush=True)
        if options.write:
            before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
            after = rest.split(END)[1]
            PAGE.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
