"""Ncnn: networks of one layer, written as its two files; float32, and an image at a time."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS, Operation
from refconv.testing.frameworks.adapter import Framework, Target, padding_word, sides_of

_TENS: Final = {"W": 0, "H": 10, "Z": 20}  # by axis: a width's stride is parameter 3, a height's 13, a depth's 23
_BEFORE: Final = {"W": 4, "H": 14, "Z": 24}
_AFTER: Final = {"W": 15, "H": 16, "Z": 17}
_MORE: Final = {"W": 18, "H": 19, "Z": 20}
_WORDS: Final = {"same_upper": "-233", "same_lower": "-234"}


def _numbers(axes: str, weight: Array, steps: dict[str, Any]) -> dict[int, Any]:
    """Return the parameters of a layer by ncnn's numbers for them."""
    found = {6: weight.size}
    for first, values in {1: weight.shape[2:], 2: steps["dilation"], 3: steps["stride"]}.items():
        found |= {first + _TENS[axis]: value for axis, value in zip(axes, values, strict=True)}
    padding = steps["padding"]
    if isinstance(padding, str):
        return found | {4: padding_word(padding, _WORDS)}
    for axis, (before, after) in zip(axes, sides_of(padding), strict=True):
        found |= {_BEFORE[axis]: before, _AFTER[axis]: after}
    return found | {_MORE[axis]: more for axis, more in zip(axes, steps.get("output_padding", ()), strict=False)}


def _load(operation: Operation) -> Target:
    ncnn, rank = import_module("ncnn"), operation.space.rank
    axes = "ZHW"[-rank:]

    def network(folder: str, weight: Array, bias: Array | None, steps: dict[str, Any]) -> Any:
        groups = steps["groups"]
        kind = f"{'Deconvolution' if operation.is_transposed else 'Convolution'}{'DepthWise' if groups > 1 else ''}"
        numbers = _numbers(axes, weight, steps) | {5: int(bias is not None)} | ({7: groups} if groups > 1 else {})
        kernels = weight.reshape(groups, -1, *weight.shape[1:])
        if operation.is_transposed:  # its weight has the outputs of a group first, too
            kernels = kernels.swapaxes(1, 2)
        numbers[0] = groups * kernels.shape[1]
        words = " ".join(f"{key}={value}" for key, value in numbers.items())
        layer = f"{kind}{ {1: '1D', 2: '', 3: '3D'}[rank]} layer 1 1 x y {words}"
        structure, values = Path(folder, "net.param"), Path(folder, "net.bin")
        structure.write_text(f"7767517\n2 2\nInput x 0 1 x\n{layer}\n", encoding="ascii")
        values.write_bytes(np.int32(0).tobytes() + kernels.tobytes() + (b"" if bias is None else bias.tobytes()))
        net = ncnn.Net()
        if net.load_param(str(structure)) or net.load_model(str(values)):
            raise RuntimeError(f"it does not load {layer}")
        return net

    def ncnn_convolution(image: Any, weight: Any, bias: Any, *steps: Any) -> Any:
        if {image.dtype.name, weight.dtype.name} != {"float32"} or not (image.size and weight.size):
            raise NotImplementedError("it takes float32 alone, and no empty arrays")
        given = dict(zip(operation.parameters, steps, strict=False))
        image, weight = (np.ascontiguousarray(array, np.float32) for array in (image, weight))
        outputs = []
        with TemporaryDirectory() as folder:
            net = network(folder, weight, None if bias is None else np.ascontiguousarray(bias, np.float32), given)
            for one in image.reshape(-1, *image.shape[-rank - 1 :]):
                extractor = net.create_extractor()
                extractor.input("x", ncnn.Mat(one))
                status, output = extractor.extract("y")
                if status:
                    raise RuntimeError(f"its extractor returns {status}")
                outputs.append(np.array(output))
        return np.stack(outputs).reshape(*image.shape[: -rank - 1], *outputs[0].shape)

    return ncnn_convolution


NCNN: Final = Framework(
    {n: partial(_load, o) for n, o in OPERATIONS.items() if not (o.arithmetic or o.is_gradient)}, {"ncnn": "ncnn"}
)
