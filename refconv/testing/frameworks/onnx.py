"""ONNX: models of a single node, run by onnxruntime or by ONNX's own reference evaluator.  It has no gradients."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.numbers.dtypes import is_integral
from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS
from refconv.testing.frameworks.adapter import Framework, Target, native, padding_word, refuse_unbatched, sides_of

_INTEGERS: Final = {"int8", "uint8"}  # what ConvInteger takes
Run = Callable[[Any, dict[str, Array]], Any]


def _model(operator: str, arrays: Mapping[str, Array], attributes: Mapping[str, Any]) -> Any:
    """Return an ONNX model of a single node; the arrays tell the types and shapes."""
    onnx = import_module("onnx")
    kinds = {name: onnx.helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in arrays.items()}
    inputs = [onnx.helper.make_tensor_value_info(name, kinds[name], array.shape) for name, array in arrays.items()]
    result = onnx.TensorProto.INT32 if operator == "ConvInteger" else kinds["x"]
    output = onnx.helper.make_tensor_value_info("y", result, None)
    node = onnx.helper.make_node(operator, list(arrays), ["y"], **attributes)
    graph = onnx.helper.make_graph([node], operator, inputs, [output])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=10)


def _arrays(image: Array, kernel: Array, bias: Array | None) -> dict[str, Array]:
    refuse_unbatched(image.shape, kernel.ndim - 2)
    if image.dtype.kind == "c":
        raise NotImplementedError("its operators take no complex numbers")
    arrays = {"x": native(image), "w": native(kernel)} | ({} if bias is None else {"b": native(bias)})
    types = {array.dtype.name for array in arrays.values()}
    if len(types) > 1 and not types <= _INTEGERS:
        raise NotImplementedError("its operators take operands of one type")
    return arrays


def _pads(padding: Any) -> list[int]:
    before, after = zip(*sides_of(padding), strict=True)
    return [*before, *after]


def _convolution(run: Run) -> Target:
    """Return a convolution of any rank that builds an ONNX model for each call and has it run."""

    def onnx_convolution(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        arrays = _arrays(image, kernel, bias)
        attributes = _attributes(stride, padding, dilation, groups)
        operator = "ConvInteger" if is_integral(image.dtype) else "Conv"
        if operator == "ConvInteger" and (bias is not None or image.dtype.name not in _INTEGERS):
            raise NotImplementedError("its ConvInteger takes 8 bits, and no bias")
        return run(_model(operator, arrays, attributes), arrays)

    return onnx_convolution


def _attributes(stride: Any, padding: Any, dilation: Any, groups: Any) -> dict[str, Any]:
    """Return a convolution's parameters in ONNX's words."""
    words = {"valid": "VALID", "same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER"}
    attributes = {"strides": stride, "dilations": dilation, "group": groups}
    if isinstance(padding, str):
        return {**attributes, "auto_pad": padding_word(padding, words)}
    return {**attributes, "pads": _pads(padding)}


def _integer(run: Run) -> Target:
    """Return ConvInteger, whose operands are in refconv's order."""

    def onnx_integer(x: Array, w: Array, x_zero: Array, w_zero: Array, *steps: Any) -> Any:
        refuse_unbatched(x.shape, w.ndim - 2)
        arrays = {"x": native(x), "w": native(w), "x_zero_point": x_zero, "w_zero_point": w_zero}
        return run(_model("ConvInteger", arrays, _attributes(*steps)), arrays)

    return onnx_integer


def _quantized(run: Run) -> Target:
    """Return QLinearConv, whose operands are in refconv's order."""
    names = ("x", "x_scale", "x_zero_point", "w", "w_scale", "w_zero_point", "y_scale", "y_zero_point", "b")

    def onnx_quantized(*arguments: Any) -> Any:
        operands, steps = arguments[:9], arguments[9:]
        refuse_unbatched(operands[0].shape, operands[3].ndim - 2)
        arrays = {name: native(array) for name, array in zip(names, operands, strict=True) if array is not None}
        if arrays["w_scale"].ndim and not arrays["w_zero_point"].ndim:  # one for each, or one for all, of both
            arrays["w_zero_point"] = np.broadcast_to(arrays["w_zero_point"], arrays["w_scale"].shape).copy()
        return run(_model("QLinearConv", arrays, _attributes(*steps)), arrays)

    return onnx_quantized


def _transposed_convolution(run: Run) -> Target:
    """Return a transposed convolution of any rank that builds an ONNX model for each call and has it run."""
    words = {"valid": "VALID", "same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER"}

    def onnx_conv_transpose(
        image: Array,
        kernel: Array,
        bias: Array | None,
        stride: Any,
        padding: Any,
        output_padding: Any,
        groups: Any,
        dilation: Any,
        output_size: Any = None,
    ) -> Any:
        arrays = _arrays(image, kernel, bias)
        if is_integral(image.dtype):
            raise NotImplementedError("its ConvTranspose takes no integers")
        attributes = {"strides": stride, "output_padding": output_padding, "group": groups, "dilations": dilation}
        if isinstance(padding, str):
            attributes["auto_pad"] = padding_word(padding, words)
        else:
            attributes["pads"] = _pads(padding)
        if output_size is not None:
            if not isinstance(padding, str):
                raise NotImplementedError("its output_shape takes the place of pads")
            attributes["output_shape"] = output_size
        return run(_model("ConvTranspose", arrays, attributes), arrays)

    return onnx_conv_transpose


def _load_onnxruntime() -> Run:
    runtime = import_module("onnxruntime")
    import_module("onnx")  # the models are built with it: missing, it is to be named now
    refusals = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    lacking = (
        "not supported",
        "too large for stride",
        "IsScalarOr1ElementVector",
    )  # said of what is valid, but not implemented

    def run(model: Any, arrays: dict[str, Array]) -> Any:
        try:
            session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            return session.run(None, arrays)[0]
        except (refusals.NotImplemented, refusals.InvalidArgument, refusals.Fail) as error:
            is_invalid = not isinstance(error, refusals.NotImplemented)
            if is_invalid and not any(words in str(error) for words in lacking):
                raise
            reason = re.split(r"Status Message: | : ", str(error))[-1]  # what goes before it names a nameless node
            raise NotImplementedError(reason) from error

    return run


def _load_reference() -> Run:
    evaluator = import_module("onnx.reference").ReferenceEvaluator
    return lambda model, arrays: evaluator(model).run(None, arrays)[0]


def operations_of(load: Callable[[], Run]) -> dict[str, Callable[[], Target]]:
    """Return the operations of what runs a model: its nodes tell the rank from the shapes."""
    forward = (operation for operation in OPERATIONS.values() if not operation.is_gradient)
    kinds = {"": _convolution, "integer": _integer, "quantized": _quantized}
    builds = {o.name: _transposed_convolution if o.is_transposed else kinds[o.arithmetic] for o in forward}
    return {name: lambda build=build: build(load()) for name, build in builds.items()}  # type: ignore[misc]


ONNXRUNTIME: Final = Framework(operations_of(_load_onnxruntime), {"onnxruntime": "onnxruntime", "onnx": "onnx"})
ONNX: Final = Framework(operations_of(_load_reference), {"onnx": "onnx"})
