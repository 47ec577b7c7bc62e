"""The report as one page that needs nothing else: no network, no script, no font.

Everything that a target can have a say in, its name, its exceptions, is escaped, and the page forbids itself to load
anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

from refconv.testing.judging.excerpt import Excerpt
from refconv.testing.judging.outcome import Outcome
from refconv.testing.reporting.grouping import Cause
from refconv.testing.reporting.maps import maps_of
from refconv.testing.reporting.report import Report

__all__ = ["as_html"]

_STYLE: Final = Path(__file__).with_suffix(".css")
# Its own style, and nothing else: whatever slipped through the escaping could load nothing.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(report: Report) -> str:
    """Return a report as one self-contained page of HTML.

    First the verdict in words; then each cause with the smallest case that fails for it, as maps of what stands there,
    what should, and the error in units of its bound; then the counts.

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
            f'<p class="soft"><code>{escape(report.command)}</code>, tier {escape(report.tier)}</p>',
            *(_cause(report, cause) for cause in report.causes()),
            _counts(report),
            _remarks(report),
            "</body></html>\n",
        ]
    )


def _cause(report: Report, cause: Cause) -> str:
    """Return one cause: why, only where, the smallest case with its maps, how to run it again, and the other cases."""
    smallest = cause.failures[0]
    ids = [failure.id for failure in cause.failures]
    others = _folded(f"all {len(ids)} failing cases", map(_code, ids)) if len(ids) > 1 else ""
    return "\n".join(
        [
            f"<section><h2>{escape(cause.title)}</h2>",
            *(f"<p>{escape(remark)}</p>" for remark in cause.remarks),
            f"<p>{'Smallest failing case: ' if others else ''}{_code(smallest.id)}</p>",
            f"<pre>{escape(smallest.detail)}</pre>",
            f"<p>{_place(smallest.excerpt)}</p>{maps_of(smallest.excerpt)}" if smallest.excerpt else "",
            f"<pre>from refconv.testing import check, run_case\n{escape(report.reproduction(smallest))}</pre>",
            others,
            "</section>",
        ]
    )


def _place(excerpt: Excerpt) -> str:
    return f"{escape(excerpt.place.capitalize())}:" if excerpt.place else ""


def _counts(report: Report) -> str:
    """Return the table of families and outcomes."""
    rows = {**{family: report.counts(family) for family in report.families()}, "total": report.counts()}
    head = "".join(f"<th>{escape(word)}</th>" for word in ("cases", *report.outcomes()))
    body = (
        f"<tr><td>{escape(name)}</td>{''.join(f'<td>{counts[outcome]}</td>' for outcome in report.outcomes())}</tr>"
        for name, counts in rows.items()
    )
    return f"<section><h2>Cases</h2><table><tr>{head}</tr>{''.join(body)}</table></section>"


def _remarks(report: Report) -> str:
    """Return what the target does not support, and what it ought to have refused."""
    reasons = Counter(result.detail for result in report.results if result.outcome == Outcome.UNSUPPORTED)
    accepted = [result for result in report.results if result.outcome == Outcome.NOT_REFUSED]
    return _folded("unsupported", (f"{count} × {escape(why)}" for why, count in reasons.most_common())) + _folded(
        "not refused", (f"{_code(result.id)}: {escape(result.detail)}" for result in accepted)
    )


def _folded(title: str, items: Iterable[str]) -> str:
    """Return a list, of HTML, that opens when it is asked to; nothing for none."""
    lines = "".join(f"<li>{item}</li>" for item in items)
    return f"<details><summary>{escape(title)}</summary><ul>{lines}</ul></details>" if lines else ""


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
