"""A case: arguments of conv2d, the arrays to call it with, and the truth.

A case is its name.  ``n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32`` says, in order, batch 2 (left out for an input
without one), 6 input channels, 10 output channels, 2 groups, height 7 and width 9, a 2×3 kernel, stride (2, 1), padding
(1, 0), dilation (1, 2), a bias, float32.  One number stands for an equal pair; a padding that differs by side is
``p1+0x2+3`` for ((1, 0), (2, 3)), or one of the strings, ``psame_upper``.  Two words may follow: ``real`` for normal data
in place of exact whole numbers, and a memory layout.  The seed is made from the name, so that the name alone brings
back the same arrays on every machine.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from refconv.arguments import PADDING_STRINGS, IntOrPair, PaddingLike
from refconv.conv import conv2d
from refconv.dtypes import Array
from refconv.error_bound import error_bound
from refconv.geometry import ConvGeometry
from refconv.testing.compare import Comparison, compare_arrays
from refconv.testing.data import LAYOUTS, exact_magnitude, integers, normals

__all__ = ["Case", "parse_case"]

DTYPES: Final[dict[str, np.dtype[Any]]] = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}


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
        ``"f32"`` or ``"f64"``.
    data : str
        ``"exact"``: whole numbers so small that every partial sum, in any order, is exact; the result must be equal.
        ``"real"``: normal numbers; the result must be within the error bound.
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
        image, kernel = self._array(bits, self.input_shape), self._array(bits, self.weight_shape)
        return image, kernel, None if self.bias_shape is None else self._array(bits, self.bias_shape)

    def _array(self, bits: np.random.PCG64, shape: tuple[int, ...]) -> Array:
        dtype = DTYPES[self.dtype]
        if self.data == "real":
            values = normals(bits, shape)
        else:
            terms = int(np.prod(self.weight_shape[1:]))
            values = integers(bits, shape, exact_magnitude(terms, np.finfo(dtype).nmant + 1))
        return LAYOUTS[self.layout](values.astype(dtype))

    def expected(self) -> Array:
        """Return the truth in float64; for arguments that must be refused, raise what refconv raises."""
        return conv2d(*self.arrays(), **self.kwargs(), dtype=np.float64)

    def largest_partial_sum(self) -> float:
        """Return ``max(Σ|x||w| + |b|)``, which no partial sum exceeds in any order of summation.

        For exact data, which are whole numbers, this is the proof that nothing rounds: it is at most 2^24 in float32, and
        2^53 in float64, up to where those types hold every whole number.
        """
        image, kernel, bias = self.arrays()
        total = conv2d(abs(image), abs(kernel), None if bias is None else abs(bias), **self.kwargs(), dtype=np.float64)
        return float(total.max(initial=0.0))

    def check(self, actual: object) -> Comparison:
        """Compare a target's result, which may be anything at all, with the truth."""
        truth = self.expected()
        dtype = DTYPES[self.dtype]
        if self.data == "exact":
            bound = np.zeros(truth.shape)
        else:
            bound = error_bound(*self.arrays(), **self.kwargs(), dtype=dtype)
        return compare_arrays(actual, truth, bound, dtype)


_PAIR = r"\d+(?:x\d+)?"
_SIDES = r"\d+\+\d+x\d+\+\d+"
_GRAMMAR = re.compile(
    rf"(?:n(?P<n>\d+)-)?c(?P<c>\d+)-o(?P<o>\d+)-g(?P<g>\d+)-(?P<size>\d+x\d+)-k(?P<k>{_PAIR})-s(?P<s>{_PAIR})"
    rf"-p(?P<p>{'|'.join(PADDING_STRINGS)}|{_SIDES}|{_PAIR})-d(?P<d>{_PAIR})(?P<bias>-bias)?"
    rf"-(?P<dtype>{'|'.join(DTYPES)})(?:-(?P<data>real))?(?:-(?P<layout>{'|'.join(LAYOUTS)}))?"
)


def parse_case(name: str, family: str = "") -> Case:
    """Return the valid case of this name; a ValueError where it is not of the form above, or cannot be."""
    match = _GRAMMAR.fullmatch(name)
    if match is None:
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
    ConvGeometry.from_shapes(case.input_shape, case.weight_shape, case.bias_shape, **case.kwargs())
    return case


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
