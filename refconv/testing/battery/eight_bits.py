"""The cases of convolutions of 8-bit numbers: what the arrays hold, and what the numbers stand for.

What is drawn depends on the word for the data:

``exact``       any numbers of the type; zero points of the input and of the output, none of the weight
``symmetric``   no zero points
``weightzero``  a zero point of the weight, too
``channelzero`` one for each kernel, and a scale as well
``perchannel``  a scale for each kernel
``ties``        S_x·S_w / S_y is a power of two, so that many products lie half way between two whole numbers
``extreme``     the largest numbers, with the least one here and there: sums of two products pass 16 bits
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.testing.battery.data import raw_numbers
from refconv.testing.battery.rows import Families, families

__all__: list[str] = []

# The words of each arithmetic; what has no scales has none for each kernel.
EIGHT_BIT_DATA: Final = {
    "integer": ("exact", "symmetric", "weightzero", "channelzero", "extreme"),
    "quantized": ("exact", "symmetric", "weightzero", "channelzero", "perchannel", "ties", "extreme"),
}
CASES: Final[Families] = families("""
smoke:
    n2-c6-o10-g2-3x7x9-k1x2x3-s1x2x1-p0x1x0-d1x1x2-{u8,u8xi8,i8}  # every parameter different: the default case
    n3-c4-o5-g1-2x6x8-k1x3x3-s1-p0x1x1-d1-u8xi8-weightzero
    n1-c3-o4-g1-2x8x10-k1-s1-p0-d1-i8
    n1-c5-o5-g5-3x7x9-k1x3x3-s1-p0x1x1-d1-i8-symmetric  # depthwise
    n2-c4-o8-g4-3x7x9-k1x3x2-s1x1x2-p0x1x0-d1-u8xi8-extreme
padding:
    n1-c2-o3-g1-3x5x6-k1x2x3-s1-p{0+0x1+0x2+3,0x1x2}-d1-{u8,i8,u8xi8}{,-weightzero}
    n1-c2-o3-g1-3x8x11-k1x3x3-s1x2x2-p{same_upper,same_lower,valid}-d1-{i8,u8xi8}
types:
    n2-c6-o10-g2-3x7x9-k1x2x3-s1x2x1-p0x1x0-d1x1x2-{u8,u8xi8,i8,i8xu8}-{symmetric,weightzero,channelzero,extreme}
depthwise:
    n2-{c3-o3-g3,c8-o8-g8,c4-o8-g4,c17-o17-g17}-3x6x9-k1x3x3-s1x2x2-p0x1x1-d1-{u8,u8xi8,i8}
sums:  # more products than 16 bits hold, or a vector has
    n1-{c7,c32,c33,c64}-o3-g1-2x4x5-k1x3x2-s1-p0-d1-{u8xi8,i8}{,-extreme}
stride and dilation:
    n1-c3-o4-g1-4x9x8-k1x3x3-s{1x2x3,1x1x2}-p0x1x1-d{1x2x1,1x1x3}-{u8xi8,i8}
batch:
    n{1,4,5}-c2-o3-g1-2x3x4-k1x2x3-s1-p0-d1-u8xi8
""")
SCALED: Final[Families] = families("""
smoke:
    n2-c6-o10-g2-3x7x9-k1x2x3-s1x2x1-p0x1x0-d1x1x2-bias-{u8xi8,i8}-perchannel
scales:
    n2-c6-o10-g2-3x7x9-k1x2x3-s1x2x1-p0x1x0-d1x1x2-{u8,u8xi8,i8}-{perchannel,ties}
    n1-c3-o4-g1-2x8x10-k1-s1-p0-d1-bias-{u8,u8xi8,i8}-{perchannel,ties}
bias:
    n2-c6-o10-g2-3x7x9-k1x2x3-s1x2x1-p0x1x0-d1x1x2-bias-{u8,u8xi8,i8}{,-symmetric,-weightzero,-channelzero}
    n2-c5-o5-g5-3x7x9-k1x3x3-s1-p0x1x1-d1-bias-{u8xi8,i8}{,-perchannel,-ties}
""")

_LIMITS: Final = {"i8": np.iinfo(np.int8), "u8": np.iinfo(np.uint8)}


def operands_of(
    bits: np.random.PCG64, shapes: Mapping[str, tuple[int, ...]], types: Mapping[str, str], data: str, products: int
) -> dict[str, Array]:
    """Return the numbers of the arrays by name."""
    found = {}
    for name, shape in shapes.items():
        if name == "bias":
            spread = 64 * (1 + math.isqrt(products))
            found[name] = raw_numbers(bits, shape) % (2 * spread) - spread
            continue
        limits = _LIMITS[types[name]]
        values = raw_numbers(bits, shape) % 256 + limits.min
        found[name] = np.where(values % 7 == 0, limits.min, limits.max) if data == "extreme" else values
    return found


def quantities_of(
    bits: np.random.PCG64, names: Sequence[str], types: Mapping[str, str], data: str, kernels: int, products: int
) -> dict[str, Array]:
    """Return the scales and the zero points of a case by name, as arrays of the types that ONNX gives them.

    The output's scale is such that most results are within 8 bits, and some saturate.
    """
    own = (kernels,) if data in ("perchannel", "channelzero") else ()
    has_zero = {"input": data != "symmetric", "output": data != "symmetric", "weight": data in _WITH_WEIGHT_ZERO}
    shapes = {"weight": own if data == "channelzero" else ()}
    found: dict[str, Array] = {}
    for array in ("input", "weight", "output"):
        kind = types["input" if array == "output" else array]
        middle = {"i8": 0, "u8": 128}[kind] if has_zero[array] else 0
        drawn = raw_numbers(bits, shapes.get(array, ())) % 51 * 2 - 51 if has_zero[array] else 0  # odd, and never 0
        found[f"{array}_zero_point"] = np.full(
            shapes.get(array, ()), middle + drawn, {"i8": np.int8, "u8": np.uint8}[kind]
        )
    if data == "ties":
        one = np.float32(1)
        sizes: dict[str, Any] = {
            "input": one,
            "weight": one,
            "output": np.float32(2 ** (5 + products.bit_length() // 2)),
        }
    else:
        sizes = {
            "input": np.float32(1 + int(raw_numbers(bits, ()) % 4096) / 4096) / np.float32(64),
            "weight": (1 + (raw_numbers(bits, own) % 4096) / 4096).astype(np.float32) / np.float32(256),
        }
        sizes["output"] = sizes["input"] * np.float32(0.5 * math.isqrt(products) + 0.5)
    found |= {f"{array}_scale": np.asarray(size, np.float32) for array, size in sizes.items()}
    return {name: found[name] for name in names}


_WITH_WEIGHT_ZERO: Final = ("weightzero", "channelzero")


def parameters_of(arithmetic: str, values: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the values of each parameter, for the cover of pairs, from those of a convolution of floats."""
    words = tuple("" if word == "exact" else f"-{word}" for word in EIGHT_BIT_DATA[arithmetic])
    bias = ("",) if arithmetic == "integer" else ("", "-bias")
    return {**values, "dtype": ("u8xi8", "i8", "u8"), "data": words, "bias": bias, "layout": ("", "-strided")}
