from __future__ import annotations

import os
import platform
import re
from dataclasses import replace
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import kernels
import numpy as np
import pytest
from sampled import one_in

import refconv
from refconv.testing import CaseResult, Comparison, Finding, Outcome, Report, cases, check
from refconv.testing.diagnosis.mistake_tables import EVERY_MISTAKE
from refconv.testing.judging.excerpt import Excerpt
from refconv.testing.reporting import html
from refconv.testing.reporting.html import as_html

EVIL = "<script>alert('&')</script>"
VOID = {"meta", "rect"}


class Page(HTMLParser):
    """Collect the tags, and the text of each kind of element; complain where they are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data)


def made_up(*results: CaseResult, target: str = "k.py:f") -> Report:
    return Report(target, "smoke", results)


FINDING = Finding("evil", f"it is {EVIL}", 4, 4, reading=f"not {EVIL}", alternatives=("b",))
FAILED = CaseResult(
    "n1-c1-o1-g1-3x4-k2-s1-p0-d1-f32",
    "smoke",
    Outcome.FAILED,
    f"wrong\n{EVIL}",
    Comparison(elements=6, mismatched=4),
    0.1,
    (FINDING, Finding("b<i>", "other", reading="another")),
    Excerpt("image 1, channel 2", 0, 0, ((1.0,),), ((2.0,),), ((9.0,),)),
)


def test_a_right_target() -> None:
    report = check("refconv", "smoke")
    page = Page(as_html(report))
    assert page.texts["h1"] == ["✓ RIGHT in all 20 cases"]
    assert page.texts["title"] == ["refconv: right (20 passed, 0 failed)"]
    assert page.texts["h2"] == ["Cases", "Run, by feature and type"]
    assert page.texts["td"][:8] == ["smoke", "20", "0", "0", "total", "20", "0", "0"]
    assert page.texts["th"][:5] == ["cases", "passed", "failed", "unsupported", "run of"]
    assert "f32" in page.texts["th"][5:]
    assert "svg" not in dict(page.tags)
    assert "details" not in dict(page.tags)


@pytest.mark.slow
def test_each_cause_has_its_smallest_case_as_maps() -> None:
    report = check(kernels.one_pixel_off, "smoke", match="k2x3")
    (cause,) = report.causes()
    text = as_html(report)
    page = Page(text)
    assert page.texts["h1"] == [f"✗ {report.headline()}"]
    assert page.texts["h2"] == [cause.title, "Cases", "Run, by feature and type"]
    assert page.texts["b"] == ["actual", "desired", "actual − desired", "wrong elements of every map"]
    assert [tag for tag, _ in page.tags].count("svg") == 4
    assert page.texts["pre"] == [
        cause.failures[0].detail,
        f"from refconv.testing import check, run_case\n{report.reproduction(cause.failures[0])}",
    ]
    assert "Image 0, channel 0:" in page.texts["p"]
    assert page.texts["summary"] == ["all 2 failing cases"]
    assert [code for code in page.texts["code"] if code.startswith("n2-")] == [
        cause.failures[0].id,
        *(failure.id for failure in cause.failures),
    ]


def test_everything_is_escaped() -> None:
    unsupported = CaseResult("u", "<fam>", Outcome.UNSUPPORTED, EVIL)
    accepted = CaseResult("<id>", "<fam>", Outcome.NOT_REFUSED, EVIL)
    text = as_html(made_up(FAILED, unsupported, accepted, target=f"{EVIL}.py:f"))
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "code", "section", "pre", "div", "figure"),
        *(
            "figcaption",
            "b",
            "svg",
            "g",
            "text",
            "rect",
            "small",
            "table",
            "tr",
            "th",
            "td",
            "details",
            "summary",
            "ul",
            "li",
        ),
    }
    assert "<script" not in text
    assert page.texts["h1"] == [f"✗ WRONG: it is {EVIL}"]
    assert page.texts["h2"] == [f"1 case fails: it is {EVIL}", "Cases", "Run, by feature and type"]
    assert page.texts["p"] == [f"should be: not {EVIL}", "explained as well: other", "Image 1, channel 2:"]
    assert page.texts["pre"][0] == f"wrong\n{EVIL}"
    assert page.texts["summary"] == ["unsupported", "not refused"]
    assert page.texts["li"][5:] == [f"1 × {EVIL}", f": {EVIL}"]
    assert "<fam>" in page.texts["td"]
    assert "<id>" in page.texts["code"]


def test_what_an_algorithm_cannot_compute_is_counted() -> None:
    cases = ["n1-c3-o4-g1-6x8-k3-s1-p1-d1-f32", "n1-c3-o4-g1-6x8-k3-s2-p1-d1-f32", "n1-c3-o4-g1-6x8-k1-s1-p1-d1-f32"]
    page = Page(as_html(check(kernels.right, cases=cases, algorithm="winograd2")))
    assert page.texts["summary"] == ["without winograd2"]
    assert page.texts["li"][-1] == "2 × held to a direct sum, for it cannot compute that"


def test_a_page_loads_nothing() -> None:
    text = as_html(check(kernels.one_pixel_off, "smoke", match="k2x3"))
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in text
    assert not re.search(r"https?:|//|@import|url\(|src=|href=|<script|<link|<img", text.replace("<!doctype html>", ""))


def test_a_page_fits_a_phone_and_the_dark() -> None:
    text = as_html(made_up(FAILED))
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "@media (prefers-color-scheme: dark)" in text
    assert "color-scheme: light dark" in text
    for colour in ("ground", "above", "below", "wrong"):
        assert f".{colour} {{ fill:" in text


def test_without_an_excerpt_there_are_words_alone() -> None:
    page = Page(as_html(made_up(CaseResult("n1", "smoke", Outcome.FAILED, "raised Oops: no", ended_by="Oops"))))
    assert page.texts["h2"] == ["1 case fails: it raises Oops: no", "Cases", "Run, by feature and type"]
    assert "svg" not in dict(page.tags)


def test_without_a_batch_axis() -> None:
    assert FAILED.excerpt is not None
    flat = replace(FAILED, excerpt=replace(FAILED.excerpt, place="channel 2"))
    assert "<p>Channel 2:</p>" in as_html(made_up(flat))
    signal = replace(FAILED, excerpt=replace(FAILED.excerpt, place=""))  # which has none but those that are shown
    assert "<p></p>" in as_html(made_up(signal))


def test_how_it_was_run() -> None:
    report = check("refconv", "smoke")
    compared, versions, machine, duration, date = Page(as_html(report)).texts["li"]
    elements = sum(result.comparison.elements for result in report.results if result.comparison)
    assert compared.startswith(f"{elements:,} elements compared in 20 cases; of right results that may be rounded")
    assert f"refconv {refconv.__version__}, numpy {np.__version__}, Python {platform.python_version()}" == versions
    assert machine == f"{platform.system()} on {platform.machine()}, {os.cpu_count()} processors"
    assert duration == f"the target took {sum(result.seconds for result in report.results):.1f} s for 20 cases"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d \S+", date)


def test_a_case_is_spelled_out() -> None:
    page = Page(as_html(made_up(FAILED)))
    assert page.texts["small"][0].startswith("1 image of 1 channel, 3 × 4 pixels; 1 output channel; kernel 2 × 2;")


def test_what_the_worst_output_reads_is_drawn() -> None:
    comparison = Comparison(elements=6, mismatched=6, worst_index=(0, 0, 1, 2))
    finding = Finding("kernel-flipped", "the kernel is flipped", 6, 6)
    page = Page(as_html(made_up(replace(FAILED, comparison=comparison, findings=(finding,)))))
    assert "What output [0, 0, 1, 2] reads, each tap by its index:" in page.texts["p"]
    assert page.texts["b"][-2:] == ["as it was read", "as it should be"]


def test_codes_link_to_the_documentation_where_the_package_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "<a " not in as_html(made_up(FAILED))
    published = Message()
    published["Project-URL"] = "Changelog, https://docs.test/changelog.html"
    published["Project-URL"] = "Documentation, https://docs.test/"
    monkeypatch.setattr("importlib.metadata.metadata", lambda _: published)
    finding = Finding("kernel-flipped-along-width", "the kernel is flipped along the width")
    page = Page(as_html(made_up(replace(FAILED, findings=(finding,)))))
    assert ("a", {"href": "https://docs.test/diagnosis.html#code-kernel-flipped"}) in page.tags


def test_every_code_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    codes = {f"code-{code}" for cell in first_cells for code in re.findall(r"`([^`]+)`", cell)}
    missing = {mistake.code for mistake in EVERY_MISTAKE if html.anchor(mistake.code) not in codes}
    assert missing == set()


def test_nothing_judged() -> None:
    page = Page(as_html(check(kernels.supports_nothing, "smoke")))
    assert page.texts["h1"] == ["✗ NOT JUDGED: it computed no case"]
    assert page.texts["li"][5:] == ["20 × NotImplementedError: not yet"]


@pytest.mark.parametrize("name", one_in(4, ["one_pixel_off", "not_a_number", "raises", "supports_nothing"]))
def test_real_runs_make_well_formed_pages(name: str, tmp_path: Path) -> None:
    report = check(getattr(kernels, name), "smoke")
    text = as_html(report)
    Page(text)
    (tmp_path / "x.html").write_text(text, encoding="utf-8")
    assert text.endswith("</body></html>\n")


def test_the_counts_are_by_family() -> None:
    assert len(cases("smoke")) == 20
    report = check(refconv.conv2d, match="memory")
    assert Page(as_html(report)).texts["td"][:5] == ["memory", "28", "0", "0", "total"]
