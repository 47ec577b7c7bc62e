"""``refconv check``: judge a convolution, or its transpose or gradient, by the battery."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import refconv
from refconv.bounds.arithmetic import ALGORITHMS, WORDS
from refconv.bounds.epilogue import NAMED, STEPS
from refconv.commands.text_table import emphasis, table, width, write
from refconv.operations import OPERATIONS
from refconv.testing import CaseResult, Report, check
from refconv.testing.battery.cases import DTYPES, Case
from refconv.testing.battery.features import FEATURES
from refconv.testing.battery.tiers import TIERS, chosen_cases, find_case
from refconv.testing.frameworks import FRAMEWORKS
from refconv.testing.interface import ARRAYS, INTERFACE_WORDS
from refconv.testing.judging.outcome import Outcome
from refconv.testing.judging.places import MapLike
from refconv.testing.reporting.supported import as_table

__all__ = ["register"]

MOST_CAUSES = 10

_DESCRIPTION = "Judge a convolution, or its transpose or gradient, by the battery."
_TARGET_HELP = (
    f"one of {', '.join(FRAMEWORKS)}; or package.module:function; or path/to/file.py:function; or exec:PROGRAM"
)


def register(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    command = commands.add_parser("check", help="judge a convolution", description=_DESCRIPTION)
    command.set_defaults(run=_check)
    command.add_argument("target", nargs="?", metavar="TARGET", help=_TARGET_HELP)
    register_choice(command)
    command.add_argument(
        "--fuzz",
        type=int,
        metavar="N",
        default=0,
        help="then N random cases, as far as the target computes them; what fails is shrunk",
    )
    command.add_argument("--rng", type=int, metavar="SEED", default=0, help="the seed of the random cases (default: 0)")
    _register_running(command)
    register_report(command)
    command.add_argument(
        "--refusals", action="store_true", help="run arguments that ought to be refused as well: they fail nothing"
    )
    command.add_argument("--list", action="store_true", help="print the cases and run none")


def register_choice(command: argparse.ArgumentParser) -> None:
    """Add what says which cases: of which operation, tier, name and type."""
    operations = ", ".join(list(OPERATIONS)[1:])
    command.add_argument(
        "--op",
        metavar="OP",
        choices=tuple(OPERATIONS),
        help=f"what the target computes (default: what --case names, or conv2d), or {operations}",
    )
    command.add_argument("--tier", choices=TIERS, default="core", help="which cases (default: core)")
    command.add_argument(
        "--scale", type=int, metavar="N", default=1, help="batch and images so many times smaller (default: 1)"
    )
    command.add_argument(
        "-k",
        dest="match",
        metavar="EXPRESSION",
        default="",
        help="only cases with such words in their id or family as in: same and not (f16 or bias)",
    )
    command.add_argument(
        "--case",
        action="append",
        metavar="NAME",
        default=[],
        help="this case in place of the tier's, in it or not; or several",
    )
    types = ", ".join(DTYPES.values())
    command.add_argument(
        "--dtype",
        action="append",
        metavar="TYPE",
        choices=tuple(DTYPES.values()),
        help=f"only cases of this type, or, given again, of these: {types}",
    )
    _register_declarations(command)
    _register_interface(command)


def _register_declarations(command: argparse.ArgumentParser) -> None:
    """Add what can be said of how the target works, in the words of `refconv.error_bound`."""
    group = command.add_argument_group("how the target works", "what is not said is held to the precision of its type")
    group.add_argument("--accumulate-dtype", metavar="TYPE", help="it adds up in TYPE, such as float16")
    group.add_argument("--input-dtype", metavar="TYPE", help="it rounds its inputs to TYPE first, such as tf32")
    group.add_argument("--algorithm", metavar="NAME", default="direct", help=f"one of {', '.join(ALGORITHMS)}")
    group.add_argument(
        "--confidence", type=float, metavar="P", help="bounds that independent roundings keep with probability P"
    )
    group.add_argument(
        "--epilogue",
        metavar="STEPS",
        help=f"what it does to its sums: {', '.join((*STEPS, *NAMED.values()))}, joined by +, as in scale+shift+relu",
    )
    group.add_argument("--rtol", type=float, metavar="R", default=0.0, help="a way out of every bound: R·|truth|, and")
    group.add_argument("--atol", type=float, metavar="A", default=0.0, help="A, which any element may be off by")
    group.add_argument("--strict", action="store_true", help="fail what is suspect as well")


def _register_interface(command: argparse.ArgumentParser) -> None:
    """Add what can be said of how the target wants to be called."""
    group = command.add_argument_group(
        "how the target wants to be called", "by default: with NumPy's arrays, (N, C, H, W)"
    )
    group.add_argument("--arrays", metavar="NAME", help=f"whose arrays it takes, contiguous: {', '.join(ARRAYS)}")
    group.add_argument("--device", metavar="NAME", help="where these lie, such as cuda or cuda:1")
    group.add_argument("--layout", metavar="LETTERS", help="the order of the axes of images, such as NHWC")
    group.add_argument("--weight-layout", metavar="LETTERS", help="the order of the axes of weights, such as HWIO")
    group.add_argument("--strides", action="store_true", help="these arrays in every layout in memory as well")
    group.add_argument(
        "--supports",
        metavar="LIST",
        help=f"types and features of those that it supports, or, as in no-groups, does not: {', '.join(FEATURES)}",
    )


def _register_running(command: argparse.ArgumentParser) -> None:
    """Add what says how the cases are run."""
    command.add_argument(
        "--workers", type=int, metavar="N", default=1, help="processes to share the cases (default: 1; 0: all cores)"
    )
    command.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="share the cases among the workers of this Dask cluster, as in tcp://host:8786",
    )
    command.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        default=20.0,
        help="seconds that a case may take, loading not counted (default: 20)",
    )


def register_report(command: argparse.ArgumentParser) -> None:
    """Add what says where the report goes."""
    command.add_argument(
        "--json", metavar="FILE", help="write the report as JSON; - for standard output, and nothing else"
    )
    command.add_argument("--html", metavar="FILE", help="write the report as one page, with maps of what is wrong")
    command.add_argument("--junit", metavar="FILE", help="write the report as JUnit's XML, a test for each case")
    command.add_argument(
        "--github",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("GITHUB_ACTIONS") == "true",
        help="annotate what is wrong for GitHub Actions, on standard error (default: where it runs there)",
    )
    command.add_argument("-q", "--quiet", action="store_true", help="print the first line alone")


def asked_operation(options: argparse.Namespace) -> str:
    """Return the operation that was asked for, or else that of the first case that is named."""
    with suppress(ValueError):  # a name that no case has is refused later, with the nearest one
        return options.op or next((find_case(name).op for name in options.case or ()), "conv2d")
    return "conv2d"


def _check(options: argparse.Namespace) -> int:
    options.op = asked_operation(options)
    chosen = chosen_cases(
        options.tier,
        options.op,
        options.match,
        options.dtype,
        refusals=options.refusals,
        named=options.case,
        scale=options.scale,
    )
    if options.list:
        sys.stdout.writelines(f"{case.id}\n" for case in chosen)
        return 0
    how: Any = {name: getattr(options, name) for name in (*INTERFACE_WORDS, *WORDS)}
    if options.target is None:
        raise ValueError("check needs a TARGET: " + _TARGET_HELP)
    open_report(options)
    with progress(len(chosen) + options.fuzz) as advance, _cluster(options.dask) as elsewhere:
        report = check(
            options.target,
            options.tier,
            options.workers or os.cpu_count() or 1,
            op=options.op,
            match=options.match,
            dtype=options.dtype,
            cases=options.case,
            refusals=options.refusals,
            time_limit=options.time_limit,
            fuzz=options.fuzz,
            rng=options.rng,
            map=elsewhere,
            on_result=advance,
            strict=options.strict,
            scale=options.scale,
            **how,
        )
    return write_report(options, report)


@contextmanager
def _cluster(address: str | None) -> Iterator[MapLike | None]:
    """Give the `map` of a Dask cluster; None, where none is asked for."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client  # noqa: PLC0415  # no dependency
    except ModuleNotFoundError:
        raise ValueError("--dask needs distributed: pip install 'dask[distributed]'") from None
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise ValueError(f"--dask={address!r} must be the address of a running scheduler: {error}") from None
    with client:
        yield client.get_executor().map


def open_report(options: argparse.Namespace) -> None:
    """Try the files of the report: where one cannot be written, say so before the run."""
    for file in {options.json, options.html, options.junit} - {None, "-"}:
        if not Path(file).parent.is_dir():
            raise ValueError(f"there is no folder {str(Path(file).parent)!r}, where {file!r} is to be written")
        _write_whole(file, None)


def _write_whole(file: str, text: str | None) -> None:
    """Write a file whole or not at all: one beside it takes its place.  Without a text, only try that."""
    path = Path(file)
    is_written_to = path.exists() and not path.is_file()  # such as /dev/stdout
    path = path if is_written_to else path.resolve()
    place = path if is_written_to else path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.is_dir() or path.is_file():
            path.open("a").close()  # which may be forbidden
        if text is not None or not is_written_to:
            place.write_text(text or "", encoding="utf-8", errors="backslashreplace")
        if text is not None and not is_written_to:
            place.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, file) from None
    finally:
        if not is_written_to:
            place.unlink(missing_ok=True)


def write_report(options: argparse.Namespace, report: Report) -> int:
    """Write the report where the options say, files first, and return the exit status."""
    if options.html:  # only who asks for a page waits for it to be imported
        from refconv.testing.reporting.html import as_html  # noqa: PLC0415

        _write_whole(options.html, as_html(report))
    if options.junit:
        from refconv.testing.reporting.junit import as_junit  # noqa: PLC0415

        _write_whole(options.junit, as_junit(report))
    if options.github:
        from refconv.testing.reporting.github import as_annotations  # noqa: PLC0415

        sys.stderr.writelines(f"{line}\n" for line in as_annotations(report))
    if options.json == "-":
        sys.stdout.write(_as_json(report))
    else:
        if options.json:
            _write_whole(options.json, _as_json(report))
        write(list(islice(_lines(report), 1) if options.quiet else _lines(report)))
    return 0 if report.passed else 1


def _as_json(report: Report) -> str:
    return json.dumps({"refconv": refconv.__version__, **report.to_json()}, indent=1, allow_nan=False) + "\n"


@contextmanager
def progress(total: int) -> Iterator[Callable[[Case | CaseResult], None]]:
    """Show a bar on standard error, if that is a terminal and rich is there; give the function that advances it."""
    try:
        from rich.console import Console  # noqa: PLC0415  # an extra
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    except ModuleNotFoundError:
        yield lambda _: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=total)
        yield lambda case: bar.update(task, advance=1, description=case.family)


def _wrapped(line: str, columns: int) -> list[str]:
    """Break a line, all of whose parts but the first will be indented by two; a case's name stays in one piece."""
    return textwrap.wrap(line, columns - 2, break_on_hyphens=False, break_long_words=False)


def _counts_table(report: Report) -> list[str]:
    """Return how many cases of each family had which outcome."""
    headings, rows = report.table()
    *lines, total = table(headings, rows, [True, *[False] * len(headings[1:])])
    return [*lines, emphasis(total)]


def _lines(report: Report) -> Iterator[str]:
    """Yield the verdict in words, the table, what was unsupported or not refused, the causes, and the numbers."""
    colour, columns = "green" if report.passed else "red", max(20, width())
    yield emphasis("\n  ".join(_wrapped(report.headline(), columns)), colour)
    yield emphasis("\n".join(_wrapped(report.run, columns + 2)), "italic")
    yield from _counts_table(report)

    reasons = report.reasons()
    conventions = Counter(
        result.comparison.convention
        for result in report.results
        if result.outcome == Outcome.BY_CONVENTION and result.comparison is not None
    )
    unrefused = {result.id: result.detail for result in report.results if result.outcome == Outcome.NOT_REFUSED}
    for heading, lines in {
        "unsupported": [f"{count:>3} × {reason}" for reason, count in reasons.most_common()],
        f"without {report.how.algorithm}": [f"{count:>3} × {what}" for what, count in report.direct().items()],
        "differs by convention": [f"{count:>3} × {sentence}" for sentence, count in conventions.most_common()],
        "not refused": [f"{case}: {detail}" for case, detail in unrefused.items()],
    }.items():
        if lines:
            yield f"\n{emphasis(f'{heading}:', 'yellow')}"
        for line in lines:
            yield "\n        ".join(_wrapped(f"  {line}", columns - 6))
    if reasons:
        headings, rows = as_table(report.matrix())
        yield f"\n{emphasis('run, by feature and type:', 'yellow')}"
        yield from table(headings, rows, [True, *[False] * (len(headings) - 1)])

    if report.failures:
        yield "\nTo run a failed case again:  from refconv.testing import check, run_case"
    for cause in report.causes()[:MOST_CAUSES]:
        lines = [part for line in report.story(cause) for part in _wrapped(line, columns)]
        lines += report.reproduction(cause.failures[0]).splitlines()
        yield "\n" + "\n  ".join(lines)
    if len(report.causes()) > MOST_CAUSES:
        yield f"\nand {len(report.causes()) - MOST_CAUSES} more reasons, which --json has"
    verdict = report.verdict()
    if len(verdict) > columns:
        verdict = f"{report.subject}:\n  {verdict.removeprefix(f'{report.subject}: ')}"
    yield f"\n{emphasis(verdict, colour)}"
