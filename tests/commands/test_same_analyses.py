"""What `analyze` and `design` say is what they said before: `analyses.txt` has checksums of text, JSON and equations.

Beside the tests of each number, which say what is right, this notices any that changes.  Where that is meant, print the
table anew: ``PYTHONPATH=tests python tests/commands/test_same_analyses.py > tests/commands/analyses.txt``.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from sampled import one_in

from refconv.analysis import Layers, receptive_field
from refconv.analysis.zoo import names
from refconv.commands.main import main

TABLE = Path(__file__).with_name("analyses.txt")
PLANES = (
    *("k1", "k2", "k3", "k3p1", "k3d2p2", "k3d2", "k5s2p2", "k7s2p3", "k3x5", "k2s2", "pool2", "pool3s2p1ceil", "up2"),
    *("up2bilinear", "(k1 | k3p6d6)", "(k3p1 k3p1 | )", "(k1s2 | k3s2p1)", "(k3d2p2)x2", "k3s3", "k2s3", "convt2s2"),
    *("convt3s2p1o1", "convt4s2p1", "k4s1d3", "k3x1p1x0", "k3s2x1p1", "k3psame", "k3s2psame_lower", "avgpool3s1p1"),
)
LINES = ("k1", "k2", "k3", "k3p1", "k3d2p2", "k2d4", "k5s2p2", "(k2d1 k2d2)x2", "pool2", "up2", "convt4s2p1", "k2s3")


def questions() -> Iterator[tuple[str, ...]]:
    """The arguments of the command, drawn once and for all."""
    for seed in range(90):
        draw = random.Random(seed)
        on_line = seed % 4 == 0
        pieces = [draw.choice(LINES if on_line else PLANES) for _ in range(draw.randint(1, 5))]
        size = draw.choice(["", "40", "97"] if on_line else ["", "20x31", "64x64"])
        yield "analyze", ("c1: " if on_line else "") + " ".join(pieces), *(["--input", size] if size else [])
    for name in names():
        if "101" not in name and "152" not in name:  # the blocks of resnet50, more of them
            yield "analyze", "--zoo", name
    for count, field in ((2, "9"), (3, "13"), (3, "31"), (4, "40"), (5, "33")):
        yield "design", "--layers", str(count), "--receptive-field", field


def said(arguments: tuple[str, ...]) -> str:
    """The line of a question: it, and a checksum of what is said in text, in JSON and in equations, or why nothing is."""
    answers = []
    for more in ([], ["--json"]):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            status = main([*arguments, *more])
        answers.append(f"{status}\n{out.getvalue()}\n{err.getvalue()}")
    if status == 0 and len(arguments) == 2 and not arguments[1].startswith("c1:"):
        seen = receptive_field(Layers.parse(arguments[1]))
        answers += [seen.explain(), seen.explain(latex=True)]
    return f"{zlib.crc32(''.join(answers).encode()):08x} {' '.join(arguments)}"


@contextlib.contextmanager
def eighty_columns() -> Iterator[None]:
    """A terminal of 80 columns."""
    with mock.patch.dict(os.environ, COLUMNS="80"):
        yield


@pytest.mark.parametrize("part", one_in(2, range(8)))
def test_the_answers_are_what_they_were(part: int) -> None:
    with eighty_columns():
        found = [said(question) for question in list(questions())[part::8]]
    assert found == TABLE.read_text().splitlines()[part::8]


if __name__ == "__main__":
    with eighty_columns():
        print("\n".join(map(said, questions())))
