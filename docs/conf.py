"""Sphinx configuration: builds offline, with warnings as errors; the pages load nothing from elsewhere."""

import importlib.metadata
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "refconv"
author = "The refconv developers"
copyright = f"2026, {author}"
release = importlib.metadata.version("refconv")

extensions = [
    "draw",
    "mathml",
    "myst_parser",
    "notebooks",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_design",
]
exclude_patterns = ["_build", "_ext", "_notebooks"]
default_role = "py:obj"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections name the types in words; the signatures stay short
numpydoc_show_class_members = False
templates_path = ["_templates"]

html_theme = "furo"
html_title = f"refconv {release}"
html_static_path = ["_static"]
html_css_files = ["refconv.css"]
html_math_renderer = "mathml"


def strip_code(_app: Sphinx, doctree: nodes.document) -> None:
    """Take the blank line off the end of each listing, which an example needs to end a block of Python's."""
    for listing in doctree.findall(nodes.literal_block):
        listing.rawsource = listing.astext().rstrip()  # Sphinx colours what is as it was written
        listing[0] = nodes.Text(listing.rawsource)


def name_codes(app: Sphinx, doctree: nodes.document) -> None:
    """Give each code of the diagnosis an address, ``#code-bias-missing``, to which reports link."""
    named: set[str] = set()
    for row in doctree.findall(nodes.row) if app.env.docname == "diagnosis" else ():
        for code in row[0].findall(nodes.literal):
            if code.astext() not in named:
                row[0]["ids"].append(f"code-{code.astext()}")
                named.add(code.astext())


def setup(app: Sphinx) -> None:
    """Change what pages are made of once they are read."""
    app.connect("doctree-read", strip_code)
    app.connect("doctree-read", name_codes)
