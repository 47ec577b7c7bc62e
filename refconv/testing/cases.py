"""A case: arguments of conv2d, the arrays to call it with, and the truth.

A case is its name.  ``n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32`` says, in order, batch 2 (left out for an input
without one), 6 input channels, 10 output channels, 2 groups, height 7 and width 9, a 2×3 kernel, stride (2, 1), padding
(1, 0), dilation (1, 2), a bias, float32.  One number stands for an equal pair; a padding that differs by side is
``p1+0x2+3`` for ((1, 0), (2, 3)), or one of the strings, ``psame_upper``.  Two words may follow: one for the data
(``real`` for normal numbers in place of exact whole ones, ``nan`` ...), and one for the memory layout.  The seed is
made from the name, so that the name alone brings back the same arrays on every machine.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from refconv.arguments import PADDING_STRINGS, IntOrPair, PaddingLike
from refconv.conv import conv2d
from refconv.dtypes import wide_dtype
from refconv.error_bound import magnitude
from refconv.formats import Array, as_dtype, float_info
from refconv.geometry import ConvGeometry
from refconv.problem import Problem
from refconv.testing.compare import compare_by_convention
from refconv.testing.comparison import Comparison
from refconv.testing.data import (
    DATA,
    FLOAT_DATA,
    INTEGER_DATA,
    LAYOUTS,
    ROUNDED,
    exact_magnitude,
    integers,
    normals,
)
from refconv.testing.reference import Reference, reference_of

__all__ = ["Case"]

DTYPES: Final = {
    "f32": "float32",
    "f64": "float64",
    "f16": "float16",
    "bf16": "bfloat16",
    "i8": "int8",
    "u8": "uint8",
    "c64": "complex64",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One set of arguments for conv2d, with reproducible arrays and the truth.

    Parameters
    ----------
    id : str
        Its name, which for a valid case says everything else.
    input_shape, weight_shape, bias_shape : tuple of int
        (N, C, H, W) or (C, H, W); (O, C/G, K_h, K_w); (O,) or None.
    stride, padding, dilation, groups
        As in `refconv.conv2d`, in the form in which a target gets them: pairs, ``((T, B), (L, R))`` or a string.
    dtype : str
        The type of the arrays: ``"f32"``, ``"f64"``, ``"f16"``, ``"bf16"`` (which needs ml_dtypes), ``"i8"``, ``"u8"``
        or ``"c64"``.  A result has the same one, save for integers: these are exact in any type that holds them.
    data : str
        ``"exact"``: whole numbers so small that every partial sum, in any order, is exact; the result must be equal.
        ``"real"``: normal numbers; the result must be within the bound.  ``"nan"`` and ``"inf"``: exact, with those
        in the input.  ``"zero"``: exact, and all products cancel.  ``"cancel"``: real, and huge products cancel.
        ``"negzero"``: an input of zeros of both signs.  ``"ones"``: ones throughout, so that an output counts what it
        adds up.  ``"onetap"``: numbered pixels, and one tap for each output channel, so that an output names its pixel.
        ``"subnormal"``: exact, and below the least normal number.  ``"nanweight"`` and ``"infweight"``: exact, with
        those in the kernel.  ``"spread"``: real, with exponents far apart.  ``"extreme"``: of integers, the least and
        the largest that there are.
    layout : str
        How the arrays lie in memory.
    family : str
        What the case is there for: its row in the report.
    rejects : str
        What is wrong with the arguments, if a target ought to refuse them; empty for a valid case.

    Examples
    --------
    >>> from refconv.testing import find_case
    >>> case = find_case("n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32")
    >>> case.input_shape, case.weight_shape, case.bias_shape
    ((2, 6, 7, 9), (10, 3, 2, 3), (10,))
    >>> case.kwargs()
    {'stride': (2, 1), 'padding': (1, 0), 'dilation': (1, 2), 'groups': 2}
    >>> case.expected().shape
    (2, 10, 4, 5)
    >>> import refconv
    >>> print(case.check(refconv.conv2d(*case.arrays(), **case.kwargs())))
    all 400 elements agree
    """

    id: str
    input_shape: tuple[int, ...]
    weight_shape: tuple[int, ...]
    bias_shape: tuple[int, ...] | None = None
    stride: IntOrPair = (1, 1)
    padding: PaddingLike = (0, 0)
    dilation: IntOrPair = (1, 1)
    groups: int = 1
    dtype: str = "f32"
    data: str = "exact"
    layout: str = "contiguous"
    family: str = field(default="", compare=False)
    rejects: str = ""

    def kwargs(self) -> dict[str, Any]:
        """Return stride, padding, dilation and groups, by name and in conv2d's order."""
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    def arrays(self) -> tuple[Array, Array, Array | None]:
        """Return new arrays (input, weight, bias): the same values at every call and on every machine."""
        bits = np.random.PCG64(zlib.crc32(self.id.encode()))
        image, kernel = self._values(bits, self.input_shape), self._values(bits, self.weight_shape)
        bias = None if self.bias_shape is None else self._values(bits, self.bias_shape)
        DATA[self.data](image, kernel, self.numpy_dtype)
        return self._laid_out(image), self._laid_out(kernel), None if bias is None else self._laid_out(bias)

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type of the arrays; a TypeError where it is one of ml_dtypes, and that is not installed."""
        return as_dtype(DTYPES[self.dtype])

    @property
    def result_dtype(self) -> np.dtype[Any]:
        """The type of a result: that of the arrays, but int64 for integers, which stands for all that hold it."""
        return np.dtype(np.int64) if self.dtype in INTEGERS else self.numpy_dtype

    def _values(self, bits: np.random.PCG64, shape: tuple[int, ...]) -> Array:
        def real() -> Array:
            return normals(bits, shape) if self.data in ROUNDED else integers(bits, shape, self.largest_number())

        if self.dtype == "c64":
            return real() + 1j * real()
        return np.abs(real()) if self.dtype == "u8" else real()

    def _laid_out(self, values: Array) -> Array:
        return LAYOUTS[self.layout](values.astype(self.numpy_dtype))

    def largest_number(self) -> int:
        """Return the largest whole number that exact data may hold; 0 if there are too many terms for any.

        Integers are taken to be added up in 32 bits, one of them the sign.
        """
        products = math.prod(self.weight_shape[1:]) * (2 if self.dtype == "c64" else 1)
        name = DTYPES[self.dtype]
        return exact_magnitude(products, 31 if self.dtype in INTEGERS else float_info(name).digits)

    def expected(self) -> Array:
        """Return the truth, in float64 or complex128; for arguments that must be refused, raise what refconv raises."""
        return conv2d(*self.arrays(), **self.kwargs(), dtype=wide_dtype(self.numpy_dtype))

    def largest_partial_sum(self) -> float:
        """Return ``max(Σ|x||w| + |b|)``, which no partial sum exceeds in any order of summation.

        For exact data, which are whole numbers, this is the proof that nothing rounds: it is at most 2^24 in float32,
        and 2^53 in float64, up to where those types hold every whole number.
        """
        total = self.problem().each(magnitude)()
        return float(total.max(initial=0.0))

    def check(self, actual: object) -> Comparison:
        """Compare a target's result, which may be anything at all, with the truth."""
        return compare_by_convention(actual, self.problem(), self.reference())

    def problem(self) -> Problem:
        """Return the call of refconv's own function."""
        return Problem.of(conv2d, *self.arrays(), **self.kwargs())

    def reference(self) -> Reference:
        """Return the truth, and by how much each element of a result may differ from it."""
        reference = reference_of(self.problem(), self.result_dtype, any_integer=True)
        return reference if self.data in ROUNDED else reference._replace(allowed=np.zeros_like(reference.allowed))


INTEGERS: Final = ("i8", "u8")
_NUMBER = r"(?:0|[1-9]\d*)"
_PAIR = rf"{_NUMBER}(?:x{_NUMBER})?"
_SIDES = rf"{_NUMBER}\+{_NUMBER}x{_NUMBER}\+{_NUMBER}"
_NOT_FIRST = ["|".join(list(words)[1:]) for words in (DATA, LAYOUTS)]  # the first goes without saying
_GRAMMAR = re.compile(
    rf"(?:n(?P<n>{_NUMBER})-)?c(?P<c>{_NUMBER})-o(?P<o>{_NUMBER})-g(?P<g>{_NUMBER})-(?P<size>{_NUMBER}x{_NUMBER})"
    rf"-k(?P<k>{_PAIR})-s(?P<s>{_PAIR})-p(?P<p>{'|'.join(PADDING_STRINGS)}|{_SIDES}|{_PAIR})-d(?P<d>{_PAIR})(?P<bias>-bias)?"
    rf"-(?P<dtype>{'|'.join(DTYPES)})(?:-(?P<data>{_NOT_FIRST[0]}))?(?:-(?P<layout>{_NOT_FIRST[1]}))?"
)


def parse_case(name: str, family: str = "") -> Case:
    """Return the valid case of this name; a ValueError where it is not of the form above, or cannot be."""
    match = _GRAMMAR.fullmatch(name)
    if match is None or _says_twice(name):
        raise ValueError(f"case {name!r} must read like 'n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32'")
    part = match.groupdict()
    channels, out_channels, groups = int(part["c"]), int(part["o"]), int(part["g"])
    batch = () if part["n"] is None else (int(part["n"]),)
    case = Case(
        id=name,
        input_shape=(*batch, channels, *_pair(part["size"])),
        weight_shape=(out_channels, channels // max(1, groups), *_pair(part["k"])),
        bias_shape=(out_channels,) if part["bias"] else None,
        stride=_pair(part["s"]),
        padding=_padding(part["p"]),
        dilation=_pair(part["d"]),
        groups=groups,
        dtype=part["dtype"],
        data=part["data"] or "exact",
        layout=part["layout"] or "contiguous",
        family=family,
    )
    _check_data(case)
    ConvGeometry.from_shapes(case.input_shape, case.weight_shape, case.bias_shape, **case.kwargs())
    return case


def _check_data(case: Case) -> None:
    """Refuse data that a type cannot hold, or that would not be what their name says."""
    is_integer = case.dtype in INTEGERS
    if case.data not in (INTEGER_DATA if is_integer else FLOAT_DATA):
        kind = "whole" if is_integer else "floating-point"
        raise ValueError(f"case {case.id!r} has {case.data!r} data, which {kind} numbers do not have")
    if case.data not in ROUNDED and not case.largest_number():
        name = case.id
        raise ValueError(f"case {name!r} adds up too many terms for exact data; write {name + '-real'!r}")


def _says_twice(name: str) -> bool:
    """Whether a name writes an equal pair as two numbers, or equal sides as four: one convolution has one name."""
    pairs = [part[1:].split("x") for part in name.split("-") if part[0] in "kspd" and "x" in part]
    return any(
        all(len({*sides.split("+")}) == 1 for sides in pair) if "+" in pair[0] else pair[0] == pair[1] for pair in pairs
    )


def pair_text(letter: str, height: int, width: int) -> str:
    """Write a pair as names have it: ``k3`` for an equal one, else ``k2x3``."""
    return f"{letter}{height}" if height == width else f"{letter}{height}x{width}"


def _pair(text: str) -> tuple[int, int]:
    """Read ``3`` as (3, 3) and ``2x3`` as (2, 3)."""
    height, _, width = text.partition("x")
    return int(height), int(width or height)


def _padding(text: str) -> str | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]:
    """Read ``same_upper``, ``1x0`` as (1, 0), and ``1+0x2+3`` as ((1, 0), (2, 3))."""
    if text in PADDING_STRINGS:
        return text
    if "+" not in text:
        return _pair(text)
    top, bottom, left, right = map(int, re.split(r"[+x]", text))
    return (top, bottom), (left, right)
