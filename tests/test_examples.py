"""Every example in the README and the documentation is run, and its output compared.

In a fenced block, ``python`` with ``>>>`` is a doctest, ``python`` that opens with ``# name.py`` is a file that later
blocks may use, as is ``c`` with ``// name.c``, and ``console`` is shell commands behind ``$`` with what they print.
``sh`` blocks set things up and are for .ci/run.  What stands under ``<!-- needs gcc -->``, or another program or
package, is run where that is there.
"""

import doctest
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("[!_]*.md"))]
FENCE = re.compile(r"(?:^<!-- needs (\w+) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = {"python", "console", "c"}
NOT_RUN = {"sh", "text"}  # set-up commands, and formulas
FLAGS = doctest.ELLIPSIS
SLOW = {"README.md", "judge.md", "receptive-fields.md", "adapters.md", "arithmetic.md", "in-a-test-suite.md"}


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page by language, but those that need a program or a package that is not there."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [(language, text) for needed, language, text in found if not needed or is_there(needed)]


def is_there(needed: str) -> bool:
    return shutil.which(needed) is not None or importlib.util.find_spec(needed) is not None


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if page.name in SLOW else (), id=page.name)
        for page in PAGES
        if blocks(page)
    ],
)
def test_examples_print_what_they_say(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, object] = {}
    for language, text in blocks(page):
        assert language in RUN | NOT_RUN, language
        if language == "console":
            run_console(text)
        elif heading := re.match(r"(?:#|//) (\w+\.(?:py|c))\n", text):
            (tmp_path / heading[1]).write_text(text, encoding="utf-8")
        elif language == "python":
            run_doctest(text, names, page)
    for module in ("mykernel", "onesided", "onegroup"):
        sys.modules.pop(module, None)


def run_doctest(text: str, names: dict[str, object], page: Path) -> None:
    test = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), 0)
    assert test.examples, f"a python block without >>> in {page.name} is never run:\n{text}"
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    assert not report, "".join(report)


def run_console(text: str) -> None:
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    for command, expected in zip(parts[1::2], parts[2::2], strict=True):
        defined = f'refconv() {{ "{sys.executable}" -m refconv "$@"; }}; {command}'  # of the interpreter that runs this
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where its own pytest is
        here = {"PATH": path, "PYTHONPATH": str(ROOT)}
        process = subprocess.run(
            ["bash", "-c", defined], capture_output=True, text=True, env=os.environ | here, check=False
        )
        printed = "".join(line.rstrip() + "\n" for line in process.stdout.splitlines())
        agrees = doctest.OutputChecker().check_output(expected, printed, FLAGS)
        assert agrees, f"$ {command}\n{printed}\n--- instead of\n{expected}\n--- standard error\n{process.stderr}"


def test_every_page_has_its_examples_run() -> None:
    languages = {language for page in PAGES for language, _ in blocks(page)}

    assert languages == RUN | NOT_RUN
    assert sum(language in RUN for page in PAGES for language, _ in blocks(page)) > 15
