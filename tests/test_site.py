"""The documentation as a site: every page leads on, every figure is described, and the tutorial's pages are notebooks."""

from __future__ import annotations

import doctest
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from scripts import loaded

import refconv

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for page in DOCS.rglob("[!_]*.md") if page.relative_to(DOCS).parts[0][0] != "_")
LESSONS = [page for page in PAGES if page.parent.name == "learn" and page.stem != "index"]
FIGURE = re.compile(r"^```\{draw\}(?: (\S+))?\n((?::.*\n)*)([^`]*?)^```$", re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_page_says_where_to_go_next(page: Path) -> None:
    *_, last = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert last.startswith("Where to go next\n")
    assert len(re.findall(r"^- .*\]\(\S+\)", last, re.MULTILINE)) >= 2


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_link_to_a_page_says_its_title(page: Path) -> None:
    *_, last = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for words, target in re.findall(r"^- \[([^\]]+)\]\(([^)#]+\.md)\)", last, re.MULTILINE):
        title = (page.parent / target).read_text(encoding="utf-8").split("\n", 1)[0]
        assert title in (f"# {words}", "```{include} ../CHANGELOG.md")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_figure_has_a_title_and_words_for_those_who_cannot_see_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    figures = FIGURE.findall(text)
    assert len(figures) == text.count("```{draw}")
    for _, options, _ in figures:
        assert re.search(r"^:title: \S", options, re.MULTILINE)
        assert re.search(r"^:alt: \S.*\.$", options, re.MULTILINE)


def test_ten_lessons_with_a_picture_for_each_claim() -> None:
    assert len(LESSONS) == 10
    index = (DOCS / "learn" / "index.md").read_text(encoding="utf-8")
    for page in LESSONS:
        text = page.read_text(encoding="utf-8")
        assert f"({page.name})" in index
        assert len(FIGURE.findall(text)) >= 3, page.name


def test_each_figure_is_in_the_gallery_once() -> None:
    listed = re.findall(r"^```\{gallery\} (.*)$", (DOCS / "gallery.md").read_text(encoding="utf-8"), re.MULTILINE)
    pages = [str(page.relative_to(DOCS).with_suffix("")) for page in PAGES if "```{draw}" in page.read_text("utf-8")]
    assert sorted(" ".join(listed).split()) == sorted(pages)


@pytest.mark.parametrize("page", LESSONS, ids=name)
def test_a_lesson_is_a_notebook_of_the_same_code(page: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install 'refconv[docs]'")
    for module in ("nbclient", "sphinx"):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install 'refconv[docs]'")

    notebook = loaded("_ext/notebooks.py").as_notebook(page)
    nbformat.validate(notebook)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    text = page.read_text(encoding="utf-8")
    examples = [
        example.source.strip()
        for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for example in doctest.DocTestParser().get_examples(block)
    ]
    figures = [body.strip() for _, _, body in FIGURE.findall(text)]
    assert sorted(code) == sorted(examples + figures)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "```" not in prose
    assert ".md" not in prose


@pytest.mark.parametrize("name", ["refconv", *(f"refconv.{room}" for room in refconv.__all__)])
def test_the_reference_has_every_public_name(name: str) -> None:
    module = sys.modules.get(name)
    listed = {entry.split(".")[-1] for entry in (DOCS / "api.rst").read_text(encoding="utf-8").split()}
    public = {
        public for public in getattr(module, "__all__", ()) if not isinstance(getattr(module, public), ModuleType)
    }
    assert public <= listed


def test_every_file_says_the_same_version() -> None:
    root = DOCS.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    changes = re.findall(r"^## (\S+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert project["version"] == refconv.__version__ == re.findall(r"^version: (.*)$", citation, re.MULTILINE)[0]
    assert refconv.__version__ in changes[:2]  # the first, but for what is not released yet
    assert project["license"] == re.findall(r"^license: (.*)$", citation, re.MULTILINE)[0]


def test_as_many_tests_as_the_page_of_promises_says() -> None:
    files = [path.read_text(encoding="utf-8") for path in (DOCS.parent / "tests").rglob("test_*.py")]
    tests = sum(len(re.findall(r"^ *def test_", text, re.MULTILINE)) for text in files)
    said, in_files = map(
        int, re.findall(r"\| (\d+) in (\d+) \|", (DOCS / "promises.md").read_text(encoding="utf-8"))[0]
    )
    assert said <= tests
    assert in_files <= len(files)
