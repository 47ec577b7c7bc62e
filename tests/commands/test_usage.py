from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from refconv.commands import main as cli
from refconv.commands.usage import EXAMPLES, TIERS
from refconv.testing import cases
from refconv.testing.battery.tiers import TIERS as NAMES

COMMANDS = ["vectors", "judge", "check", "analyze", "compare", "design", "draw"]


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_refconv_alone_prints_its_help_with_four_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    alone = capsys.readouterr()
    assert alone.err == ""
    assert alone.out == help_of(capsys)
    assert [line.strip() for line in alone.out.splitlines() if line.startswith("  refconv ")] == [*EXAMPLES["refconv"]]
    assert len(EXAMPLES["refconv"]) == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_examples_and_exit_statuses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys, command)
    for example, what in EXAMPLES[command].items():
        assert example.startswith(f"refconv {command} ")
        assert f"  {example}\n      {what}\n" in text
    status = "exit status: 0 all good, 1 the target disagrees, 2 wrong usage\n"
    assert text.endswith(status if command in ("check", "judge") else status.replace("1 the target disagrees, ", ""))
    assert (TIERS in " ".join(text.split())) == (command in ("check", "vectors"))


@pytest.mark.parametrize("example", sorted({example for examples in EXAMPLES.values() for example in examples}))
def test_examples_are_commands(example: str) -> None:
    program, *arguments = shlex.split(example)
    assert program == "refconv"
    assert callable(cli._parser().parse_args(arguments).run)


def test_the_tiers_have_as_many_cases_as_the_help_says() -> None:
    pytest.importorskip("ml_dtypes", reason="without ml_dtypes there are no cases of bfloat16")
    sizes = {tier: len([case for case in cases(tier) if not case.rejects]) for tier in NAMES}
    words = ", ".join(f"{tier} {size}{' cases' if tier == 'smoke' else ''}" for tier, size in sizes.items())
    assert f"tiers, of conv2d: {words}" == TIERS


def test_help_is_wrapped_and_examples_are_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = help_of(capsys, "design").splitlines()
    examples = [*EXAMPLES["design"], *EXAMPLES["design"].values()]
    assert [line for line in lines if len(line) > 60 and line.strip() not in examples] == []
    assert "  refconv design --receptive-field 31 --layers 5 --max-dilation 8" in lines  # 65 characters


@pytest.mark.skipif(
    importlib.util.find_spec("shtab") is None, reason="shtab is not installed: pip install 'refconv[cli]'"
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--print-completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    for word in (*COMMANDS, "receptive-field", "conv_transpose2d"):
        assert word in script


def test_completion_without_its_library_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(SystemExit) as ended:
        cli.main(["--print-completion", "bash"])
    assert ended.value.code == 2
    assert "--print-completion needs shtab: pip install 'refconv[cli]'" in capsys.readouterr().err


def test_quiet_prints_the_first_line_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "refconv", "check", "refconv", "--tier", "smoke", "-k", "k1-"]
    loud, quiet = (
        subprocess.run([*command, *more], capture_output=True, text=True, check=True) for more in ([], ["-q"])
    )
    assert quiet.stdout == loud.stdout.splitlines(keepends=True)[0] == "RIGHT in all 2 cases\n"
    assert quiet.stderr == ""
