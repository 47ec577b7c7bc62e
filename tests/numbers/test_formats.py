from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nearest import FORMATS, TWO, nearest

from refconv.numbers.formats import FloatInfo, as_dtype, float_info, is_ml_dtype, round_to_format

Array = npt.NDArray[Any]

OF_ML_DTYPES = ["bfloat16", "float8_e5m2", "float8_e4m3fn"]
names = pytest.mark.parametrize("name", FORMATS)


def rounded(name: str, *values: float) -> list[float]:
    result: list[float] = round_to_format(np.array(values), float_info(name)).tolist()
    return result


@names
def test_each_formats_numbers(name: str) -> None:
    digits, least, largest = FORMATS[name]
    info = float_info(name)
    assert info.unit == 2.0**-digits
    assert (info.digits, info.least_exponent) == (digits, least)
    assert info.smallest == math.ldexp(1, least)
    assert info.largest == largest


@pytest.mark.parametrize(
    ("name", "overflow"),
    [
        ("float32", 2.0**128 - 2.0**103),
        ("tf32", 2.0**128 - 2.0**116),
        ("float16", 65520.0),
        ("bfloat16", 2.0**128 - 2.0**119),
        ("float8_e5m2", 61440.0),
        ("float8_e4m3fn", math.nextafter(464, 500)),  # 464 itself is a tie, and 448 = 14·32 is even
    ],
)
def test_what_overflows_becomes_infinite(name: str, overflow: float) -> None:
    assert rounded(name, overflow, math.nextafter(overflow, 0)) == [math.inf, FORMATS[name][2]]
    assert rounded(name, -overflow, -math.nextafter(overflow, 0)) == [-math.inf, -FORMATS[name][2]]


def test_a_complex_type_has_the_numbers_of_its_parts() -> None:
    assert float_info(np.complex64) == float_info(np.float32) == float_info("float32")
    assert float_info(complex) == float_info(float)


def test_longdouble_in_python_floats() -> None:
    info = float_info(np.longdouble)
    assert info.unit == float(np.finfo(np.longdouble).eps) / 2
    if info.digits > 53:
        assert (info.smallest, info.largest) == (0.0, math.inf)


@pytest.mark.parametrize("name", OF_ML_DTYPES)
def test_the_named_formats_are_those_of_ml_dtypes(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    assert float_info(np.dtype(getattr(ml_dtypes, name))) == float_info(name)
    assert as_dtype(name) == np.dtype(getattr(ml_dtypes, name))


@pytest.mark.parametrize("name", ["tf32", *OF_ML_DTYPES])
def test_the_named_formats_need_no_ml_dtypes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    assert float_info(name).digits == FORMATS[name][0]
    advice = "no array has it" if name == "tf32" else "pip install 'refconv[lowp]'"
    with pytest.raises(TypeError) as caught:
        as_dtype(name, "accumulate_dtype")
    assert str(caught.value) == f"accumulate_dtype={name!r} is a type that NumPy does not know: {advice}"


def test_an_old_ml_dtypes_may_lack_a_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", sys.modules[__name__])
    with pytest.raises(TypeError, match=r"^dtype='bfloat16' is a type that NumPy does not know: pip install"):
        as_dtype("bfloat16")


def test_tf32_is_no_type_of_an_array() -> None:
    with pytest.raises(TypeError, match=r"^dtype='tf32' is a type that NumPy does not know: no array has it$"):
        as_dtype("tf32")


@pytest.mark.parametrize(
    "value", ["banana", "float99", 5, [1.5], object()], ids=["word", "name", "number", "list", "object"]
)
def test_what_names_no_type_is_refused_with_its_argument(value: Any) -> None:
    with pytest.raises(TypeError) as caught:
        as_dtype(value)
    assert str(caught.value) == f"dtype={value!r} must be a type of numbers"
    with pytest.raises(TypeError) as caught:
        float_info(value, "input_dtype")
    assert str(caught.value) == f"input_dtype={value!r} must be a type of numbers"
    with pytest.raises(TypeError, match=r"^dtype="):
        float_info(value)


def test_types_come_in_native_byte_order() -> None:
    assert as_dtype(np.dtype(">f4").newbyteorder("S")).isnative
    assert as_dtype(">f4").isnative
    assert as_dtype(">f4") == np.float32


@pytest.mark.parametrize(("name", "is_one"), [("float64", False), ("V4", False), ("int8", False)])
def test_numpys_types_are_not_of_ml_dtypes(name: str, is_one: bool) -> None:
    assert is_ml_dtype(np.dtype(name)) is is_one


@names
def test_whole_numbers_of_last_places_and_ties_to_even(name: str) -> None:
    digits, least, _ = FORMATS[name]
    if digits == 53:
        return  # float64 cannot hold its own ties
    # Around 1 the last place is 2^(1−p); below the least normal number it is 2^e throughout.
    for one, place in [(1.0, 2.0 ** (1 - digits)), (2.0 ** (least + 1), 2.0**least)]:
        ties = [one + (k + 0.5) * place for k in range(-2 if one == 1 else 0, 3)]
        inside = [tie + sign * place / 2**10 for tie in ties for sign in (1, -1)]
        values = [*ties, *inside, one, -ties[-1]]
        assert rounded(name, *values) == [nearest(Fraction(value), name) for value in values]
    assert rounded(name, 1 + 2.0**-digits, 1 + 3 * 2.0**-digits) == [1, 1 + 4 * 2.0**-digits]


@names
def test_half_of_the_least_number_is_zero_and_three_halves_are_two(name: str) -> None:
    digits, least, _ = FORMATS[name]
    if digits == 53:
        return  # float64 cannot hold half of its least number
    result = round_to_format(np.ldexp([0.5, 0.75, 1.5, 0.25, -0.5, -1.5], least), float_info(name))
    assert result.tolist() == [math.ldexp(units, least) for units in (0, 1, 2, 0, 0, -2)]
    assert np.signbit(result).tolist() == [False, False, False, False, True, True]


@names
def test_every_number_of_the_format_stays(name: str) -> None:
    digits, least, largest = FORMATS[name]
    numbers = [0.0, -0.0, math.ldexp(1, least), math.ldexp(3, least), math.ldexp(1, least + digits - 1), 1.0, largest]
    assert rounded(name, *numbers, *(-number for number in numbers)) == [*numbers, *(-number for number in numbers)]


@names
def test_what_is_not_finite_stays(name: str) -> None:
    found = rounded(name, math.nan, math.inf, -math.inf)
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf]


@given(st.sampled_from(sorted(FORMATS)), st.integers(-(2**53), 2**53), st.integers(-1200, 1100), st.data())
def test_rounding_is_to_the_nearest(name: str, whole: int, exponent: int, data: st.DataObject) -> None:
    digits, least, _ = FORMATS[name]
    if digits < 53 and data.draw(st.booleans()):  # a tie
        whole, exponent = whole % 2**digits * 2 + 1, data.draw(st.integers(least - 1, least + 40))
    value = math.ldexp(whole, exponent) if abs(whole) * TWO**exponent < TWO**1023 else math.inf
    result = round_to_format(np.array([value]), float_info(name))
    assert result.tolist() == [nearest(Fraction(value), name) if value < math.inf else math.inf]


def test_the_format_of_a_small_made_up_type() -> None:
    # Two digits, 1/4 and its multiples, up to 6: 0, 1/4, 1/2, 3/4, 1, 3/2, 2, 3, 4, 6
    info = FloatInfo(0.25, 0.25, 6.0)
    assert (info.digits, info.least_exponent) == (2, -2)
    values = np.array([0.125, 0.375, 0.6, 1.25, 1.75, 2.5, 3.5, 5.0, 6.9, 7.0, -2.6])
    expected = [0, 0.5, 0.5, 1, 2, 2, 4, 4, 6, math.inf, -3]
    assert round_to_format(values, info).tolist() == expected
