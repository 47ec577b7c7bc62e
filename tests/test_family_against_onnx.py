"""ONNX as a second opinion on transposed convolutions: its auto_pad and output_shape, by two implementations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from arrays import Array, whole

from refconv.operations import OPERATIONS

onnx = pytest.importorskip("onnx", reason="ONNX is a second opinion, never a dependency")


def transposed(x: Array, w: Array, **attributes: Any) -> Any:
    make, single = onnx.helper, onnx.TensorProto.FLOAT
    given = [make.make_tensor_value_info(name, single, array.shape) for name, array in (("x", x), ("w", w))]
    node = make.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)
    graph = make.make_graph([node], "transposed", given, [make.make_tensor_value_info("y", single, None)])
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8)


def by_reference(model: Any, **arrays: Array) -> Array:
    found: Array = pytest.importorskip("onnx.reference").ReferenceEvaluator(model).run(None, arrays)[0]
    return found


def by_runtime(model: Any, **arrays: Array) -> Array:
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is a second opinion, never a dependency")
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: Array = session.run(None, arrays)[0]
    return found


@pytest.mark.parametrize("run", [by_reference, by_runtime])
@pytest.mark.parametrize("padding", ["same_upper", "same_lower"])
@pytest.mark.parametrize("is_asked_for", [False, True])
@pytest.mark.parametrize("name", ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"])
def test_same_padding(name: str, is_asked_for: bool, padding: str, run: Any) -> None:
    # Where a kernel is smaller than the stride, the two of them differ.
    rank = OPERATIONS[name].space.rank
    kernel, stride, size = (3, 5, 4)[:rank], (2, 3, 1)[:rank], (7, 11, 3)[:rank]
    groups = 1 if run is by_reference else 2  # which the reference does not know
    x, w = whole(2, 4, *(4, 4, 3)[:rank]).astype(np.float32), whole(4, 3, *kernel, seed=1).astype(np.float32)
    attributes = {"auto_pad": padding.upper(), "strides": stride, "group": groups}
    if is_asked_for:
        attributes["output_shape"] = size
    desired = run(transposed(x, w, **attributes), x=x, w=w)
    ours = OPERATIONS[name].function(
        x, w, None, stride, padding, groups=groups, output_size=size if is_asked_for else None
    )
    assert ours.shape[2:] == (size if is_asked_for else (8, 12, 3)[:rank])
    np.testing.assert_array_equal(ours, desired)


@pytest.mark.parametrize("run", [by_reference, by_runtime])
def test_valid_padding(run: Any) -> None:
    x, w = whole(1, 2, 4, 3).astype(np.float32), whole(2, 3, 1, 4, seed=1).astype(np.float32)
    model = transposed(x, w, auto_pad="VALID", strides=[3, 2], dilations=[2, 3])
    ours = OPERATIONS["conv_transpose2d"].function(x, w, None, (3, 2), "valid", dilation=(2, 3))
    np.testing.assert_array_equal(ours, run(model, x=x, w=w))
