"""Which changes of the source no test notices: ``python tests/mutation.py [--sample 300] [--seed 1] [--jobs 2] [PATH ...]``.

Each mutant is the package with one operator, comparison, constant, condition or branch changed, drawn at random from the
files below the paths.  The tests of its file are run against it, then those of its room, then all that is not slow, until
one fails: the mutant is killed.  Printed is each survivor, as the line before and after, and how many were killed.
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
LIMIT = 600  # seconds for one run of tests: a mutant that hangs is killed


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
    """What is read by a person or a type checker; and what stands in a text, whose place Python 3.11 does not know."""
    noted = [getattr(node, field, None) for field in ("annotation", "returns")]
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


def stages(path: Path) -> list[list[str]]:
    """The tests to run, the nearest first: those of the file and its doctests, of its room, and all."""
    room = Path("tests", *path.parts[1:-1])
    near = room / f"test_{path.name}"
    every = ["tests", "refconv"]
    return [
        [str(near), str(path)] if (ROOT / near).exists() else [str(path)],
        [str(room)] if room.name != "tests" else every,
        every,
    ]


def is_killed(mutant: Mutant, copy: Path) -> bool:
    """Whether a test fails, in a copy of the project in which the mutant stands."""
    place = copy / mutant.path
    before = place.read_text()
    place.write_text(mutant.source())
    environment = {**os.environ, "PYTHONPATH": str(copy), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-x", "-q", "-p", "no:cacheprovider", "--no-showlocals", "--tb=no"]
    try:
        for tests in stages(mutant.path):
            command = [sys.executable, "-m", "pytest", *options, *tests]
            try:
                ended = subprocess.run(
                    command, cwd=copy, env=environment, capture_output=True, timeout=LIMIT, check=False
                )
            except subprocess.TimeoutExpired:
                return True
            if ended.returncode in (1, 2):  # a test fails, or cannot even be imported
                return True
            if ended.returncode not in (0, 5):  # 5: there is no test
                raise RuntimeError(f"{' '.join(command)}: {ended.stdout.decode()}{ended.stderr.decode()}")
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
    asked = parser.parse_args()
    files = sorted({file for path in asked.paths for file in ([path] if path.suffix else path.rglob("*.py"))})
    every = [mutant for file in files for mutant in mutants(file)]
    drawn = random.Random(asked.seed).sample(every, min(asked.sample, len(every)))
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(asked.jobs) as workers:
        for job in range(asked.jobs):
            copies.put(Path(scratch, str(job)))
            shutil.copytree(ROOT, Path(scratch, str(job)), ignore=shutil.ignore_patterns(".*", "__pycache__"))

        def tried(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return is_killed(mutant, copy)
            finally:
                copies.put(copy)

        killed = 0
        for mutant, dead in zip(drawn, workers.map(tried, drawn), strict=True):
            killed += dead
            if not dead:
                print(mutant, flush=True)
    print(f"{killed} of {len(drawn)} mutants killed ({len(every)} in all)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
