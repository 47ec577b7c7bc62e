"""Judge the frameworks that are installed, in all their operations, and write what is wrong into frameworks.md.

``python docs/frameworks.py [NAME …]`` replaces the rows of those frameworks, or of all; ``--op``, ``--tier`` and
``--fuzz`` make a run short.  Without ``--tier`` it is core, and full where that takes less than five minutes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from refconv.operations import OPERATIONS
from refconv.testing import Report, cases, check
from refconv.testing.battery.cases import RANDOM
from refconv.testing.battery.tiers import TIERS
from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.targets import TargetError, load_target

PAGE: Final = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- from frameworks.py -->\n", "<!-- end -->\n"
RUNS: Final = (
    "framework",
    "date",
    "tier",
    "random",
    "operations",
    "right",
    "by convention",
    "less precise",
    "wrong",
    "unsupported",
    "minutes",
)
DEFECTS: Final = ("framework", "operations", "cases", "the smallest", "what is said of it")
LONGEST: Final = 240  # of a sentence: a framework's own message may go on for pages
OUTCOMES: Final = ("passed", "differs by convention", "less precise", "failed", "unsupported")
FULL_SECONDS: Final = 300


def judged(name: str, op: str, tier: str, fuzz: int) -> tuple[Report, float]:
    """Return the report of one operation, and the seconds that it took."""
    began = time.perf_counter()
    report = check(name, tier, op=op, fuzz=fuzz)
    seconds = time.perf_counter() - began
    sys.stderr.write(f"{seconds:5.0f} s  {tier}  {report.verdict()}\n")
    return report, seconds


def findings(report: Report) -> Iterable[tuple[str, str, int]]:
    """Yield each distinct thing that is wrong: a sentence, the smallest case, and how many cases there are."""
    for cause in report.causes():
        yield cause.sentence, cause.failures[0].id, len(cause.failures)
    for standard, members in report.standards():
        yield f"less precise: {standard.sentence}", min((each.id for each in members), key=len), len(members)


def defects(name: str, reports: Sequence[Report]) -> list[tuple[str, ...]]:
    """Return a row for each distinct thing, of whichever operations: the smallest case is of the first of them."""
    found: dict[str, tuple[list[str], list[int], str]] = {}
    for report in reports:
        for sentence, smallest, count in findings(report):
            operations, counts, _ = found.setdefault(sentence, ([], [], smallest))
            operations.append(report.op)
            counts.append(count)
    return [
        (name, ", ".join(operations), str(sum(counts)), f"`{smallest}`", shortened(sentence))
        for sentence, (operations, counts, smallest) in found.items()
    ]


def shortened(sentence: str) -> str:
    """Return a sentence as a cell of a table has room for it."""
    plain = " ".join(sentence.split()).translate(str.maketrans({"|": "/", "<": "‹", ">": "›", "`": "'"}))
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST].rsplit(' ', 1)[0]} …"


def run_row(name: str, reports: Sequence[Report], fuzz: int, seconds: float) -> tuple[str, ...]:
    """Return the row that says what was run."""
    versions = ", ".join(sorted(set(map(version, FRAMEWORKS[name].packages))))
    counts = [sum(report.counts()[outcome] for report in reports) for outcome in OUTCOMES]
    drawn = sum(result.family == RANDOM for report in reports for result in report.results)
    operations = [report.op for report in reports]
    asked = f"all {len(operations)}" if operations == list(FRAMEWORKS[name].operations) else ", ".join(operations)
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    random = f"{drawn:,} ({fuzz} each)" if fuzz else "—"
    numbers = [f"{count:,}" for count in counts]
    tiers = ", ".join(sorted({report.tier for report in reports}))
    return f"{name} ({versions})", today, tiers, random, asked, *numbers, f"{seconds / 60:.1f}"


def version(module: str) -> str:
    """Return such as ``torch 2.13.0``, whichever distribution has the module."""
    found = metadata.packages_distributions()[module]
    distribution = module if module in found else found[0]
    return f"{distribution} {metadata.version(distribution)}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rows_of(part: str) -> list[list[str]]:
    """Return the rows of both tables, without their heads."""
    lines = [line.strip("| \n").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return [line for line in lines if line[0] not in ("framework", "---")]


def replaced(page: str, name: str, run: Sequence[str], wrong: Iterable[Sequence[str]]) -> str:
    """Return the page with these rows in place of those of the framework, in the order of the frameworks."""
    before, rest = page.split(BEGIN)
    part, after = rest.split(END)
    order = list(FRAMEWORKS)
    rows = [row for row in rows_of(part) if row[0].split(" (")[0] != name] + [list(run), *map(list, wrong)]
    rows.sort(key=lambda row: order.index(row[0].split(" (")[0]))
    runs, found = ([row for row in rows if len(row) == len(heads)] for heads in (RUNS, DEFECTS))
    return f"{before}{BEGIN}\n{table(RUNS, runs)}\n{table(DEFECTS, found)}\n{END}{after}"


def installed(name: str) -> bool:
    """Whether a framework can be loaded here."""
    try:
        load_target(name, next(iter(FRAMEWORKS[name].operations)))
    except TargetError as error:
        sys.stderr.write(f"{error}\n")
        return False
    return True


def judge(name: str, options: argparse.Namespace) -> None:
    """Judge one framework, and write its rows after each operation, so that a run that is ended has left some."""
    operations = [op for op in FRAMEWORKS[name].operations if op in (options.op or OPERATIONS)]
    found: dict[str, Report] = {}
    spent = 0.0

    def judge_all(tier: str) -> None:
        nonlocal spent
        for op in operations:
            found[op], seconds = judged(name, op, tier, options.fuzz)
            spent += seconds
            reports = [*found.values()]
            rows = run_row(name, reports, options.fuzz, spent), defects(name, reports)
            PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), name, *rows), encoding="utf-8")

    judge_all(options.tier or "core")
    core, full = (sum(len(cases(tier, op=op)) for op in operations) for tier in ("core", "full"))
    if not options.tier and spent * full / core < FULL_SECONDS:
        judge_all("full")


def main() -> None:
    """Judge what is asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    others = [name for name in FRAMEWORKS if name != "refconv"]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(others)} (default: what is installed)")
    parser.add_argument("--op", action="append", choices=tuple(OPERATIONS), help="this operation alone, or several")
    parser.add_argument("--tier", choices=TIERS)
    parser.add_argument("--fuzz", type=int, default=1000, metavar="N", help="random cases of each operation")
    options = parser.parse_args()
    for name in options.names or filter(installed, others):
        judge(name, options)


if __name__ == "__main__":
    main()
