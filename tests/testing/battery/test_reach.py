"""What each tier reaches along every parameter, as the table of docs/judge.md has it.

``python tests/testing/battery/test_reach.py`` writes the table anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from refconv.testing import Case, cases
from refconv.testing.battery.cases import has_ml_dtypes

PAGE = Path(__file__).parents[3] / "docs" / "judge.md"
BEGIN, END = "<!-- reach: from the cases -->\n", "<!-- end of reach -->\n"
TIERS = ("smoke", "core", "full", "networks", "kernelbench", "gpumode")


def span(numbers: Iterable[int]) -> str:
    found = [*numbers]
    low, high = min(found), max(found)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def words(found: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in dict.fromkeys(found) if word) or "—"


def along(axis: int, name: str) -> Callable[[Case], int]:
    return lambda case: int(getattr(case.plan.axes[axis], name))


def channels(case: Case) -> int:
    return case.input_shape[-3]


NUMBERS: dict[str, Callable[[Case], int]] = {
    "batch": lambda case: case.input_shape[0] if len(case.input_shape) == 4 else 1,
    "input channels": channels,
    "output channels": lambda case: case.weight_shape[0],
    "groups": lambda case: case.groups,
    "channels in a group": lambda case: case.weight_shape[1],
    "outputs of a group": lambda case: case.weight_shape[0] // case.groups,
    "products of a sum": lambda case: case.products,
    "height": along(0, "input_size"),
    "width": along(1, "input_size"),
    "kernel height": along(0, "kernel_size"),
    "kernel width": along(1, "kernel_size"),
    "stride down": along(0, "stride"),
    "stride along": along(1, "stride"),
    "dilation down": along(0, "dilation"),
    "dilation along": along(1, "dilation"),
    "padding, of one side": lambda case: max(side for axis in case.plan.axes for side in axis.padding),
    "output height": along(0, "output_size"),
    "output width": along(1, "output_size"),
}
WORDS: dict[str, Callable[[Case], Iterable[str]]] = {
    "padding in words": lambda case: [case.padding] if isinstance(case.padding, str) else [],
    "types": lambda case: [case.dtype] if not (case.other_dtype or case.bias_dtype) else [],
    "mixed types": lambda case: [
        f"{case.dtype}x{case.other_dtype}" * bool(case.other_dtype),
        f"bias{case.bias_dtype}-{case.dtype}" * bool(case.bias_dtype),
    ],
    "data": lambda case: [case.data],
    "layouts": lambda case: [case.layout],
    "layouts of one array": lambda case: [f"{case.layout}-{case.laid_out}" * bool(case.laid_out)],
    "from other threads": lambda case: ["threads"] * case.threads,
}


def reach() -> str:
    """Return the table: of conv2d, for each parameter what each tier has."""
    found: dict[str, list[Case]] = {tier: cases(tier) for tier in TIERS}
    lines = [f"| conv2d | {' | '.join(f'`{tier}`' for tier in TIERS)} |", "|---" * (len(TIERS) + 1) + "|"]
    lines.append(f"| cases | {' | '.join(f'{len(found[tier]):,}' for tier in TIERS)} |")
    for name, read in NUMBERS.items():
        lines.append(f"| {name} | {' | '.join(span([read(case) for case in found[tier]]) for tier in TIERS)} |")
    for name, of in WORDS.items():
        cells = [words(word for case in found[tier] for word in of(case)) for tier in TIERS]
        cells[2] = "as `core`" if cells[2] == cells[1] else cells[2]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def written(text: str) -> tuple[str, str, str]:
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    return before, table, after


@pytest.mark.skipif(not has_ml_dtypes(), reason="bfloat16's cases come from ml_dtypes")
def test_the_table_on_the_page_is_that_of_the_cases() -> None:
    _, table, after = written(PAGE.read_text(encoding="utf-8"))
    assert after
    assert table.strip() == reach().strip()


def test_core_reaches_what_kernels_have_been_caught_with() -> None:
    core = cases()
    most = {name: max(read(case) for case in core) for name, read in NUMBERS.items()}
    assert most["products of a sum"] > 4096
    assert most["kernel width"] > 32
    assert most["groups"] >= 64
    assert most["batch"] >= 17
    assert min(read(case) for case in core for name, read in NUMBERS.items() if name == "width") == 0
    ones: list[dict[str, Any]] = [{"groups": case.groups, "out": case.weight_shape[0] // case.groups} for case in core]
    assert {one["out"] for one in ones if one["groups"] > 1} >= {1, 2, 3, 4, 5}


if __name__ == "__main__":
    before, _, after = written(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(f"{before}{BEGIN}\n{reach()}\n{END}{after}", encoding="utf-8")
