"""The words in which a kernel's arithmetic is said."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from refconv.bounds.arithmetic import DIRECT, WORDS, Arithmetic, split
from refconv.operations import OPERATIONS


def test_the_words() -> None:
    assert WORDS == ("accumulate_dtype", "input_dtype", "algorithm", "confidence", "epilogue", "rtol", "atol")


def test_nothing_said_is_direct() -> None:
    assert Arithmetic.of() == DIRECT == Arithmetic.of(algorithm="direct", input_dtype=None, epilogue=None)
    assert (DIRECT.title, DIRECT.options, DIRECT.keywords, DIRECT.tolerance) == ("", "", "", "")


@pytest.mark.parametrize(
    ("words", "title", "options"),
    [
        ({"input_dtype": "tf32"}, "a TF32 kernel", "--input-dtype tf32"),
        ({"input_dtype": "bfloat16"}, "a kernel of bfloat16 inputs", "--input-dtype bfloat16"),
        ({"accumulate_dtype": np.float16}, "a kernel with float16 sums", "--accumulate-dtype float16"),
        (
            {"accumulate_dtype": "float16", "input_dtype": "tf32", "algorithm": "winograd4"},
            "a TF32 kernel with float16 sums and Winograd's F(4, 3)",
            "--accumulate-dtype float16 --input-dtype tf32 --algorithm winograd4",
        ),
        ({"algorithm": "fft", "epilogue": "relu"}, "a kernel with an FFT and relu", "--algorithm fft --epilogue relu"),
        ({"rtol": 0.001, "confidence": 0.5}, "", "--confidence 0.5 --rtol 0.001"),
    ],
)
def test_how_it_is_said(words: Any, title: str, options: str) -> None:
    how = Arithmetic.of(**words)
    assert (how.title, how.options) == (title, options)


def test_the_words_for_python() -> None:
    how = Arithmetic.of(input_dtype="tf32", rtol=0.5, atol=1e-5)
    assert how.keywords == "input_dtype='tf32', rtol=0.5, atol=1e-05"
    assert how.tolerance == "rtol=0.5, atol=1e-05"


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"algoritm": "fft"}, TypeError, "algoritm= is no argument here; did you mean algorithm=?"),
        ({"zebra": 1}, TypeError, "zebra= is no argument here"),
        ({"rtol": -1e-3}, ValueError, "rtol=-0.001 must be a number of at least 0"),
        ({"atol": float("nan")}, ValueError, "atol=nan must be a number of at least 0"),
        ({"atol": float("inf")}, ValueError, "atol=inf must be a number of at least 0"),
        ({"rtol": "1"}, TypeError, "rtol='1' must be a number, not str"),
        ({"input_dtype": "int8"}, TypeError, "input_dtype=int8 must be a floating or complex type"),
    ],
    ids=str,
)
def test_what_makes_no_sense(words: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        Arithmetic.of(**words)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("op", "words", "message"),
    [
        (
            "conv2d_weight",
            {"algorithm": "winograd2"},
            "algorithm='winograd2' must be 'direct' or 'fft' for conv2d_weight",
        ),
        ("conv2d_bias", {"algorithm": "fft"}, "algorithm='fft' must be 'direct' for conv2d_bias"),
        ("conv2d_input", {"epilogue": "relu"}, "epilogue='relu' must be None for conv2d_input"),
    ],
)
def test_what_an_operation_is_not_computed_by(op: str, words: Any, message: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        Arithmetic.of(**words).applied(OPERATIONS[op])
    assert str(caught.value) == message


def test_an_operation_says_how_many_axes_an_epilogue_has() -> None:
    for op, rank in (("conv1d", 1), ("conv2d", 2), ("conv_transpose3d", 3)):
        assert Arithmetic.of(epilogue="relu").applied(OPERATIONS[op]).epilogue.rank == rank


def test_words_are_told_from_other_arguments_by_name() -> None:
    assert split({"stride": 2, "algorithm": "fft", "groups": 1, "rtol": 0.1}) == (
        {"stride": 2, "groups": 1},
        {"algorithm": "fft", "rtol": 0.1},
    )


def test_it_travels_between_processes() -> None:
    how = Arithmetic.of(input_dtype="tf32", epilogue="scale+clamp=-1,2")
    assert pickle.loads(pickle.dumps(how)) == how
