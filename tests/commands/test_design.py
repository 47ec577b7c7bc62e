from __future__ import annotations

import json
import subprocess
import sys

import pytest

import refconv
from refconv.commands import main as cli


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli.main(["design", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return [line.rstrip() for line in captured.out.splitlines()]


def test_three_layers_of_three_taps_that_see_13_pixels(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--layers", "3", "--kernel", "3", "--receptive-field", "13") == [
        "3 layers of kernel size 3 see 13 pixels without holes; the fewest that can: 3",
        " rates    evenness  largest count  in the centre  M_2",
        " 1, 1, 4     0.919              3              3    2",
        " 1, 2, 3     0.863              3              3    2",
    ]


def test_every_choice_reaches_the_search(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--receptive-field", "22", "--layers", "6", "--kernel", "4", "--max-dilation", "3"]
    assert printed(capsys, *arguments)[0] == (
        "6 layers of kernel size 4 see 22 pixels without holes; the fewest that can: 3"
    )
    lines = printed(capsys, "--receptive-field", "25", "--layers", "6", "--max-dilation", "3", "--repeats", "2")
    assert lines[0] == "6 layers of kernel size 3 see 25 pixels without holes; the fewest that can: 5"
    assert [line.split("  ")[0] for line in lines[2:]] == [" 1, 2, 3, 1, 2, 3"]


def test_as_few_layers_as_will_do_unless_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--receptive-field", "27")[2:] == [" 1, 3, 9     1.000              1              1    3"]


def test_an_even_kernel_has_two_pixels_in_the_centre_and_a_single_layer_no_m_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys, "--receptive-field", "4", "--kernel", "2", "--layers", "3")[2:] == [
        " 1, 1, 1     0.800              3        3 and 3    1"
    ]
    assert printed(capsys, "--receptive-field", "3")[2:] == [" 1         1.000              1              1"]


def test_twenty_rows_are_printed_and_json_has_all(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--layers", "5", "--receptive-field", "41")
    assert len(lines) == 23
    assert lines[-1] == "and 25 more, which --json lists"
    document = json.loads("\n".join(printed(capsys, "--layers", "5", "--receptive-field", "41", "--json")))
    assert len(document["designs"]) == 45


def test_of_twenty_designs_no_more_are_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    # 1 + 19·(1 + a + b) = 780 where a + b = 40, and a is 1 to 20.
    lines = printed(capsys, "--layers", "3", "--kernel", "20", "--receptive-field", "780")
    assert {line.split("  ")[0] for line in lines[2:]} == {f" 1, {a}, {40 - a}" for a in range(1, 21)}


def test_json_is_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--receptive-field", "13", "--layers", "5", "--max-dilation", "2", "--json"]
    assert json.loads("\n".join(printed(capsys, *arguments))) == {
        "refconv": refconv.__version__,
        "schema": 1,
        "layers": 5,
        "fewest_layers": 4,
        "kernel_size": 3,
        "receptive_field": 13,
        "designs": [
            {
                "dilations": [1, 1, 1, 1, 2],
                "evenness": 3**10
                / (13 * sum(count * count for count in (1, 4, 11, 20, 30, 36, 39, 36, 30, 20, 11, 4, 1))),
                "largest_count": 39,
                "centre_count": [39],
                "max_distances": [1, 1, 1, 1, 2],
            }
        ],
    }


def test_a_receptive_field_that_cannot_be_had_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["design", "--layers", "3", "--receptive-field", "29"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "refconv: receptive_field=29 must be 7 to 27, which is what 3 layers of kernel size 3 see without holes\n"
    )
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["design", "--layers", "3"])
    assert "--receptive-field" in capsys.readouterr().err


def test_numpy_alone_is_enough() -> None:
    hidden = "for name in ('rich', 'matplotlib', 'scipy', 'onnx', 'torch'): sys.modules[name] = None"
    program = f"import sys\n{hidden}\nfrom refconv.commands import main; sys.exit(main.main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "design", "--receptive-field", "9"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[2] == " 1, 3      1.000              1              1    3"
    run = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert json.loads(run.stdout)["designs"][0]["dilations"] == [1, 3]
