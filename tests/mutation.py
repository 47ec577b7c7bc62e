"""Which changes of the source no test notices: ``python tests/mutation.py [--sample 300] [--seed 1] [--jobs 2] [PATH ...]``.

Each mutant is the package with one operator, comparison, constant, condition or branch changed, drawn at random from the
files below the paths.  All tests are run once, to learn which of them come to each line (`--noted FOLDER` keeps that for the
next time).  Those that come to a mutant, and passed without it, are run against it, the nearest first, until one fails, or
takes many times as long as it did: the mutant is killed.  Printed is each survivor, as the line before and after, and how
many were killed.  It needs coverage.py, of the extra `test`.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
PAIRS = (
    *((ast.Add, ast.Sub), (ast.Mult, ast.FloorDiv), (ast.And, ast.Or)),
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.Is, ast.IsNot)),
)
EXCHANGED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    **{one: other for pair in PAIRS for one, other in (pair, pair[::-1])},
}
TOGETHER = 500  # tests that are run at once
OF_ALL = ("tests/test_architecture.py", "tests/test_constants.py")  # which read every file


@dataclass(frozen=True)
class Mutant:
    """A file of the package, the place of a change in it, and what stands there then."""

    path: Path
    node: ast.expr
    text: str

    def source(self) -> str:
        lines = (ROOT / self.path).read_bytes().splitlines(keepends=True)
        first, last = self.node.lineno - 1, (self.node.end_lineno or 0) - 1
        before = b"".join(lines[:first]) + lines[first][: self.node.col_offset]
        return (
            before + self.text.encode() + lines[last][self.node.end_col_offset :] + b"".join(lines[last + 1 :])
        ).decode()

    def __str__(self) -> str:
        return f"{self.path}:{self.node.lineno}: {ast.unparse(self.node)}  ->  {self.text}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Every change of a file that could change what it does: annotations and texts are left alone."""
    tree = ast.parse((ROOT / path).read_text())
    spared = {id(part) for node in ast.walk(tree) for part in not_run(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in spared:
            for changed in changes(node):
                yield Mutant(path, node, f"({ast.unparse(changed)})")


def not_run(node: ast.AST) -> Iterator[ast.AST]:
    """What is read by a person or a type checker, or spares memory; zip's check of ours; and what stands in a text, whose
    place Python 3.11 does not know."""
    noted = [getattr(node, field, None) for field in ("annotation", "returns")]
    if isinstance(node, ast.FunctionDef) and "overload" in map(ast.unparse, node.decorator_list):
        noted.append(node)
    if isinstance(node, ast.keyword) and node.arg in ("strict", "slots"):
        noted.append(node.value)
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Call) and ast.unparse(node.func) in ("TypeVar", "cast")
    ):
        noted.append(node)
    for each in noted:
        yield from ast.walk(each) if each is not None else ()


def changes(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression could be by a slip."""
    if isinstance(node, ast.BinOp) and type(node.op) in EXCHANGED and not isinstance(node.left, ast.JoinedStr):
        yield ast.BinOp(node.left, EXCHANGED[type(node.op)](), node.right)  # type: ignore[arg-type]
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in EXCHANGED:
        yield ast.Compare(node.left, [EXCHANGED[type(node.ops[0])](), *node.ops[1:]], node.comparators)  # type: ignore[list-item]
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(EXCHANGED[type(node.op)](), node.values)  # type: ignore[arg-type]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)


@dataclass(frozen=True)
class Reached:
    """Which tests run each line, noted by coverage.py, and how long those that passed took."""

    seconds: dict[str, float]
    tests: dict[tuple[str, int], list[str]]

    @classmethod
    def noted(cls, folder: Path, copy: Path, jobs: int) -> Reached:
        """Run all that is not slow once, or read what was noted in a folder when it was."""
        from coverage import CoverageData  # noqa: PLC0415  # pytest imports this file in search of doctests

        if not (folder / "coverage").exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "coveragerc").write_text("[run]\nsource = refconv\nrelative_files = true\n")
            noting = [f"--cov-config={folder / 'coveragerc'}", "--cov", "--cov-context=test", "--cov-report="]
            run_tests(
                [f"--junitxml={folder / 'tests.xml'}", "-o", "junit_family=xunit1", *noting, "-n", str(jobs)],
                copy,
                limit=None,
                COVERAGE_FILE=str(folder / "coverage"),
            )
        cases = ET.parse(folder / "tests.xml").iter("testcase")
        seconds = {
            f"{case.get('file')}::{case.get('name')}": float(case.get("time") or 0)
            for case in cases
            if case.find("failure") is None and case.find("error") is None
        }
        data = CoverageData(str(folder / "coverage"))
        data.read()
        tests = {
            (path, line): [test for test in (name.removesuffix("|run") for name in names) if test in seconds]
            for path in data.measured_files()
            for line, names in data.contexts_by_lineno(path).items()
        }
        return cls(seconds, tests)

    def stages(self, mutant: Mutant, *, nearest: bool = False) -> Iterator[tuple[list[str], float]]:
        """Yield the tests that run a mutant, the nearest first, with the seconds that they take if nothing is wrong.

        Those are of its file, then of its room, then, unless the nearest are asked for, all others; and at last the rest
        of its room, for what is made once and kept was made by whichever test came first.  What runs in the import
        alone, or in another process, is tried by those that come to anything of its file, and where there is none, by
        its room.
        """
        room = Path("tests", *mutant.path.parts[1:-1])
        near = room / f"test_{mutant.path.name}"
        lines = range(mutant.node.lineno, (mutant.node.end_lineno or 0) + 1)
        found = {test for line in lines for test in self.tests.get((str(mutant.path), line), ())}
        if not found:
            found = {test for (path, _), tests in self.tests.items() if path == str(mutant.path) for test in tests}
            found |= {test for test in self.seconds if test.startswith(OF_ALL)}
        if not found:
            yield [str(room)], sum(self.seconds.values())
            return

        def distance(test: str) -> int:
            path = Path(test.partition("::")[0])
            if path in (near, mutant.path) or test.startswith(OF_ALL):
                return 0
            return 1 if room in path.parents and room.name != "tests" else 2

        by_distance = [[test for test in found if distance(test) == far] for far in range(2 if nearest else 3)]
        by_distance.append([test for test in self.seconds if test not in found and distance(test) < 2])
        for alike in by_distance:
            ordered = sorted(alike, key=lambda test: (self.seconds[test], test))
            for start in range(0, len(ordered), TOGETHER):
                several = ordered[start : start + TOGETHER]
                yield several, sum(self.seconds[test] for test in several)


def run_tests(asked: list[str], copy: Path, limit: float | None, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run tests of a copy of the project; a limit is what they take when nothing is wrong."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-q", "-p", "no:cacheprovider", "--no-showlocals", "--tb=no", "-r", ""]
    command = [sys.executable, "-m", "pytest", *options, *asked]
    limit = limit and 60 + 4 * limit
    return subprocess.run(command, cwd=copy, env=environment | more, capture_output=True, timeout=limit, check=False)


def is_killed(mutant: Mutant, copy: Path, reached: Reached, *, nearest: bool) -> bool:
    """Whether a test fails, in a copy of the project in which the mutant stands."""
    place, names = copy / mutant.path, copy / "names-of-tests"
    before = place.read_text()
    place.write_text(mutant.source())
    try:
        for tests, limit in reached.stages(mutant, nearest=nearest):
            names.write_text("\n".join(tests))
            try:
                ended = run_tests(["-x", f"@{names}"], copy, limit)
                if ended.returncode == 4:  # a test has another name now, which need not mean that it fails
                    names.write_text("\n".join(sorted({test.partition("::")[0] for test in tests})))
                    ended = run_tests(["-x", f"@{names}"], copy, sum(reached.seconds.values()))
            except subprocess.TimeoutExpired:
                return True
            if ended.returncode in (1, 2) or ended.returncode < 0:  # a test fails, cannot be imported, or dies
                return True
            if ended.returncode not in (0, 5):  # 5: there is no test
                raise RuntimeError(f"{tests}: {ended.stdout.decode()}{ended.stderr.decode()}")
        return False
    finally:
        place.write_text(before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "paths", nargs="*", type=Path, default=[Path("refconv")], help="files or folders of the package"
    )
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--noted", type=Path, help="a folder: which tests come to which line; made if it is not there")
    parser.add_argument("--nearest", action="store_true", help="run the tests of the file and of its room alone")
    asked = parser.parse_args()
    files = sorted({file for path in asked.paths for file in ([path] if path.suffix else path.rglob("*.py"))})
    every = [mutant for file in files for mutant in mutants(file)]
    drawn = random.Random(asked.seed).sample(every, min(asked.sample, len(every)))
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(asked.jobs) as workers:
        for job in range(asked.jobs):
            copies.put(Path(scratch, str(job)))
            shutil.copytree(ROOT, Path(scratch, str(job)), ignore=shutil.ignore_patterns(".*", "__pycache__"))
        noted = asked.noted.absolute() if asked.noted else Path(scratch, "noted")
        reached = Reached.noted(noted, Path(scratch, "0"), asked.jobs)

        def tried(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return is_killed(mutant, copy, reached, nearest=asked.nearest)
            finally:
                copies.put(copy)

        killed = 0
        for number, (mutant, dead) in enumerate(zip(drawn, workers.map(tried, drawn), strict=True), start=1):
            killed += dead
            if not dead:
                print(f"{number - killed} of {number}: {mutant}", flush=True)
    print(f"{killed} of {len(drawn)} mutants killed ({len(every)} in all)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
