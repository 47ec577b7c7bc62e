"""Tensors in a file that a program reads with its language's standard library alone, bfloat16 and float8 among them.

::

    8 bytes    the length of the header, a whole number, little-endian
    header     JSON: {"input": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}, then spaces up to 8·k
    data       the tensors one after another, each in C order, little-endian; the offsets count from here

Beside the tensors the header may have ``"__metadata__"``, text by name.  What is written here has no blanks in it, the
metadata first, the keys of a tensor in the order above, and wide types before narrow ones, so that a reader may search
the header as text, and finds every number at a multiple of its size.

Source: the format's description, https://github.com/huggingface/safetensors (2026), "Format".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array, as_dtype

TYPES: Final = {  # in the order in which they stand in a file, as the format's own library has it
    "U64": "uint64", "I64": "int64", "F64": "float64", "C64": "complex64",
    "F32": "float32", "U32": "uint32", "I32": "int32", "BF16": "bfloat16", "F16": "float16",
    "U16": "uint16", "I16": "int16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
    "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_NAMES: Final = {name: code for code, name in TYPES.items()}
_METADATA: Final = "__metadata__"


def to_bytes(tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    r"""Return arrays, and text by name, as a file.

    Raises
    ------
    TypeError
        If the format has no such type: complex128, longdouble, objects.

    Examples
    --------
    >>> import numpy as np
    >>> data = to_bytes({"a": np.array([[1, 2]], np.uint8)}, {"stride": "2 1"})
    >>> int.from_bytes(data[:8], "little"), len(data)
    (88, 98)
    >>> data[8:-2], data[-2:]
    (b'{"__metadata__":{"stride":"2 1"},"a":{"dtype":"U8","shape":[1,2],"data_offsets":[0,2]}} ', b'\x01\x02')
    """
    for name, array in tensors.items():
        if array.dtype.name not in _NAMES:
            raise TypeError(f"{name} has type {array.dtype.name}, which safetensors does not have")
    header: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    data: list[bytes] = []
    offset, order = 0, list(_NAMES)
    for name in sorted(tensors, key=lambda name: (order.index(tensors[name].dtype.name), name)):
        array = tensors[name]
        data.append(array.astype(array.dtype.newbyteorder("<")).tobytes())
        offsets = [offset, offset := offset + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *data])


def from_bytes(data: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays of a file, and its text by name: the inverse of `to_bytes`.

    Raises
    ------
    ValueError
        If it is no such file; the message says in what.

    Examples
    --------
    >>> from_bytes(to_bytes({"a": np.array([[1, 2]], np.uint8)}))
    ({'a': array([[1, 2]], dtype=uint8)}, {})
    >>> from_bytes(b"12345678{}")
    Traceback (most recent call last):
    ValueError: a header of 4050765991979987505 bytes, where 2 follow
    """
    start = 8 + int.from_bytes(data[:8], "little")
    if start > len(data):
        raise ValueError(f"a header of {start - 8} bytes, where {max(0, len(data) - 8)} follow")
    try:
        header = json.loads(data[8:start])
        metadata = header.pop(_METADATA, {})
        entries = {
            name: (TYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]) for name, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a header that makes no sense: {type(error).__name__}: {error}") from None
    return {name: _array(name, data[start:], *entry) for name, entry in entries.items()}, metadata


def _array(name: str, data: bytes, dtype: str, shape: Any, offsets: Any) -> Array:
    kind = as_dtype(dtype, name)
    with suppress(TypeError, ValueError):  # of what are no numbers
        sides, (first, end) = tuple(map(int, shape)), map(int, offsets)
        if (
            0 <= first <= end <= len(data)
            and end - first == kind.itemsize * math.prod(sides)
            and min(sides, default=0) >= 0
        ):
            return np.frombuffer(data[first:end], kind.newbyteorder("<")).astype(kind).reshape(sides)
    raise ValueError(
        f"a tensor {name!r} of {dtype} {shape} with data_offsets {offsets}, which must be as many of the "
        f"{len(data)} bytes of data as its numbers take"
    )
