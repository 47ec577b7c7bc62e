"""The command that judges the frameworks, and the page that it writes."""

from __future__ import annotations

import pytest
from scripts import loaded

import refconv
from refconv.testing import check, find_case
from refconv.testing.frameworks import FRAMEWORKS

page = loaded("frameworks.py")
RUN = ("2026-11-27", "core", "—", "all 3", "5", "0", "0", "1", "2", "0.5")
EMPTY = f"before\n{page.BEGIN}{page.END}after\n"


def row(name: str, sentence: str) -> tuple[str, ...]:
    return name, "conv2d", "1", "`n1-c1-o1-g1-5x6-k3-s1-p0-d1-f32`", sentence


def test_a_framework_replaces_its_own_rows() -> None:
    first = page.replaced(EMPTY, "jax", ("jax (jax 1.0)", *RUN), [row("jax", "one"), row("jax", "another")])
    both = page.replaced(first, "torch", ("torch (torch 2.0)", *RUN), [row("torch", "its own")])
    again = page.replaced(both, "jax", ("jax (jax 1.1)", *RUN), [row("jax", "a third")])
    assert again.startswith("before\n<!--")
    assert again.endswith("-->\nafter\n")
    names = [line[0] for line in page.rows_of(again)]
    assert names == ["torch (torch 2.0)", "jax (jax 1.1)", "torch", "jax"]  # in the order of the targets
    assert [line[-1] for line in page.rows_of(again)[2:]] == ["its own", "a third"]
    assert page.replaced(again, "jax", ("jax (jax 1.1)", *RUN), [row("jax", "a third")]) == again


@pytest.mark.slow
def test_what_is_wrong_in_two_operations_is_one_thing() -> None:
    def unbiased(image, weight, bias, *steps):  # type: ignore[no-untyped-def]
        return (refconv.conv2d if image.ndim > 3 else refconv.conv1d)(image, weight, None, *steps)

    reports = [check(unbiased, op=op, match="smoke and f32 and n1") for op in ("conv2d", "conv1d")]
    (found,) = page.defects("mine", reports)
    assert found == (
        "mine",
        "conv2d, conv1d",
        str(sum(len(report.failures) for report in reports)),
        f"`{reports[0].causes()[0].failures[0].id}`",
        "the bias is missing",
    )


def test_what_is_less_precise_is_found() -> None:
    def narrow(image, weight, bias, *steps):  # type: ignore[no-untyped-def]
        wide = refconv.conv2d(image, weight, bias, *steps)
        return wide.astype("float32").astype(wide.dtype)

    ((sentence, case, count),) = page.findings(check(narrow, "smoke"))
    assert sentence.startswith("less precise: ")
    assert (case, count) == ("n2-c3-o4-g1-7x9-k3x2-s2x1-p0x1-d1-bias-f64-real", 1)


def test_a_sentence_is_a_cell() -> None:
    assert page.shortened("it raises\n  <Error> a | b `c`") == "it raises ‹Error› a / b 'c'"
    long = page.shortened("word " * 100)
    assert long == f"{'word ' * 48}…"


def test_the_row_of_a_run() -> None:
    reports = [
        check("refconv", "smoke", match="k3"),
        check("refconv", "smoke", op="conv1d", match="s3"),
    ]
    name, _, tier, random, operations, *counts, minutes = page.run_row("refconv", reports, 0, 90.0)
    assert (name, tier, random, operations, minutes) == ("refconv ()", "smoke", "—", "conv2d, conv1d", "1.5")
    assert counts == [str(sum(len(report.results) for report in reports)), "0", "0", "0", "0"]


def test_the_version_is_that_of_the_distribution() -> None:
    assert page.version("pytest") == f"pytest {pytest.__version__}"


def test_the_page_is_what_the_command_writes() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    part = text.split(page.BEGIN)[1].split(page.END)[0]
    rows = page.rows_of(part)
    runs = {line[0].split(" (")[0]: line for line in rows if len(line) == len(page.RUNS)}
    found = [line for line in rows if len(line) == len(page.DEFECTS)]
    assert len(runs) + len(found) == len(rows)
    assert set(runs) <= set(FRAMEWORKS)
    assert {line[0] for line in found} == {name for name, run in runs.items() if run[7:9] != ["0", "0"]}
    for line in found:
        assert find_case(line[3].strip("`")).id == line[3].strip("`")
        assert set(line[1].split(", ")) <= set(FRAMEWORKS[line[0]].operations)
