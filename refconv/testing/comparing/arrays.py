"""Arrays of any framework as NumPy's, without importing one: what a value offers is asked, not what it is."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from refconv.numbers.dtypes import as_array
from refconv.numbers.formats import Array, as_dtype


def to_numpy(name: str, value: object) -> Array:
    """Return an array of numbers; a TypeError, with `name` in it, where `value` cannot be read as one.

    A PyTorch tensor is taken off its graph and its device, and keeps its type where NumPy does not know it; one of CuPy
    is copied from its device.  Whatever speaks DLPack alone is read through that.
    """
    return as_array(name, _plain(value))


def _plain(value: Any) -> Any:
    """Return something that `np.asarray` reads."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        return _from_torch(value.detach().cpu())
    if hasattr(value, "__cuda_array_interface__") and hasattr(value, "get"):
        return value.get()
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        return np.from_dlpack(value)  # np.asarray would make an object of it
    return value


def _from_torch(tensor: Any) -> Any:
    """Resolve what NumPy cannot view: a pending conjugation, and the types that it knows through ml_dtypes alone."""
    for resolve in ("resolve_conj", "resolve_neg"):
        tensor = getattr(tensor, resolve, lambda same=tensor: same)()
    name = str(getattr(tensor, "dtype", "")).removeprefix("torch.")
    if not name.startswith(("bfloat16", "float8")):
        return tensor
    torch = sys.modules["torch"]
    bits = tensor.contiguous().view({1: torch.uint8, 2: torch.int16}[tensor.element_size()])
    return np.asarray(bits).view(as_dtype(name))
