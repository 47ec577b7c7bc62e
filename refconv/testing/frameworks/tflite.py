"""TensorFlow Lite: a model of one CONV_2D, written as a flatbuffer, in the interpreter that TensorFlow brings along."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.geometry.build import plan_convolution
from refconv.numbers.formats import Array
from refconv.testing.frameworks.adapter import Framework, Target, padding_word, refuse_unbatched, sides_of

_WORDS: Final = {"same_upper": "SAME", "valid": "VALID"}


def _padding(padding: Any) -> str:
    if isinstance(padding, str):
        return padding_word(padding, _WORDS)
    if any(map(any, sides_of(padding))):
        raise NotImplementedError("its operator pads by SAME alone")
    return "VALID"


def _schema() -> Any:
    return import_module("tensorflow.lite.python.schema_py_generated")


def _tensor(name: str, array: Array, buffer: int, scale: Array, zero: Array) -> Any:
    """Describe an array, and what its numbers stand for."""
    schema = _schema()
    described = schema.TensorT()
    described.name, described.shape, described.buffer = name, array.shape, buffer
    described.type = getattr(schema.TensorType, array.dtype.name.upper())
    described.quantization = schema.QuantizationParametersT()
    described.quantization.scale = np.atleast_1d(scale).astype(np.float32)
    described.quantization.zeroPoint = np.broadcast_to(np.int64(zero), described.quantization.scale.shape)
    return described


def _model(tensors: list[Any], buffers: list[Array], options: Any) -> bytes:
    """Return a model of one convolution, of the image, the weight, the bias and the output."""
    schema = _schema()
    graph, operator, code, whole = (schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT(), schema.ModelT())
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator], [0], [3]
    operator.inputs, operator.outputs, operator.opcodeIndex = [0, 1, 2], [3], 0
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.Conv2DOptions, options
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 5
    whole.version, whole.subgraphs, whole.operatorCodes = 3, [graph], [code]
    whole.buffers = [schema.BufferT() for _ in range(3)]
    for described, array in zip(whole.buffers[1:], buffers, strict=True):
        described.data = np.frombuffer(array.tobytes(), np.uint8)
    builder = import_module("flatbuffers").Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _load() -> Target:
    tensorflow, schema = import_module("tensorflow"), _schema()

    def tflite_convolution(*arguments: Any) -> Any:
        x, sx, zx, w, sw, zw, sy, zy, bias, stride, padding, dilation, groups = arguments
        refuse_unbatched(x.shape, 2)
        if (
            x.dtype != w.dtype
            or (x.dtype == np.int8 and np.any(zw))
            or (sw.ndim and x.dtype == np.uint8)
            or 0 in x.shape
        ):
            raise NotImplementedError(
                "it takes one type, of int8 a weight without a zero point, scales for each kernel"
            )
        options = schema.Conv2DOptionsT()
        options.padding = getattr(schema.Padding, _padding(padding))
        options.strideH, options.strideW = stride
        options.dilationHFactor, options.dilationWFactor = dilation
        steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        shape = plan_convolution(x.shape, w.shape, None, **steps).output_shape
        image, kernels = (np.ascontiguousarray(array.transpose(0, 2, 3, 1)) for array in (x, w))
        added = np.zeros(len(w), np.int32) if bias is None else bias.astype(np.int32)
        output = np.zeros((shape[0], *shape[2:], shape[1]), x.dtype)
        own = [(image, 0, sx, zx), (kernels, 1, sw, zw), (added, 2, sx * sw, np.int64(0)), (output, 0, sy, zy)]
        tensors = [_tensor(name, *one) for name, one in zip("xwby", own, strict=True)]
        interpreter = tensorflow.lite.Interpreter(model_content=_model(tensors, [kernels, added], options))
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).transpose(0, 3, 1, 2)

    return tflite_convolution


TFLITE: Final = Framework({"conv2d_quantized": _load}, {"tensorflow": "tensorflow", "flatbuffers": "flatbuffers"})
