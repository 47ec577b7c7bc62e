"""What the help of each command says beyond its options: examples, sizes of tiers, exit statuses; and completion."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["complete"]

EXAMPLES: Final[dict[str, dict[str, str]]] = {
    "refconv": {
        "refconv check torch": "is PyTorch's conv2d right?",
        "refconv check mykernel.py:conv2d --html report.html": "is mine, and if not, why?",
        "refconv analyze 'k3d2 k3d3'": "what do two dilated layers see?",
        "refconv design --receptive-field 13": "which rates see 13 pixels without holes?",
    },
    "check": {
        "refconv check mykernel.py:conv2d": "a function in a file, by the core battery",
        "refconv check exec:./conv --tier smoke": "a program in any language, by a few cases",
        "refconv check torch --op conv2d_weight --fuzz 500": "a gradient, and 500 random cases",
        "refconv check mykernel.py:conv2d -k 'same and not f16'": "only cases with such words in their name",
        "refconv check mykernel.py:conv2d --tier kernelbench --scale 4": "KernelBench's layers, smaller in each extent",
        "refconv check mykernel.py:conv2d --junit junit.xml -q": "for continuous integration",
    },
    "vectors": {
        "refconv vectors folder --tier smoke": "20 cases, each with its result and bound",
        "refconv vectors folder --op conv1d --dtype float32": "of another operation, in one type",
    },
    "judge": {"refconv judge folder --results out": "what a program has left in out/NAME.safetensors"},
    "analyze": {
        "refconv analyze 'k7s2p3 pool2 k3d2p2'": "layers on one line",
        "refconv analyze --zoo resnet50 --input 224x224": "a known network, on an image",
        "refconv analyze model.onnx --plot seen.svg": "a model in a file, drawn",
    },
    "compare": {"refconv compare resnet50 vgg16": "two known networks, side by side"},
    "design": {
        "refconv design --receptive-field 13": "with as few layers as will do",
        "refconv design --receptive-field 31 --layers 5 --max-dilation 8": "with five, and no rate beyond 8",
    },
    "draw": {
        "refconv draw k3s2p1 --input 5x5 -o conv.gif": "the window that slides over the input",
        "refconv draw convt3s2p1 --input 3x3 -o up.svg": "a transposed convolution",
    },
}
TIERS: Final = "tiers, of conv2d: smoke 20 cases, core 610, full 2520, networks 129, kernelbench 26, gpumode 18"
HAVE_TIERS, HAVE_VERDICTS = ("check", "vectors"), ("refconv", "check", "judge")


class Formatter(argparse.HelpFormatter):
    """Help whose paragraphs are wrapped and whose indented lines stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        def filled(line: str) -> str:
            return line if line.startswith(" ") else super(Formatter, self)._fill_text(line, width, indent)

        return "\n".join(map(filled, text.splitlines()))


def complete(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Give the parser, and that of each command, its examples; and the first an option that prints completions."""
    for name, each in {"refconv": parser, **commands}.items():
        examples = [line for command, what in EXAMPLES[name].items() for line in (f"  {command}", f"      {what}")]
        wrong = "1 the target disagrees, " if name in HAVE_VERDICTS else ""
        notes = [TIERS] * (name in HAVE_TIERS) + [f"exit status: 0 all good, {wrong}2 wrong usage"]
        each.epilog, each.formatter_class = "\n".join(["examples:", *examples, "", *notes]), Formatter
    shells, what = ("bash", "zsh", "tcsh"), "print what completes commands in a shell (needs shtab)"
    parser.add_argument("--print-completion", action=_PrintCompletion, choices=shells, help=what)


class _PrintCompletion(argparse.Action):
    """Print the completions of all commands, and end."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        try:
            import shtab  # noqa: PLC0415  # an extra
        except ModuleNotFoundError:
            parser.error("--print-completion needs shtab: pip install 'refconv[cli]'")
        sys.stdout.write(f"{shtab.complete(parser, str(values))}\n")
        parser.exit()
