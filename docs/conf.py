"""Sphinx configuration: builds offline, with warnings as errors; the pages load nothing from elsewhere."""

import importlib.metadata
import sys
from pathlib import Path

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

html_theme = "furo"
html_title = f"refconv {release}"
html_static_path = ["_static"]
html_css_files = ["refconv.css"]
html_math_renderer = "mathml"
