"""Figures that are drawn when the pages are built, with the code that draws them, and a gallery of them all.

``{draw}`` runs the code in it, or in the file that it names, and shows what it draws: the animation that the last line
returns, or else pyplot's figures.  ``{gallery}`` shows thumbnails of all that is drawn on the pages that it names.
"""

import ast
import contextlib
import fnmatch
import io
import shlex
import tempfile
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import matplotlib as mpl
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib import pyplot as plt
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from refconv.commands.main import main

FOLDER = "_drawn"  # in the source directory, where Sphinx looks for images
STYLE = {"svg.hashsalt": "refconv", "font.size": 10, "axes.titlesize": 10}


class Draw(SphinxDirective):
    """A figure; its code stands below it with ``:code: shown``, and folds out without."""

    has_content = True
    optional_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {
        "alt": directives.unchanged_required,
        "title": directives.unchanged_required,  # in the gallery
        "code": lambda choice: directives.choice(choice, ("shown", "folded")),
        "class": directives.class_option,
    }

    def run(self) -> list[nodes.Node]:
        """Draw, and put image and code on the page."""
        code, folder = self.code()
        names = [f"{self.env.docname.replace('/', '-')}-{self.env.new_serialno('draw')}"]
        target = Path(self.env.srcdir, FOLDER, f"{names[0]}.svg")
        target.parent.mkdir(exist_ok=True)
        try:
            svg = draw(code, folder)
        except Exception as error:
            raise ExtensionError(f"{self.get_location()}: {error!r} in\n{code}") from error
        target.write_text(svg, encoding="utf-8")
        image = nodes.image(uri=f"/{FOLDER}/{target.name}", alt=self.options.get("alt", ""), classes=["drawn"])
        figure = nodes.container("", image, ids=[names[0]], classes=["figure", *self.options.get("class", [])])
        language = "sh" if code.startswith("refconv ") else "python"
        listing = nodes.literal_block(code, code, language=language)
        drawn(self.env).append((self.env.docname, names[0], self.options.get("title", ""), f"{FOLDER}/{target.name}"))
        if self.options.get("code") == "shown":
            return [figure, listing]
        fold = '<details class="code"><summary>The code that draws this</summary>'
        return [figure, nodes.raw("", fold, format="html"), listing, nodes.raw("", "</details>", format="html")]

    def code(self) -> tuple[str, Path]:
        """Return what is to be run, and where."""
        if not self.arguments:
            return "\n".join(self.content), Path(self.env.srcdir)
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        return Path(path).read_text(encoding="utf-8").rstrip(), Path(path).parent


def draw(code: str, folder: Path) -> str:
    """Run the code in a folder and return what it draws as an SVG."""
    plt.close("all")
    if code.startswith("refconv "):
        return run_command(code)
    *statements, last = ast.parse(code).body
    names: dict[str, Any] = {"__name__": "__main__"}
    value = None
    with mpl.rc_context(STYLE), contextlib.chdir(folder):
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(statements, []), "<draw>", "exec"), names)  # noqa: S102
            value = eval(compile(ast.Expression(last.value), "<draw>", "eval"), names)  # noqa: S307
        else:
            exec(compile(code, "<draw>", "exec"), names)  # noqa: S102
        return value.to_svg() if hasattr(value, "to_svg") else save_figure()


def run_command(line: str) -> str:
    """Run ``refconv draw`` and return the file that it writes."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        arguments = shlex.split(line)
        if main(arguments[1:]) != 0:
            raise ValueError(line)
        return Path(arguments[-1]).read_text(encoding="utf-8")


def save_figure() -> str:
    """Return pyplot's one figure as an SVG."""
    (number,) = plt.get_fignums()
    buffer = io.StringIO()
    plt.figure(number).savefig(buffer, format="svg", metadata={"Date": None})
    plt.close("all")
    return buffer.getvalue()


class gallery(nodes.General, nodes.Element):  # noqa: N801  # docutils names nodes so
    """Where thumbnails go once all pages are read."""


class Gallery(SphinxDirective):
    """Thumbnails of all that is drawn on some pages, each a link to where it stands."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Leave a place for them."""
        return [gallery(pages=self.arguments[0].split())]


def drawn(env: BuildEnvironment) -> list[tuple[str, str, str, str]]:
    """Return what has been drawn so far: page, anchor, title and file."""
    if not hasattr(env, "drawn"):
        env.drawn = []  # type: ignore[attr-defined]
    found: list[tuple[str, str, str, str]] = env.drawn
    return found


def forget(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget what a page drew before it is read again."""
    drawn(env)[:] = [figure for figure in drawn(env) if figure[0] != docname]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the thumbnails where they go."""
    up = "../" * docname.count("/")
    for place in doctree.findall(gallery):
        cards = []
        for pattern in place["pages"]:
            for page, anchor, title, file in drawn(app.env):
                if fnmatch.fnmatch(page, pattern):
                    image = f"{up}_images/{app.env.images[file][1]}"
                    href = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
                    cards.append(
                        f'<a class="card" href="{href}"><img class="drawn" loading="lazy" src="{image}" alt="">'
                        f"<span>{escape(title)}</span></a>"
                    )
        place.replace_self(nodes.raw("", f'<div class="gallery">{"".join(cards)}</div>', format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register both directives."""
    app.add_directive("draw", Draw)
    app.add_directive("gallery", Gallery)
    app.add_node(gallery)
    app.connect("env-purge-doc", forget)
    app.connect("env-updated", lambda _app, env: [page for page in env.found_docs if page.startswith("gallery")])
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
