from __future__ import annotations

import re
import subprocess
import sys

import pytest

from refconv.analysis import Conv, ConvTranspose, Layers, Parallel, Pool, footprint, footprints, receptive_field
from refconv.analysis.symbols import as_pad_sizes, as_size_pair, greatest, is_symbolic, least
from refconv.analysis.trace import feature_maps

sympy = pytest.importorskip("sympy", reason="sympy is not installed")
k, r1, r2, s, p = sympy.symbols("k r_1 r_2 s p", positive=True, integer=True)


def same(one: object, other: object) -> bool:
    return bool(sympy.simplify(one - other) == 0)  # type: ignore[operator]


def test_the_size_of_two_dilated_layers() -> None:
    field = receptive_field([Conv(k, dilation=r1), Conv(k, dilation=r2)])
    assert same(field.size[0], 1 + (k - 1) * (r1 + r2))
    assert same(field.size[1], 1 + (k - 1) * (r1 + r2))


def test_stride_padding_and_centre() -> None:
    field = receptive_field([Conv((k, 3), stride=s, padding=((p, 0), (1, 0))), Pool(3, stride=(s, 2), padding=p)])
    assert same(field.size[0], k + 2 * s)
    assert same(field.size[1], 3 + 2 * s)
    assert same(field.stride[0], s**2)
    assert same(field.stride[1], 2 * s)
    assert same(field.padding[0], p + p * s)
    assert same(field.padding[1], 1 + p * s)
    assert same(field.center[0], (k - 1) / 2 + s - p - p * s)
    assert field.period == (1, 1)


def test_numbers_in_place_of_the_symbols_give_what_numbers_give() -> None:
    field = receptive_field([Conv(k, stride=s, padding=p), Conv((3, k), dilation=(r1, r2))])
    values = {k: 5, s: 3, p: 2, r1: 4, r2: 7}
    numbers = receptive_field([Conv(5, 3, 2), Conv((3, 5), dilation=(4, 7))])
    assert tuple(size.subs(values) for size in field.size) == numbers.size  # type: ignore[attr-defined]
    assert tuple(center.subs(values) for center in field.center) == numbers.center  # type: ignore[union-attr]


def test_the_largest_of_branches_is_a_maximum() -> None:
    field = receptive_field(Parallel(*(Conv(3, padding=rate, dilation=rate) for rate in (r1, r2)), Conv(1)))
    for rates in ({r1: 6, r2: 4}, {r1: 3, r2: 5}):
        assert field.size[0].subs(rates) == 2 * max(rates.values()) + 1  # type: ignore[attr-defined]
        assert field.padding[0].subs(rates) == max(rates.values())  # type: ignore[attr-defined]


def test_the_derivation_has_the_symbols() -> None:
    field = receptive_field([Conv(k, dilation=r1), Conv(k + 1, dilation=r2)])
    first, second = field.explain().split("\n")[2:]
    assert re.fullmatch(r"r_1 = 1 \+ \(k − 1\)·r_1·1 = r_1\*\(k - 1\) \+ 1 +Conv\(k, dilation=r_1\)", first)
    assert second.startswith("r_2 = (r_1*(k - 1) + 1) + ((k + 1) − 1)·r_2·1 = k*r_2 + r_1*(k - 1) + 1 ")
    latex = field.explain(latex=True).split("\n")
    assert latex[3].startswith(r"r_1 &= 1 + (k - 1) \cdot r_{1} \cdot 1 = r_{1} \left(k - 1\right) + 1 ")
    assert latex[3].endswith(r"&& \text{Conv(k, dilation=r\_1)} \\")


def test_a_symbol_stands_beside_numbers() -> None:
    layer = Conv((k, 3), dilation=(2, r1), padding=(p, 1))
    assert layer.kernel_size == (k, 3)
    assert layer.padding == ((p, p), (1, 1))
    assert repr(layer) == "Conv((k, 3), padding=(p, 1), dilation=(2, r_1))"
    assert Pool(k).stride == (k, k)
    assert Conv(sympy.Integer(3)) == Conv(3)
    assert type(Conv(sympy.Integer(3)).kernel_size[0]) is int


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Conv((k, 0)), ValueError, "kernel_size[1]=0 must be at least 1"),
        (
            lambda: Conv((k, 3, 3)),
            ValueError,
            "kernel_size=(1, 3, 3) has length 3; it must be an int or a pair (height, width)",
        ),
        (lambda: Conv(3, padding=((p, -1), (0, 0))), ValueError, "padding[0][1]=-1 must be at least 0"),
        (
            lambda: Conv(k, padding="same", dilation=2),
            ValueError,
            "padding='same' needs numbers for kernel_size (k, k) and dilation (2, 2)",
        ),
        (lambda: ConvTranspose(k), TypeError, "kernel_size=k must be an int, not Symbol"),
        (
            lambda: feature_maps(Layers([Conv(1), Conv(k)]), 9),
            TypeError,
            "the size of a feature map needs numbers in place of the symbols of layer 2, Conv(k)",
        ),
        (
            lambda: footprint([Parallel([], Conv(3, stride=s))]),
            TypeError,
            "a footprint needs numbers in place of the symbols of layer 1, Conv(3, stride=s)",
        ),
        (
            lambda: footprints(Pool(k)),
            TypeError,
            "a footprint needs numbers in place of the symbols of layer 1, Pool(k)",
        ),
        (
            lambda: receptive_field(Conv(k)).region(0),
            TypeError,
            "a region needs numbers in place of the symbols of layer 1, Conv(k)",
        ),
        (
            lambda: receptive_field(Conv(k)).outputs_seeing(0),
            TypeError,
            "the set of outputs needs numbers in place of the symbols of layer 1, Conv(k)",
        ),
    ],
)
def test_what_needs_numbers_says_so(make: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()  # type: ignore[operator]


def test_valid_padding_needs_no_numbers() -> None:
    assert Conv(k, padding="valid") == Conv(k)


def test_helpers() -> None:
    assert is_symbolic([1, [2, k]])
    assert not is_symbolic([1, [2, 3]])
    assert not is_symbolic("k")
    assert as_size_pair("size", (k, 2), 1) == (k, 2)
    assert as_pad_sizes(p) == ((p, p), (p, p))
    assert as_pad_sizes((p, 1)) == ((p, p), (1, 1))
    assert as_pad_sizes("same") == "same"
    assert (least([3, 1, 2]), greatest([3, 1, 2])) == (1, 3)
    assert least([k, k + 1]) == k
    assert greatest([k, k + 1]) == k + 1


def test_sympy_is_not_imported_for_numbers() -> None:
    program = (
        "import sys; from refconv.analysis import *\n"
        "receptive_field([Conv(3), Parallel(Conv(1), Conv(3))]).explain(latex=True)\n"
        "print('sympy' in sys.modules, 'onnx' in sys.modules, 'matplotlib' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False False False\n"
