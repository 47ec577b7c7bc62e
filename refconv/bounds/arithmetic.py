"""How does a kernel work?  The words in which that is said, the same everywhere, read and refused in one place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Final, TypedDict, Unpack

import numpy.typing as npt

from refconv.bounds.epilogue import NONE, Epilogue, EpilogueLike
from refconv.bounds.winograd import WINOGRAD
from refconv.geometry.arguments import check_choice
from refconv.numbers.formats import FloatInfo, as_dtype, float_info
from refconv.operations import Operation

ALGORITHMS: Final = ("direct", *WINOGRAD, "fft")


class Words(TypedDict, total=False):
    """What a caller may say of a kernel, all of it by name: see `Arithmetic`."""

    accumulate_dtype: npt.DTypeLike | None
    input_dtype: npt.DTypeLike | None
    algorithm: str
    confidence: float | None
    epilogue: EpilogueLike
    rtol: float
    atol: float


class Spoken(ABC):
    """What was said by name, as it is said on the command line and in Python."""

    __slots__ = ()

    @property
    @abstractmethod
    def said(self) -> dict[str, Any]:
        """What was said, by name, but not by default."""

    @property
    def options(self) -> str:
        """The same for the command line; what is True is an option without a value."""
        said = {name: getattr(value, "text", value) for name, value in self.said.items()}
        words = {name: "" if value is True else f" {value}" for name, value in said.items()}
        return " ".join(f"--{name.replace('_', '-')}{word}" for name, word in words.items())

    @property
    def keywords(self) -> str:
        """The same for Python: ``"input_dtype='tf32'"``."""
        return ", ".join(f"{name}={getattr(value, 'text', value)!r}" for name, value in self.said.items())


@dataclass(frozen=True, slots=True)
class Arithmetic(Spoken):
    """How a kernel works, as far as it decides how far its results may be off: `error_bound` says what each word means.

    >>> how = Arithmetic.of(input_dtype="tf32", epilogue="relu")
    >>> how.title, how.options
    ('a TF32 kernel with relu', '--input-dtype tf32 --epilogue relu')
    """

    accumulate_dtype: str | None = None
    input_dtype: str | None = None
    algorithm: str = "direct"
    confidence: float | None = None
    epilogue: Epilogue = NONE
    rtol: float = 0.0  # a way out of every bound: atol + rtol·|truth| is allowed in any case, even where data are exact
    atol: float = 0.0

    @classmethod
    def of(cls, **words: Unpack[Words]) -> Arithmetic:
        """Read and check what a caller says."""
        given: dict[str, Any] = {**words}
        for name in given.keys() - WORDS:
            near = get_close_matches(name, WORDS)
            raise TypeError(f"{name}= is no argument here{f'; did you mean {near[0]}=?' if near else ''}")
        for name in ("accumulate_dtype", "input_dtype"):
            if given.get(name) is not None:
                floating(name, given[name])
                given[name] = given[name] if isinstance(given[name], str) else as_dtype(given[name], name).name
        check_choice("algorithm", given.get("algorithm", "direct"), ALGORITHMS)
        given["epilogue"] = Epilogue.of(given.get("epilogue"))
        for name in ("rtol", "atol", "confidence"):
            value = given.get(name)
            if not (value is None or isinstance(value, int | float)):
                raise TypeError(f"{name}={value!r} must be a number, not {type(value).__name__}")
            if name != "confidence" and value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{name}={value} must be a number of at least 0")
            if name == "confidence" and value is not None and not 0 < value < 1:
                raise ValueError(f"confidence={value} must be between 0 and 1, or None for the worst case")
        return cls(**given)

    def applied(self, operation: Operation) -> Arithmetic:
        """Return it for an operation; a ValueError where that is not computed so, or has no epilogue."""
        of = f"for {operation.name}"
        if self.algorithm in WINOGRAD and operation.asked != "output":
            raise ValueError(f"algorithm={self.algorithm!r} must be 'direct' or 'fft' {of}")
        if self.algorithm != "direct" and operation.by == "bias":
            raise ValueError(f"algorithm={self.algorithm!r} must be 'direct' {of}")
        if self.epilogue.text and operation.is_gradient:
            raise ValueError(f"epilogue={self.epilogue.text!r} must be None {of}")
        return replace(self, epilogue=replace(self.epilogue, rank=operation.space.rank))

    @property
    def title(self) -> str:
        """What such a kernel is called; empty where nothing was said."""
        kind = {None: "", "tf32": "a TF32 kernel"}.get(self.input_dtype, f"a kernel of {self.input_dtype} inputs")
        more = [
            f"{self.accumulate_dtype} sums" if self.accumulate_dtype else "",
            {"direct": "", "fft": "an FFT"}.get(self.algorithm, f"Winograd's F({self.algorithm[-1]}, 3)"),
            self.epilogue.text,
        ]
        rest = " and ".join(filter(None, more))
        return f"{kind or 'a kernel'} with {rest}" if rest else kind

    @property
    def tolerance(self) -> str:
        """The way out that was taken: ``"rtol=0.001, atol=1e-05"``, or nothing."""
        given = {name: getattr(self, name) for name in ("rtol", "atol")}
        return ", ".join(f"{name}={value:g}" for name, value in given.items() if value)

    @property
    def said(self) -> dict[str, Any]:
        """What was said, by name, but not by default."""
        given = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {name: value for name, (value, default) in given.items() if value != default}


WORDS: Final = tuple(field.name for field in fields(Arithmetic))
DIRECT: Final = Arithmetic()


def split(given: Mapping[str, Any]) -> tuple[dict[str, Any], Words]:
    """Take the words that say how a kernel works out of the arguments by name of a call."""
    words: Any = {name: value for name, value in given.items() if name in WORDS}
    return {name: value for name, value in given.items() if name not in words}, words


def floating(name: str, dtype: npt.DTypeLike) -> FloatInfo:
    """Return what a type can hold; a TypeError where it is no floating one."""
    try:
        return float_info(dtype, name)
    except ValueError:
        raise TypeError(f"{name}={as_dtype(dtype, name)} must be a floating or complex type") from None
