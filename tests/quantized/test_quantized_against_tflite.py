"""TensorFlow Lite as a second opinion: a model of one CONV_2D, written as a flatbuffer, in its reference kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refconv.quantized import conv2d_quantized

reason = "TensorFlow Lite is a second opinion, never a dependency"
tensorflow = pytest.importorskip("tensorflow", reason=reason)
flatbuffers = pytest.importorskip("flatbuffers", reason=reason)
schema = pytest.importorskip("tensorflow.lite.python.schema_py_generated", reason=reason)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of the interpreter's move to another package

Array = np.ndarray[Any, np.dtype[Any]]
PADDING = {"same_upper": 0, "valid": 1}


def tensor(name: str, array: Array, buffer: int, scale: Any, zero_point: Any) -> Any:
    """Describe a tensor; its scales and zero points are those of its first axis, or one for all."""
    described = schema.TensorT()
    types = {"int8": schema.TensorType.INT8, "uint8": schema.TensorType.UINT8, "int32": schema.TensorType.INT32}
    described.name, described.type, described.shape, described.buffer = (
        name,
        types[array.dtype.name],
        array.shape,
        buffer,
    )
    described.quantization = schema.QuantizationParametersT()
    described.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
    described.quantization.zeroPoint = np.broadcast_to(np.int64(zero_point), described.quantization.scale.shape)
    return described


def model(tensors: list[Any], buffers: list[Array], options: Any) -> bytes:
    graph, operator, code = schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator], [0], [3]
    operator.inputs, operator.outputs, operator.opcodeIndex = [0, 1, 2], [3], 0
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.Conv2DOptions, options
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 5
    whole = schema.ModelT()
    whole.version, whole.subgraphs, whole.operatorCodes = 3, [graph], [code]
    whole.buffers = [schema.BufferT() for _ in range(3)]
    for described, array in zip(whole.buffers[1:], buffers, strict=True):
        described.data = np.frombuffer(array.tobytes(), np.uint8)
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def by_tflite(
    x: Array,
    sx: Any,
    zx: int,
    w: Array,
    sw: Any,
    zw: int,
    sy: Any,
    zy: int,
    bias: Array,
    *,
    shape: tuple[int, ...],
    **geometry: Any,
) -> Array:
    """Convolve NCHW with OIHW, giving `shape`, as the reference kernel does."""
    options = schema.Conv2DOptionsT()
    options.padding = PADDING[geometry["padding"]]
    options.strideH, options.strideW = geometry.get("stride", (1, 1))
    options.dilationHFactor, options.dilationWFactor = geometry.get("dilation", (1, 1))
    image, kernels = x.transpose(0, 2, 3, 1), w.transpose(0, 2, 3, 1)
    output = np.zeros((shape[0], *shape[2:], shape[1]), x.dtype)
    tensors = [
        tensor("x", image, 0, sx, zx),
        tensor("w", kernels, 1, sw, zw),
        tensor("bias", bias, 2, np.float32(sx) * np.asarray(sw, np.float32), 0),
        tensor("y", output, 0, sy, zy),
    ]
    interpreter = tensorflow.lite.Interpreter(
        model_content=model(tensors, [kernels, bias], options),
        experimental_op_resolver_type=tensorflow.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    found: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return found.transpose(0, 3, 1, 2)


# Below 1, at powers of two and beside them; above 1, where the shift goes to the left; a third, where two roundings show.
SCALES = [
    (0.5, 0.5, 0.5),
    (0.25, 0.5, 1),
    (0.1, 0.3, 0.7),
    (1, 1, 64),
    (0.5, 0.5, 0.1),
    (1, 1, 3),
    (0.75, 1, 10),
    (3, 7, 0.9),
]


@pytest.mark.parametrize("scales", SCALES, ids=str)
def test_every_sum_is_rounded_as_there(scales: tuple[float, float, float]) -> None:
    """A pixel of 0 leaves the biases, one for every sum."""
    bias = np.arange(-1500, 1501, dtype=np.int32)
    x, w = np.zeros((1, 1, 1, 1), np.int8), np.ones((len(bias), 1, 1, 1), np.int8)
    sx, sw, sy = (np.float32(scale) for scale in scales)
    shape = (1, len(bias), 1, 1)
    desired = by_tflite(x, sx, 0, w, np.full(len(bias), sw), 0, sy, 3, bias, shape=shape, padding="valid")
    actual = conv2d_quantized(x, sx, 0, w, sw, 0, sy, 3, bias, rounding="tflite")
    np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize(
    "geometry",
    [
        {"padding": "valid", "stride": (2, 1)},
        {"padding": "same_upper", "stride": (2, 3)},
        {"padding": "same_upper", "dilation": (2, 1)},
        {"padding": "valid", "groups": 2},
    ],
    ids=str,
)
def test_int8_with_a_scale_for_each_kernel(geometry: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (2, 6, 7, 9)).astype(np.int8)
    w = rng.integers(-127, 128, (4, 6 // geometry.get("groups", 1), 2, 3)).astype(np.int8)
    sw, bias = rng.uniform(0.001, 0.01, 4).astype(np.float32), rng.integers(-3000, 3000, 4).astype(np.int32)
    sx, sy = np.float32(0.05), np.float32(0.13)
    actual = conv2d_quantized(x, sx, 17, w, sw, 0, sy, -5, bias, rounding="tflite", **geometry)
    desired = by_tflite(x, sx, 17, w, sw, 0, sy, -5, bias, shape=actual.shape, **geometry)
    assert len(np.unique(actual)) > 50
    np.testing.assert_array_equal(actual, desired)


def test_uint8_with_a_zero_point_of_the_kernels() -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.integers(0, 256, shape).astype(np.uint8) for shape in ((2, 6, 7, 9), (4, 6, 2, 3)))
    bias = rng.integers(-3000, 3000, 4).astype(np.int32)
    sx, sw, sy = np.float32(0.05), np.float32(0.007), np.float32(0.9)
    arguments: list[Any] = [x, sx, 117, w, sw, 130, sy, 101, bias]
    actual = conv2d_quantized(*arguments, padding="same_upper", rounding="tflite")  # type: ignore[misc]
    desired = by_tflite(*arguments, shape=actual.shape, padding="same_upper")
    assert len(np.unique(actual)) > 50
    np.testing.assert_array_equal(actual, desired)
