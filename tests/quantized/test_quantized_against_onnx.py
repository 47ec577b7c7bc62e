"""ONNX's operators as second opinions: onnxruntime's kernels and ONNX's own reference."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from refconv.quantized import conv2d_integer, conv2d_quantized

onnx = pytest.importorskip("onnx", reason="ONNX is a second opinion, never a dependency")
pytest.importorskip("onnx.reference")

Array = np.ndarray[Any, np.dtype[Any]]

GEOMETRY: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 2), (0, 1)), "dilation": (1, 2), "groups": 2}
ATTRIBUTES: dict[str, Any] = {"strides": [2, 1], "pads": [1, 0, 2, 1], "dilations": [1, 2], "group": 2}


def model(operator: str, operands: list[Array], result: Any, **attributes: Any) -> Any:
    types = [onnx.helper.np_dtype_to_tensor_dtype(operand.dtype) for operand in operands]
    names = [f"operand{i}" for i in range(len(operands))]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, names, ["y"], **attributes)],
        operator,
        [
            onnx.helper.make_tensor_value_info(*info)
            for info in zip(names, types, (x.shape for x in operands), strict=True)
        ],
        [onnx.helper.make_tensor_value_info("y", onnx.helper.np_dtype_to_tensor_dtype(np.dtype(result)), None)],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)


def by_onnxruntime(operator: str, operands: list[Array], result: Any, **attributes: Any) -> Array:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is a second opinion, never a dependency")
    content = model(operator, operands, result, **attributes).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    output: Array = session.run(None, {f"operand{i}": operand for i, operand in enumerate(operands)})[0]
    return output


def by_reference(operator: str, operands: list[Array], result: Any, **attributes: Any) -> Array:
    evaluator = onnx.reference.ReferenceEvaluator(model(operator, operands, result, **attributes))
    output: Array = evaluator.run(None, {f"operand{i}": operand for i, operand in enumerate(operands)})[0]
    return output


class Draw:
    """Random 8-bit integers.  A uint8 beside an int8 leaves it 7 bits: without VNNI, onnxruntime adds pairs in 16."""

    def __init__(self, input_type: Any, weight_type: Any) -> None:
        self.rng = np.random.default_rng(0)
        self.input_type, self.weight_type = np.dtype(input_type), np.dtype(weight_type)

    def __call__(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        signed = dtype.kind == "i"
        mixed = signed and self.input_type != self.weight_type
        low, high = (-63, 64) if mixed else (-128, 128) if signed else (0, 256)
        return self.rng.integers(low, high, shape).astype(dtype)


@pytest.mark.parametrize("evaluate", [by_onnxruntime, by_reference])
@pytest.mark.parametrize("weight_type", [np.uint8, np.int8])
@pytest.mark.parametrize("input_type", [np.uint8, np.int8])
def test_conv_integer(input_type: Any, weight_type: Any, evaluate: Any) -> None:
    draw = Draw(input_type, weight_type)
    x, w = draw(draw.input_type, (2, 6, 7, 9)), draw(draw.weight_type, (4, 3, 2, 3))
    zx, zw = np.array(7, input_type), np.array(5, weight_type)
    desired = evaluate("ConvInteger", [x, w, zx, zw], np.int32, **ATTRIBUTES)
    actual = conv2d_integer(x, w, zx, zw, **GEOMETRY)
    assert actual.dtype == desired.dtype
    np.testing.assert_array_equal(actual, desired)


def test_conv_integer_with_a_zero_point_for_each_kernel() -> None:
    draw = Draw(np.uint8, np.uint8)
    x, w, zw = (draw(draw.input_type, shape) for shape in ((2, 6, 7, 9), (4, 3, 2, 3), (4,)))
    desired = by_reference("ConvInteger", [x, w, np.array(9, np.uint8), zw], np.int32, **ATTRIBUTES)
    np.testing.assert_array_equal(conv2d_integer(x, w, 9, zw, **GEOMETRY), desired)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(("input_type", "weight_type"), [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)])
def test_qlinear_conv_in_onnxruntime(input_type: Any, weight_type: Any, per_channel: bool) -> None:
    """Equal, or one apart where the exact product is as near to a tie as float32 can err."""
    draw = Draw(input_type, weight_type)
    x, w = draw(draw.input_type, (2, 6, 7, 9)), draw(draw.weight_type, (4, 3, 2, 3))
    bias = draw.rng.integers(-3000, 3000, 4).astype(np.int32)
    sx, sy = np.array(0.02, np.float32), np.array(3.1, np.float32)
    sw = draw.rng.uniform(0.01, 0.03, (4,) if per_channel else ()).astype(np.float32)
    zx, zw, zy = np.array(7, input_type), np.full(sw.shape, 5, weight_type), np.array(100, input_type)

    desired = by_onnxruntime("QLinearConv", [x, sx, zx, w, np.asarray(sw), zw, sy, zy, bias], input_type, **ATTRIBUTES)
    actual = conv2d_quantized(x, sx, zx, w, sw, zw, sy, zy, bias, **GEOMETRY)
    assert actual.dtype == desired.dtype
    assert len(np.unique(actual)) > 10
    sums = conv2d_integer(x, w, zx, zw, **GEOMETRY) + bias[:, np.newaxis, np.newaxis]
    scales = [Fraction(float(sx)) * Fraction(float(s)) / Fraction(float(sy)) for s in np.broadcast_to(sw, 4)]
    for n, o, p, q in np.argwhere(actual != desired):
        exact = int(sums[n, o, p, q]) * scales[o]
        assert abs(int(actual[n, o, p, q]) - int(desired[n, o, p, q])) == 1
        assert abs(exact % 1 - Fraction(1, 2)) <= abs(exact) * Fraction(1, 2**21)


@pytest.mark.parametrize("zero", [0, 1])
def test_ties_in_onnx(zero: int) -> None:
    """onnxruntime rounds before it adds the zero point, as QuantizeLinear says; ONNX's reference for QLinearConv after."""
    x, one = np.arange(-8, 8, dtype=np.int8).reshape(1, 1, 1, 16), np.ones((1, 1, 1, 1), np.int8)
    half, unit = np.array(0.5, np.float32), np.array(1, np.float32)
    none, zy = np.array(0, np.int8), np.array(zero, np.int8)
    operands: list[Array] = [x, half, none, one, unit, none, unit, zy]
    actual = conv2d_quantized(x, half, none, one, unit, none, unit, zy)
    np.testing.assert_array_equal(actual, by_onnxruntime("QLinearConv", operands, np.int8))
    wrong = (actual != by_reference("QLinearConv", operands, np.int8)).sum()
    assert wrong in ((0, 8) if zero else (0,))  # 8 of them as of 1.23
