"""Sphinx configuration: builds offline, with warnings as errors."""

import importlib.metadata

project = "refconv"
author = "The refconv developers"
copyright = f"2026, {author}"
release = importlib.metadata.version("refconv")

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
default_role = "py:obj"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections name the types in words; the signatures stay short
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"refconv {release}"

plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"svg.hashsalt": "refconv"}  # the same drawing has the same bytes in every build
