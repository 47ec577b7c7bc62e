"""The report as one page that needs nothing else: no network, no script, no font.

Everything that a target can have a say in, its name, its exceptions, is escaped, and the page forbids itself to load
anything.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Final

from refconv.testing.judging.judge import CaseResult
from refconv.testing.judging.outcome import Outcome
from refconv.testing.reporting.grouping import Cause, valid_case
from refconv.testing.reporting.maps import maps_of, strip_of
from refconv.testing.reporting.reads import reads_of
from refconv.testing.reporting.report import Report
from refconv.testing.reporting.spelled import spelled
from refconv.testing.reporting.supported import as_table
from refconv.testing.version import version

__all__ = ["as_html"]

_STYLE: Final = Path(__file__).with_suffix(".css")
# Its own style, and nothing else: whatever slipped through the escaping could load nothing.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(report: Report) -> str:
    """Return a report as one self-contained page of HTML.

    First the verdict in words, with which versions, where and when it was run; then each cause with the smallest case
    that fails for it, spelled out, with maps of what stands there, what should, by how much they differ, and which
    pixels are read; then the counts, and what is covered.

    Parameters
    ----------
    report : Report
        What `check` returned.

    Returns
    -------
    str
        A document in UTF-8 that loads nothing, for desktops and phones, in light and in dark.

    Examples
    --------
    >>> from refconv.testing import check
    >>> page = as_html(check("refconv", "smoke"))
    >>> page.splitlines()[0], "RIGHT in all 20 cases" in page, "http://" in page
    ('<!doctype html>', True, False)
    """
    tone, mark = ("good", "✓") if report.passed else ("bad", "✗")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(report.verdict())}</title><style>\n{_STYLE.read_text(encoding='utf-8')}</style></head><body>",
            f'<h1 class="{tone}">{mark} {escape(report.headline())}</h1>',
            f'<p class="soft">{_code(report.run)}</p>',
            f"<ul>{_items(map(escape, _circumstances(report)))}</ul>",
            *(_cause(report, cause) for cause in report.causes()),
            f'<div class="tables">{_counts(report)}',
            f"{_table('Run, by feature and type', *as_table(report.matrix()))}</div>",
            _remarks(report),
            "</body></html>\n",
        ]
    )


def _cause(report: Report, cause: Cause) -> str:
    """Return one cause: why, only where, the smallest case with its maps, how to run it again, and the other cases."""
    smallest = cause.failures[0]
    ids = [failure.id for failure in cause.failures]
    others = _folded(f"all {len(ids)} failing cases", map(_code, ids)) if len(ids) > 1 else ""
    case = valid_case(smallest)
    return "\n".join(
        [
            f"<section><h2>{escape(cause.title)}</h2>",
            *(f"<p>{escape(remark)}</p>" for remark in cause.remarks),
            f"<p>{'Smallest failing case: ' if others else ''}{_code(smallest.id)}</p>",
            f"<p><small>{escape(spelled(case))}</small></p>" if case else "",
            f"<pre>{escape(smallest.detail)}</pre>",
            *_drawn(smallest, cause.code),
            f"<pre>from refconv.testing import check, run_case\n{escape(report.reproduction(smallest))}</pre>",
            others,
            f"<p><small>code {_linked(cause.code)}</small></p></section>",
        ]
    )


def _drawn(result: CaseResult, code: str) -> Iterator[str]:
    """Yield the figures of a failure: its worst map, all maps in numbers, and what is read."""
    if result.excerpt is not None:
        place = result.excerpt.place
        yield f"<p>{escape(place.capitalize())}{':' if place else ''}</p>{maps_of(result.excerpt)}"
        yield strip_of(result.excerpt)
    case, worst = valid_case(result), result.comparison and result.comparison.worst_index
    if case and worst and (reads := reads_of(case, code, worst)):
        yield f'<p>What output {list(worst)} reads, each tap by its index:</p><div class="maps">{reads}</div>'


def _linked(code: str) -> str:
    """Return the code of a cause, with a link to its line in the documentation where the package says where that is."""
    with suppress(metadata.PackageNotFoundError):
        urls = dict(entry.split(", ", 1) for entry in metadata.metadata("refconv").get_all("Project-URL") or ())
        if base := urls.get("Documentation"):
            return f'<a href="{escape(base.rstrip("/"))}/diagnosis.html#{anchor(code)}">{_code(code)}</a>'
    return _code(code)


def anchor(code: str) -> str:
    """Return where a code stands on the page of the diagnosis: of a pair, or of one axis, its first part.

    >>> anchor("kernel-flipped-along-width"), anchor("dilation-ignored+bias-missing")
    ('code-kernel-flipped', 'code-dilation-ignored')
    """
    return f"code-{re.split(r'[+]|-along-(?:height|width|depth)$', code)[0]}"


def _counts(report: Report) -> str:
    """Return the table of families and outcomes."""
    return f'<div class="counts">{_table("Cases", *report.table())}</div>'


def _table(title: str, headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a section with one table."""
    head = "".join(f"<th>{escape(word)}</th>" for word in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<section><h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table></section>"


def _circumstances(report: Report) -> list[str]:
    """Return what was compared, with which versions, on what machine, how long the target took, and when."""
    compared = [result.comparison for result in report.results if result.comparison is not None]
    bounded = [comparison.error_in_bounds for comparison in compared if comparison.passed and comparison.bound]
    elements = sum(comparison.elements for comparison in compared)
    worst = f"; of right results that may be rounded, the worst uses {max(bounded):.2g} of its bound" if bounded else ""
    others = map(_version, dict.fromkeys(name for name in ("numpy", report.target) if name != "refconv"))
    versions = ", ".join(filter(None, [f"refconv {version()}", *others]))
    seconds = sum(result.seconds for result in report.results)
    return [
        f"{elements:,} elements compared in {len(compared)} cases{worst}",
        f"{versions}, Python {platform.python_version()}",
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} processors",
        f"the target took {seconds:.1f} s for {len(report.results)} cases",
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
    ]


def _version(package: str) -> str:
    """Return a package with its version; nothing for a target that is none."""
    with suppress(metadata.PackageNotFoundError, ValueError):
        return f"{package} {metadata.version(package)}"
    return ""


def _remarks(report: Report) -> str:
    """Return what the target does not support, what its algorithm does not fit, and what it ought to have refused."""
    reasons = [f"{count} × {escape(why)}" for why, count in report.reasons().most_common()]
    accepted = [result for result in report.results if result.outcome == Outcome.NOT_REFUSED]
    unrefused = [f"{_code(result.id)}: {escape(result.detail)}" for result in accepted]
    without = _folded(
        f"without {report.how.algorithm}", [f"{count} × {escape(what)}" for what, count in report.direct().items()]
    )
    return _folded("unsupported", reasons) + without + _folded("not refused", unrefused)


def _folded(title: str, items: Iterable[str]) -> str:
    """Return a list, of HTML, that opens when it is asked to; nothing for none."""
    lines = _items(items)
    return f"<details><summary>{escape(title)}</summary><ul>{lines}</ul></details>" if lines else ""


def _items(items: Iterable[str]) -> str:
    return "".join(f"<li>{item}</li>" for item in items)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
