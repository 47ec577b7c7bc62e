from __future__ import annotations

import re
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arrays import dtype_of, ml_dtype

from refconv.numbers.dtypes import (
    accumulation_dtype,
    as_array,
    is_integral,
    magnitude,
    result_dtype,
    wide_dtype,
)
from refconv.numbers.formats import float_info, is_ml_dtype


def dtypes_of(*names: str) -> list[np.dtype[Any]]:
    return list(map(dtype_of, names))


# as_array


@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "u8", ">i4", "f2", "f4", ">f8", "longdouble", "c8", ">c16", "clongdouble", "O"]
)
def test_as_array_hands_back_an_array_of_numbers_itself(dtype: str) -> None:
    array = np.zeros((2, 3), dtype)
    assert as_array("input", array) is array


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn"])
def test_as_array_takes_the_floats_of_ml_dtypes(name: str) -> None:
    array = np.zeros((2, 3)).astype(ml_dtype(name))
    assert as_array("input", array) is array


def test_as_array_reads_nested_lists() -> None:
    array = as_array("weight", [[1, 2], [3, 4]])
    assert array.dtype == np.int64
    assert array.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([["a"]]), "input has dtype <U1; it must be a number type (input (1, 1))"),
        (np.array([b"ab"]), "input has dtype |S2; it must be a number type (input (1,))"),
        ("text", "input has dtype <U4; it must be a number type (input ())"),
        (np.zeros((2, 3), "M8[s]"), "input has dtype datetime64[s]; it must be a number type (input (2, 3))"),
        (np.zeros(3, "m8[s]"), "input has dtype timedelta64[s]; it must be a number type (input (3,))"),
        (np.zeros(3, "V2"), "input has dtype |V2; it must be a number type (input (3,))"),
        (
            np.zeros(3, [("x", "f4")]),
            "input has dtype [('x', '<f4')]; it must be a number type (input (3,))",
        ),
        (np.ma.masked_array([1.0]), "input is a masked array; the mask would be lost, so fill it first"),
    ],
)
def test_as_array_refuses_what_is_no_number(value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        as_array("input", value)


@pytest.mark.parametrize("name", ["int4", "uint4", "float8_e8m0fnu"])
def test_as_array_refuses_what_of_ml_dtypes_would_wrap_or_has_no_zero(name: str) -> None:
    array = np.ones((2, 3), np.int8).astype(ml_dtype(name))
    message = f"input has dtype {name}; it must be a number type (input (2, 3))"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        as_array("input", array)


def test_as_array_refuses_ragged_lists() -> None:
    with pytest.raises(TypeError, match=r"^bias cannot be read as an array: .*inhomogeneous shape") as caught:
        as_array("bias", [[1, 2], [3]])
    assert isinstance(caught.value.__cause__, ValueError)


def test_as_array_refuses_what_cannot_be_converted() -> None:
    class Tensor:
        def __array__(self, *_args: object, **_kwargs: object) -> npt.NDArray[Any]:
            raise RuntimeError("it lives on another device")

    with pytest.raises(TypeError, match=r"^input cannot be read as an array: it lives on another device$"):
        as_array("input", Tensor())


# The type table


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("bfloat16", True),
        ("float8_e4m3fn", True),
        ("float8_e5m2", True),
        ("float4_e2m1fn", True),
        ("float8_e8m0fnu", False),
        ("int4", False),
    ],
)
def test_is_ml_dtype_of_ml_dtypes(name: str, is_one: bool) -> None:
    assert is_ml_dtype(ml_dtype(name)) is is_one


@pytest.mark.parametrize("name", ["float16", "float32", "int8", "object", "V2"])
def test_is_ml_dtype_of_numpy_is_false(name: str) -> None:
    assert not is_ml_dtype(np.dtype(name))


@pytest.mark.parametrize(
    ("name", "is_one"), [("bool", True), ("int8", True), ("uint64", True), ("float16", False), ("object", False)]
)
def test_is_integral(name: str, is_one: bool) -> None:
    assert is_integral(np.dtype(name)) is is_one


@pytest.mark.parametrize(
    ("array", "largest"),
    [
        (np.array([-128, 127], np.int8), 128),
        (np.array([-5, 7], np.int8), 7),
        (np.array([[0, 255]], np.uint8), 255),
        (np.array([2**64 - 1], np.uint64), 2**64 - 1),
        (np.array([-(2**63)]), 2**63),
        (np.array([True, False]), 1),
        (np.array([False]), 0),
        (np.zeros((0, 3), int), 0),
        (np.array([1e300]), 0),
        (np.array([Fraction(9)]), 0),
    ],
)
def test_magnitude_is_the_largest_absolute_value_of_integers(array: npt.NDArray[Any], largest: int) -> None:
    result = magnitude(array)
    assert result == largest
    assert type(result) is int  # so that it can grow beyond int64


@pytest.mark.parametrize(
    ("names", "result", "wide"),
    [
        (("float16", "float16"), "float16", "float64"),
        (("float32", "float16"), "float32", "float64"),
        (("float64", "float64"), "float64", "float64"),
        (("float64", "float64"), "float16", "float64"),
        (("float32", "float32"), "complex64", "float64"),
        (("int64", "float32"), "float64", "float64"),
        (("bfloat16", "bfloat16"), "bfloat16", "float64"),
        (("bfloat16", "float16", "float8_e5m2"), "float32", "float64"),
        (("bfloat16", "complex64"), "complex64", "complex128"),
        (("complex64", "complex64"), "complex64", "complex128"),
        (("float16", "longdouble"), "longdouble", "longdouble"),
        (("longdouble", "longdouble"), "float16", "longdouble"),
        (("complex64", "longdouble"), "clongdouble", "clongdouble"),
        (("int8", "complex64"), "complex64", "complex128"),
        (("longdouble", "int8"), "longdouble", "longdouble"),
        (("int8", "int8", "longdouble"), "longdouble", "longdouble"),
        (("int8", "int8", "float32"), "float64", "float64"),
        (("int8", "object"), "object", "object"),
        (("float64", "int8", "object"), "object", "object"),
        (("int8", "int8"), "object", "object"),
        (("float32", "bfloat16"), "object", "object"),
    ],
)
def test_accumulation_dtype(names: tuple[str, ...], result: str, wide: str) -> None:
    assert accumulation_dtype(*dtypes_of(*names), result=dtypes_of(result)[0], largest_sum=0) == np.dtype(wide)


@pytest.mark.parametrize(("names", "wide"), [(("bfloat16",), "float64"), (("float32", "complex64"), "complex128")])
def test_wide_dtype(names: tuple[str, ...], wide: str) -> None:
    assert wide_dtype(*dtypes_of(*names)) == np.dtype(wide)


@pytest.mark.parametrize(
    ("largest_sum", "wide"),
    [
        (0, np.float64),
        (2**53, np.float64),
        (2**53 + 1, np.int64),
        (2**63 - 1, np.int64),
        (2**63, object),
        (2**200, object),
    ],
)
@pytest.mark.parametrize("result", ["int64", "int8", "float32", "complex64"])
def test_integers_accumulate_in_the_fastest_exact_type(largest_sum: int, wide: type, result: str) -> None:
    kinds = np.dtype(np.int8), np.dtype(np.bool_), np.dtype(np.uint64)
    assert accumulation_dtype(*kinds, result=np.dtype(result), largest_sum=largest_sum) == np.dtype(wide)


@pytest.mark.parametrize(
    ("names", "result"),
    [
        (("float16", "float16"), "float16"),
        (("float16", "float32"), "float32"),
        (("float32", "float64"), "float64"),
        (("float32", "float32", "float64"), "float32"),  # the bias is not asked
        (("float16", "int8"), "float16"),
        (("float32", "int64"), "float64"),
        (("longdouble", "float32"), "longdouble"),
        (("complex64", "float32"), "complex64"),
        (("complex64", "float64"), "complex128"),
        (("bool", "bool"), "int64"),
        (("int8", "int8"), "int64"),
        (("uint64", "uint64"), "int64"),
        (("uint8", "int64", "bool"), "int64"),
        (("object", "int8"), "object"),
        (("int8", "int8", "object"), "object"),
        (("float64", "float32", "object"), "object"),
        (("bfloat16", "bfloat16"), "bfloat16"),
        (("bfloat16", "float32"), "float32"),
        (("float8_e5m2", "float8_e5m2", "float32"), "float8_e5m2"),
        (("bfloat16", "complex64"), "complex64"),
    ],
)
def test_result_dtype(names: tuple[str, ...], result: str) -> None:
    assert result_dtype(*dtypes_of(*names)) == dtypes_of(result)[0]


@pytest.mark.parametrize(
    ("names", "dtype"),
    [
        (("float32", "float32"), "float64"),
        (("float64", "float64"), "float16"),
        (("float64", "float64"), "bfloat16"),
        (("float32", "float32"), "complex64"),
        (("float32", "float32"), "object"),
        (("int8", "int8"), "int8"),
        (("int8", "uint64"), "bool"),
        (("int64", "int64"), "float16"),
        (("bfloat16", "float16"), "float32"),  # which have no common type of their own
        (("object", "object"), "object"),
    ],
)
def test_result_dtype_as_asked_for(names: tuple[str, ...], dtype: str) -> None:
    assert result_dtype(*dtypes_of(*names), dtype=dtypes_of(dtype)[0]) == dtypes_of(dtype)[0]


def test_results_are_in_native_byte_order() -> None:
    assert result_dtype(np.dtype(">f4"), np.dtype(">f4")).isnative
    assert result_dtype(np.dtype(">f4"), np.dtype(">f4"), dtype=">f8").isnative
    assert result_dtype(np.dtype(">f4"), np.dtype(">f4"), dtype=">f8") == np.float64


@pytest.mark.parametrize(
    ("names", "dtype", "message"),
    [
        (("float64", "int8"), "int64", "a result of dtype int64 cannot hold the input, which has dtype float64"),
        (("int8", "float32"), "bool", "a result of dtype bool cannot hold the weight, which has dtype float32"),
        (
            ("complex64", "float32"),
            "float64",
            "a result of dtype float64 cannot hold the input, which has dtype complex64",
        ),
        (("object", "object"), "float64", "a result of dtype float64 cannot hold the input, which has dtype object"),
        (("bfloat16", "bfloat16"), "int32", "a result of dtype int32 cannot hold the input, which has dtype bfloat16"),
        (
            ("float32", "complex64"),
            "bfloat16",
            "a result of dtype bfloat16 cannot hold the weight, which has dtype complex64",
        ),
        (
            ("float32", "float32"),
            "datetime64[s]",
            "a result of dtype datetime64[s] cannot hold the input, which has dtype float32",
        ),
        (("int8", "int8"), "U5", "a result of dtype <U5 cannot hold the input, which has dtype int8"),
        (("int8", "int8"), "int4", "a result of dtype int4 cannot hold the input, which has dtype int8"),
        (
            ("bfloat16", "bfloat16"),
            "float8_e8m0fnu",
            "a result of dtype float8_e8m0fnu cannot hold the input, which has dtype bfloat16",
        ),
        (("int8", "int8", "float32"), None, "a result of dtype int64 cannot hold the bias, which has dtype float32"),
        (
            ("float32", "float32", "complex64"),
            None,
            "a result of dtype float32 cannot hold the bias, which has dtype complex64",
        ),
        (
            ("float16", "bfloat16"),
            None,
            "input and weight have dtypes float16 and bfloat16 with no common type; pass dtype=",
        ),
        (
            ("bfloat16", "float16", "float32"),  # whatever the bias is
            None,
            "input and weight have dtypes bfloat16 and float16 with no common type; pass dtype=",
        ),
    ],
)
def test_result_dtype_refuses_to_drop_a_kind(names: tuple[str, ...], dtype: str | None, message: str) -> None:
    wanted = None if dtype is None else dtypes_of(dtype)[0]
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        result_dtype(*dtypes_of(*names), dtype=wanted)


@pytest.mark.parametrize(
    ("name", "unit", "smallest", "largest"),
    [
        ("float16", 2.0**-11, 2.0**-24, 65504.0),
        ("float32", 2.0**-24, 2.0**-149, (2 - 2.0**-23) * 2.0**127),
        ("float64", 2.0**-53, 2.0**-1074, (2 - 2.0**-52) * 2.0**1023),
        ("complex64", 2.0**-24, 2.0**-149, (2 - 2.0**-23) * 2.0**127),
        ("bfloat16", 2.0**-8, 2.0**-133, (2 - 2.0**-7) * 2.0**127),
        ("float8_e4m3fn", 2.0**-4, 2.0**-9, 448.0),
        ("float8_e5m2", 2.0**-3, 2.0**-16, 57344.0),
    ],
)
def test_float_info(name: str, unit: float, smallest: float, largest: float) -> None:
    info = float_info(dtypes_of(name)[0])
    assert (info.unit, info.smallest, info.largest) == (unit, smallest, largest)


def test_float_info_of_numpys_types_does_not_need_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    assert float_info("float32").unit == 2.0**-24
