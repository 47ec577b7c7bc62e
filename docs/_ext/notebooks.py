"""The pages of ``learn/`` as notebooks: examples become cells, and so does the code of each figure.

Sphinx writes them for the download at the end of each page.  ``python docs/_ext/notebooks.py FOLDER`` runs them all and
writes them with their outputs.
"""

import doctest
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
FOLDER = "_notebooks"
FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(r"\A(?::[\w-]+:.*\n)+\n?")
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")  # to another page, which a notebook has not
FIRST = "This notebook needs `pip install 'refconv[plot]'`."


def as_notebook(page: Path) -> nbformat.NotebookNode:
    """Return a page as a notebook that has not run."""
    cells = [new_markdown_cell(FIRST), *cells_of(page)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # random ones would change with every build
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def cells_of(page: Path) -> Iterator[nbformat.NotebookNode]:
    """Take a page apart: text, examples, and figures; what else is fenced, such as formulas, is text."""
    text, end = page.read_text(encoding="utf-8"), 0
    for fence in FENCE.finditer(text):
        if (cells := list(code_cells(page, *fence.groups()))) or fence[1] == "{toctree}":
            yield from prose(text[end : fence.start()])
            yield from cells
            end = fence.end()
    yield from prose(text[end:])


def prose(text: str) -> Iterator[nbformat.NotebookNode]:
    """Return text without its links to other pages as a cell, if there is any."""
    if text.strip():
        yield new_markdown_cell(LINK.sub(r"\1", text.strip()))


def code_cells(page: Path, language: str, argument: str | None, body: str) -> Iterator[nbformat.NotebookNode]:
    """Return the cells of a fenced block that can run."""
    if language == "{draw}":
        yield new_code_cell((page.parent / argument).read_text().strip() if argument else OPTIONS.sub("", body).strip())
    elif language == "console":
        yield new_code_cell("\n".join(f"!{line[2:]}" for line in body.splitlines() if line.startswith("$ ")))
    elif language == "python":
        for example in doctest.DocTestParser().get_examples(body):
            tags = ["raises-exception"] if example.exc_msg else []
            yield new_code_cell(example.source.strip(), metadata={"tags": tags})


def pages() -> list[Path]:
    """Return the pages that have a notebook."""
    return [page for page in sorted((DOCS / "learn").glob("*.md")) if page.stem != "index"]


def write(_app: Sphinx) -> None:
    """Write them all, for the downloads."""
    (DOCS / FOLDER).mkdir(exist_ok=True)
    for page in pages():
        nbformat.write(as_notebook(page), DOCS / FOLDER / f"{page.stem}.ipynb")


def offer(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Say at the end of a page where its notebook is."""
    folder, _, name = docname.rpartition("/")
    if folder == "learn" and name != "index":
        source[0] += f"\n\nThis page as a notebook: {{download}}`{name}.ipynb </{FOLDER}/{name}.ipynb>`\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the notebooks before the pages are read."""
    app.connect("builder-inited", write)
    app.connect("source-read", offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main(folder: Path) -> None:
    """Run all notebooks and write them with their outputs; one that fails ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages():
        notebook = as_notebook(page)
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
        nbformat.write(notebook, folder / f"{page.stem}.ipynb")
        print(f"{page.stem}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells ran")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
