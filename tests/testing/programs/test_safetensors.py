from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refconv.testing.programs.safetensors import TYPES, from_bytes, to_bytes

NAMES = sorted(TYPES.values())
pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed: pip install 'refconv[lowp]'")
import ml_dtypes


def dtype_of(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name, None) or name)


@st.composite
def tensors(draw: st.DrawFn) -> dict[str, np.ndarray[Any, Any]]:
    found = {}
    for name in draw(st.sets(st.sampled_from(["a", "b", "weight", "ä"]))):
        dtype = dtype_of(draw(st.sampled_from(NAMES)))
        shape = draw(st.lists(st.integers(0, 3), max_size=4))
        size = dtype.itemsize * math.prod(shape)
        data = draw(st.binary(min_size=size, max_size=size))
        if dtype == np.bool_:
            data = bytes(byte & 1 for byte in data)
        found[name] = np.frombuffer(data, dtype).reshape(shape)
    return found


def test_a_file_byte_by_byte() -> None:
    data = to_bytes({"b": np.array([[1, -2]], ">i2"), "a": np.array(1.0)}, {"k": "v"})
    header = (
        b'{"__metadata__":{"k":"v"},"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},'
        b'"b":{"dtype":"I16","shape":[1,2],"data_offsets":[8,12]}}'
    )
    padded = header + b" " * 2
    assert len(header) == 134
    assert data == (136).to_bytes(8, "little") + padded + b"\x00\x00\x00\x00\x00\x00\xf0\x3f" + b"\x01\x00\xfe\xff"


@pytest.mark.slow
@given(tensors(), st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
def test_a_file_holds_every_type_and_shape(written: dict[str, np.ndarray[Any, Any]], text: dict[str, str]) -> None:
    found, metadata = from_bytes(to_bytes(written, text))
    assert metadata == text
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in found.items()} == {
        name: (array.dtype, array.shape, array.tobytes()) for name, array in written.items()
    }


@given(tensors())
def test_the_bytes_are_those_of_the_library(written: dict[str, np.ndarray[Any, Any]]) -> None:
    library = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed: pip install safetensors")
    assert library.save(written, {"k": "v"}) == to_bytes(written, {"k": "v"})
    plain = {name: array for name, array in written.items() if not array.dtype.name.startswith(("bfloat", "float8"))}
    read = library.load(to_bytes(plain))
    assert {name: array.tobytes() for name, array in read.items()} == {n: a.tobytes() for n, a in plain.items()}


@pytest.mark.parametrize("layout", ["F", ">", "strided"])
def test_an_array_is_written_in_plain_order(layout: str) -> None:
    plain = np.arange(6, dtype="<f4").reshape(2, 3)
    other = {"F": np.asfortranarray(plain), ">": plain.astype(">f4"), "strided": np.repeat(plain, 2, axis=1)[:, ::2]}
    assert to_bytes({"a": other[layout]}) == to_bytes({"a": plain})


@pytest.mark.parametrize("dtype", ["complex128", "longdouble", object])
def test_a_type_that_the_format_does_not_have_is_refused(dtype: Any) -> None:
    with pytest.raises(TypeError, match=r"^a has type \w+, which safetensors does not have$"):
        to_bytes({"a": np.zeros(1, dtype)})


def with_header(text: str, data: bytes = b"\x00" * 8) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode() + data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a header of 0 bytes, where 0 follow"),
        (b"\x09" + b"\x00" * 7 + b"{}", "a header of 9 bytes, where 2 follow"),
        (with_header("{"), "a header that makes no sense: JSONDecodeError"),
        (with_header("[]"), "a header that makes no sense: TypeError"),
        (with_header('{"a":1}'), "a header that makes no sense: TypeError"),
        (with_header('{"a":{"shape":[1],"data_offsets":[0,4]}}'), "a header that makes no sense: KeyError: 'dtype'"),
        (
            with_header('{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}}'),
            "a header that makes no sense: KeyError: 'F7'",
        ),
        (with_header('{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}'), "a tensor 'a' of float32 [3] with"),
        (with_header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}'), "a tensor 'a' of float32 [1] with"),
        (with_header('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}'), "a tensor 'a' of float32 [-1] with"),
        (
            with_header('{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}'),
            "a tensor 'a' of float32 [-1, -1] with",
        ),
        (with_header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}'), "a tensor 'a' of float32 [1] with"),
        (with_header('{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}'), "a tensor 'a' of float32 1 with"),
        (with_header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}'), "a tensor 'a' of float32 [1] with"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r"^a ") as raised:
        from_bytes(data)
    assert str(raised.value).startswith(message)
