"""The convolutions of other projects, each behind conv2d's positional signature.

An adapter hands everything to the framework and decides nothing itself: a memory layout is kept where the framework can
take it, a SAME string goes to the framework under its own name for it, so that *its* rule is judged, and what it has no
word for (a padding that differs by side, another's SAME) is NotImplementedError.  SciPy is the exception: it
correlates, and knows no stride, dilation or groups, so that with it only the arithmetic is judged.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.arguments import PADDING_STRINGS
from refconv.conv import conv2d
from refconv.dtypes import is_integral
from refconv.formats import Array, is_ml_dtype
from refconv.geometry import ConvGeometry

Conv2d = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Framework:
    """How to load a framework's convolution, and what to install for it: ``{module: distribution}``."""

    load: Callable[[], Conv2d]
    packages: Mapping[str, str]


def _native(array: Array) -> Array:
    """Return the array in this machine's byte order; its layout stays."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _padding_word(padding: str, words: Mapping[str, str]) -> str:
    """Return a framework's own word for a padding string; one that refconv does not know goes through as it is."""
    if padding in PADDING_STRINGS and padding not in words:
        raise NotImplementedError(f"it has no padding={padding!r}")
    return words.get(padding, padding)


def _sides(padding: Any) -> list[tuple[Any, Any]]:
    """Return ``(1, 0)`` as ``[(1, 1), (0, 0)]``, and pairs of sides as they are."""
    return [side if isinstance(side, tuple) else (side, side) for side in padding]


def _refuse_unbatched(image: Array) -> None:
    if image.ndim == 3:
        raise NotImplementedError("it takes no input without a batch axis")


def _load_scipy() -> Conv2d:
    """SciPy correlates one image with one kernel; groups, dilation and stride are put around that here.

    ``method="direct"``, because the error of an FFT is not within the bound of a sum.
    """
    correlate = import_module("scipy.signal").correlate

    def scipy_conv2d(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        if padding in ("same", "same_upper", "same_lower"):
            raise NotImplementedError(f"it has no padding={padding!r}")
        if image.dtype.itemsize < 4 and image.dtype.kind not in "iu":
            raise NotImplementedError(f"it does not correlate {image.dtype}")
        try:
            plan = ConvGeometry.from_shapes(
                image.shape,
                kernel.shape,
                None if bias is None else bias.shape,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
            )
        except (TypeError, ValueError) as error:
            raise NotImplementedError("it has no conv2d whose arguments it could refuse") from error
        if not (image.size and kernel.size):
            raise NotImplementedError("it takes no empty arrays")
        images = np.pad(image.reshape(plan.batch, *image.shape[-3:]), ((0, 0), (0, 0), *plan.padding))
        reach = plan.height.effective_kernel_size, plan.width.effective_kernel_size
        dilated = np.zeros((*kernel.shape[:2], *reach), kernel.dtype)
        dilated[:, :, :: dilation[0], :: dilation[1]] = kernel
        output = np.empty(plan.output_shape, image.dtype.newbyteorder("="))
        for n, o in np.ndindex(*output.shape[:2]):
            first = plan.input_channel(o, 0)
            channels = images[n, first : first + plan.group_in_channels]
            dense = correlate(channels, dilated[o].conj(), mode="valid", method="direct")[0]  # it conjugates the second
            output[n, o] = dense[:: stride[0], :: stride[1]] + (0 if bias is None else bias[o])
        return output if plan.batched else output[0]

    return scipy_conv2d


def _load_torch() -> Conv2d:
    torch = import_module("torch")

    def tensor(array: Array) -> Any:
        if is_ml_dtype(array.dtype):  # which torch knows by the same names, and NumPy's bits by these
            bits = torch.from_numpy(np.array(array).view({1: np.uint8, 2: np.int16}[array.itemsize]))
            return bits.view(getattr(torch, array.dtype.name))
        can_share = array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
        return torch.from_numpy(array if can_share else np.array(_native(array)))

    def torch_conv2d(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        if isinstance(padding, str):
            padding = _padding_word(padding, {"valid": "valid", "same": "same"})
        elif any(isinstance(side, tuple) for side in padding):
            raise NotImplementedError("it pads both sides of an axis alike")
        tensors = tensor(image), tensor(kernel), None if bias is None else tensor(bias)
        try:
            return torch.nn.functional.conv2d(*tensors, stride, padding, dilation, groups)
        except RuntimeError as error:
            if "not implemented for" not in str(error):
                raise
            raise NotImplementedError(str(error)) from error

    return torch_conv2d


def _load_jax() -> Conv2d:
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003  # without it, float64 becomes float32
    words = {"valid": "VALID", "same_upper": "SAME", "same_lower": "SAME_LOWER"}
    # What its documentation has one name for sums in a wider type: the bias is then added before the one rounding.
    sums = {"float16": np.float32, "bfloat16": np.float32, "int8": np.int32, "uint8": np.int32}

    def jax_conv2d(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        _refuse_unbatched(image)
        output = jax.lax.conv_general_dilated(
            _native(image),
            _native(kernel),
            preferred_element_type=sums.get(image.dtype.name),
            window_strides=stride,
            padding=_padding_word(padding, words) if isinstance(padding, str) else _sides(padding),
            rhs_dilation=dilation,
            dimension_numbers=("NCHW", "OIHW", "NCHW"),
            feature_group_count=groups,
        )
        output = output if bias is None else output + _native(bias)[:, None, None]
        return output.astype(image.dtype.newbyteorder("=")) if output.dtype == np.float32 else output

    return jax_conv2d


def _load_tensorflow() -> Conv2d:
    """TensorFlow wants channels last, and takes the number of groups from the shapes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = import_module("tensorflow")
    words = {"valid": "VALID", "same_upper": "SAME"}

    def tensorflow_conv2d(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        _refuse_unbatched(image)
        if groups * kernel.shape[1] != image.shape[-3]:
            raise NotImplementedError("it takes the number of groups from the shapes")
        sides = _padding_word(padding, words) if isinstance(padding, str) else [(0, 0), *_sides(padding), (0, 0)]
        operands = np.moveaxis(_native(image), -3, -1), np.transpose(_native(kernel), (2, 3, 1, 0))
        try:
            output = tensorflow.nn.conv2d(*operands, strides=stride, padding=sides, dilations=dilation)
        except Exception as error:
            if "is not in the list of allowed values" not in str(error):
                raise
            raise NotImplementedError(f"it does not convolve {image.dtype}") from error
        output = output if bias is None else tensorflow.nn.bias_add(output, _native(bias))
        return np.moveaxis(output.numpy(), -1, -3)

    return tensorflow_conv2d


def _onnx_model(arrays: Mapping[str, Array], attributes: Mapping[str, Any]) -> Any:
    """Return an ONNX model of a single Conv node, ConvInteger for integers; the arrays tell the types and shapes."""
    onnx = import_module("onnx")
    operator = "ConvInteger" if is_integral(arrays["x"].dtype) else "Conv"
    if arrays["x"].dtype.kind == "c":
        raise NotImplementedError("its operators take no complex numbers")
    if operator == "ConvInteger" and "b" in arrays:
        raise NotImplementedError("its ConvInteger takes no bias")
    kind = onnx.helper.np_dtype_to_tensor_dtype(arrays["x"].dtype)
    inputs = [onnx.helper.make_tensor_value_info(name, kind, array.shape) for name, array in arrays.items()]
    result = onnx.TensorProto.INT32 if operator == "ConvInteger" else kind
    output = onnx.helper.make_tensor_value_info("y", result, None)
    node = onnx.helper.make_node(operator, list(arrays), ["y"], **attributes)
    graph = onnx.helper.make_graph([node], "conv2d", inputs, [output])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=10)


def _onnx_conv2d(run: Callable[[Any, dict[str, Array]], Any]) -> Conv2d:
    """Return a conv2d that builds an ONNX model for each call and has it run."""
    words = {"valid": "VALID", "same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER"}

    def onnx_conv2d(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        _refuse_unbatched(image)
        attributes = {"strides": stride, "dilations": dilation, "group": groups}
        if isinstance(padding, str):
            attributes["auto_pad"] = _padding_word(padding, words)
        else:
            before, after = zip(*_sides(padding), strict=True)
            attributes["pads"] = [*before, *after]
        arrays = {"x": _native(image), "w": _native(kernel)} | ({} if bias is None else {"b": _native(bias)})
        return run(_onnx_model(arrays, attributes), arrays)

    return onnx_conv2d


def _load_onnxruntime() -> Conv2d:
    runtime = import_module("onnxruntime")
    import_module("onnx")  # the models are built with it: missing, it is to be named now
    refusals = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    options = runtime.SessionOptions()
    options.log_severity_level = 4

    def run(model: Any, arrays: dict[str, Array]) -> Any:
        try:
            session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            return session.run(None, arrays)[0]
        except (refusals.NotImplemented, refusals.InvalidArgument) as error:
            if isinstance(error, refusals.InvalidArgument) and "not supported" not in str(error):
                raise
            reason = re.split(r"Status Message: | : ", str(error))[-1]  # what goes before it names a nameless node
            raise NotImplementedError(reason) from error

    return _onnx_conv2d(run)


def _load_onnx() -> Conv2d:
    evaluator = import_module("onnx.reference").ReferenceEvaluator
    return _onnx_conv2d(lambda model, arrays: evaluator(model).run(None, arrays)[0])


FRAMEWORKS: Final[dict[str, Framework]] = {
    "refconv": Framework(lambda: conv2d, {}),
    "scipy": Framework(_load_scipy, {"scipy": "scipy"}),
    "torch": Framework(_load_torch, {"torch": "torch"}),
    "jax": Framework(_load_jax, {"jax": "jax"}),
    "onnxruntime": Framework(_load_onnxruntime, {"onnxruntime": "onnxruntime", "onnx": "onnx"}),
    "onnx": Framework(_load_onnx, {"onnx": "onnx"}),
    "tensorflow": Framework(_load_tensorflow, {"tensorflow": "tensorflow"}),
}
