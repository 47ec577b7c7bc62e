"""One way through a sum: every method of every operation gives the same, in any type, in however many parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arrays import HAS_WIDE_LONGDOUBLE, Array, dtype_of
from drawn import Conv, convs, law
from family import Triple
from hypothesis import given, settings
from hypothesis import strategies as st
from nearest import nearest
from sampled import one_in
from tiles import set_tiles

from refconv.numbers.formats import is_ml_dtype
from refconv.operations import LINEAR

TILES = (1, 4, 30, 200, 1 << 19)
INT64 = range(-(2**63), 2**63)


def integers(array: Array, rng: np.random.Generator) -> Array:
    """Python's own integers."""
    return array.astype(object)


def large(array: Array, rng: np.random.Generator) -> Array:
    """Integers of up to 32 bits, whose products and sums pass 2^53, and now and then 2^63."""
    found: Array = array.astype(object) * 2**28 + rng.integers(0, 2**28, array.shape).astype(object)
    return found


def fractions(array: Array, rng: np.random.Generator) -> Array:
    """Fractions with denominators 1 ... 7."""
    found = [Fraction(int(value), int(rng.integers(1, 8))) for value in array.ravel()]
    return np.array(found, dtype=object).reshape(array.shape)


def complex_integers(array: Array, rng: np.random.Generator) -> Array:
    """Whole numbers in both parts."""
    found: Array = array + 1j * rng.integers(-9, 10, array.shape)
    return found


# Each type, and the numbers to fill it with: sums of whole numbers, so that no order of summation rounds them.
TYPES: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "float16": integers,
    "float32": integers,
    "float64": integers,
    "longdouble": integers,
    "bfloat16": integers,
    "float8_e5m2": integers,
    "complex64": complex_integers,
    "complex128": complex_integers,
    "int8": integers,
    "int64": large,
    "object": fractions,
}
ROUNDED = ("float16", "float32", "float64", "bfloat16", "float8_e5m2")


def methods_of(name: str, dtype: str) -> list[str]:
    methods = ["direct", "im2col", "exact"] + ["einsum"] * (LINEAR[name].asked == "output")
    return [method for method in methods if not (method == "exact" and dtype == "longdouble" and HAS_WIDE_LONGDOUBLE)]


def outcome(triple: Triple, name: str, **options: Any) -> Any:
    """What a call returns, to the last bit, or raises."""
    try:
        found = triple.call(name, **options)
    except OverflowError as error:  # which names the extreme of the first part that overflows
        return str(error).partition(" is ")[2]
    numbers = found.astype(object) if is_ml_dtype(found.dtype) else found
    # Adding nothing makes +0 of −0; the shortest text of a number is that of no other.
    return found.dtype, found.shape, list(map(str, (numbers + 0).ravel()))


@pytest.mark.parametrize(("rank", "dtype"), one_in(2, itertools.product((1, 2, 3), TYPES)))
@settings(law, max_examples=15)
@given(data=st.data())
def test_all_methods_agree_with_the_definition_to_the_last_bit(rank: int, dtype: str, data: st.DataObject) -> None:
    conv = data.draw(convs(rank, largest=3))
    kind = dtype_of(dtype)
    # Numbers that the type holds: of the least, no more than 3 digits.
    exact = conv.triple.each(lambda array: TYPES[dtype](array // (3 if dtype == "float8_e5m2" else 1), conv.rng))
    typed = exact.each(lambda array: array.astype(kind))
    name = data.draw(st.sampled_from(typed.names))
    truth, bias = biased(exact.truth(name), name, conv, data.draw(st.booleans()))
    options = {} if bias is None else {"bias": bias.astype(kind)}
    with pytest.MonkeyPatch.context() as patch:
        set_tiles(patch, data.draw(st.sampled_from(TILES[rank // 3 :])))
        found = {method: outcome(typed, name, method=method, **options) for method in methods_of(name, dtype)}
    assert len(set(map(str, found.values()))) == 1, found
    check(typed, name, options, truth, dtype, found["direct"])


def biased(truth: Array, name: str, conv: Conv, is_biased: bool) -> tuple[Array, Array | None]:
    """Return the truth with a bias of each channel added to it, and that bias, where the operation has one."""
    if not (is_biased and LINEAR[name].has_bias):
        return truth, None
    bias = conv.rng.integers(-3, 4, truth.shape[1]).astype(object)
    return truth + bias.reshape(-1, *(1,) * (truth.ndim - 2)), bias


def check(typed: Triple, name: str, options: dict[str, Any], truth: Array, dtype: str, found: Any) -> None:
    if dtype.startswith("int") and any(int(value) not in INT64 for value in truth.ravel()):
        assert found.startswith("outside int64's range")
        return
    direct = typed.call(name, method="direct", **options)
    assert direct.shape == truth.shape
    if dtype in ROUNDED:
        expected = [nearest(Fraction(int(value)), dtype) for value in truth.ravel()]
        assert direct.astype(float).ravel().tolist() == expected
    else:
        assert (direct == truth).all()


@pytest.mark.parametrize("rank", [1, 2, 3])
@settings(law, max_examples=25)
@given(data=st.data())
def test_the_parts_leave_no_trace_in_an_exact_sum(rank: int, data: st.DataObject) -> None:
    # Floats of all sizes, whose sums every order rounds differently, but not the exact one.
    conv = data.draw(convs(rank, largest=3))
    spread = data.draw(st.sampled_from([0, 8, 60, 300]))
    triple = conv.triple.each(
        lambda array: np.ldexp(conv.rng.normal(size=array.shape), conv.rng.integers(-spread, spread + 1, array.shape))
    )
    name = data.draw(st.sampled_from(triple.names))
    whole = triple.call(name, method="exact")
    for tile in data.draw(st.lists(st.sampled_from(TILES[rank // 3 : -1]), min_size=1, max_size=2, unique=True)):
        with pytest.MonkeyPatch.context() as patch:
            set_tiles(patch, tile)
            assert triple.call(name, method="exact").tobytes() == whole.tobytes()
