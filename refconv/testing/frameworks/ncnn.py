"""Ncnn: networks of one layer, written as its two files; float32, and an image at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.operations import LINEAR, Operation
from refconv.testing.frameworks.adapter import Framework, Target, native, padding_word, sides_of

# The numbers of a layer's parameters by axis: taps, dilation, stride, the two sides of padding, and output padding.
_NUMBERS: Final = {"W": (1, 2, 3, 4, 15, 18), "H": (11, 12, 13, 14, 16, 19), "Z": (21, 22, 23, 24, 17, 20)}
_SIZES: Final = {1: (20,), 2: (20, 21), 3: (25, 26, 27)}  # of what comes out, the width first: SAME crops to that alone
_WORDS: Final = {"same_upper": "-233", "same_lower": "-234"}


def _parameters(taps: Sequence[int], steps: dict[str, Any]) -> dict[int, Any]:
    """Return the parameters of a layer by ncnn's numbers for them."""
    rank, padding = len(taps), steps["padding"]
    word = padding_word(padding, _WORDS) if isinstance(padding, str) else None
    sides = [(word, word)] * rank if word else sides_of(padding)
    more = steps.get("output_padding", [0] * rank)
    values = zip(taps, steps["dilation"], steps["stride"], *zip(*sides, strict=True), more, strict=True)
    return {
        n: value
        for axis, of in zip("ZHW"[-rank:], values, strict=True)
        for n, value in zip(_NUMBERS[axis], of, strict=True)
    }


def _extracted(net: Any, image: Array) -> Array:
    """Return a network's output, with nothing left alive that its memory is needed for."""
    extractor = net.create_extractor()
    extractor.input("x", import_module("ncnn").Mat(image).clone())  # whose channels start at multiples of 16 bytes
    status, output = extractor.extract("y")
    if status:
        raise RuntimeError(f"its extractor returns {status}")
    return np.array(output)


def _load(operation: Operation) -> Target:
    ncnn, rank = import_module("ncnn"), operation.space.rank

    def network(folder: str, weight: Array, bias: Array | None, steps: dict[str, Any], sizes: list[int]) -> Any:
        groups = steps["groups"]
        kernels = weight.reshape(groups, -1, *weight.shape[1:])
        if operation.is_transposed:  # its weight has the outputs of a group first, too
            kernels = kernels.swapaxes(1, 2)
        given = {0: groups * kernels.shape[1], 5: int(bias is not None), 6: weight.size} | _parameters(
            weight.shape[2:], steps
        )
        given |= {7: groups} if groups > 1 else {}
        if operation.is_transposed and str(steps["padding"]).startswith("same"):
            given |= zip(_SIZES[rank], reversed(sizes), strict=True)
        kind = f"{'Deconvolution' if operation.is_transposed else 'Convolution'}{'DepthWise' if groups > 1 else ''}"
        layer = (
            f"{kind}{ {1: '1D', 2: '', 3: '3D'}[rank] } layer 1 1 x y {' '.join(f'{n}={v}' for n, v in given.items())}"
        )
        structure, values = Path(folder, "net.param"), Path(folder, "net.bin")
        structure.write_text(f"7767517\n2 2\nInput x 0 1 x\n{layer}\n", encoding="ascii")
        values.write_bytes(
            np.int32(0).tobytes() + kernels.tobytes() + (b"" if bias is None else native(bias).tobytes())
        )
        net = ncnn.Net()
        if net.load_param(str(structure)) or net.load_model(str(values)):
            raise RuntimeError(f"it does not load {layer}")
        return net

    def ncnn_convolution(image: Any, weight: Any, bias: Any, *steps: Any) -> Any:
        operands = [array for array in (image, weight, bias) if array is not None]
        if {array.dtype.name for array in operands} != {"float32"} or not all(array.size for array in operands):
            raise NotImplementedError("it takes float32 alone, and no empty arrays")
        image, weight = (np.ascontiguousarray(array, np.float32) for array in (image, weight))
        given = dict(zip(operation.parameters, steps, strict=False))
        sizes = [step * extent for step, extent in zip(given["stride"], image.shape[-rank:], strict=True)]
        with TemporaryDirectory() as folder:
            net = network(folder, weight, bias, given, sizes)
        output = np.stack([_extracted(net, one) for one in image.reshape(-1, *image.shape[-rank - 1 :])])
        return output.reshape(*image.shape[: -rank - 1], *output.shape[1:])

    return ncnn_convolution


NCNN: Final = Framework(
    {name: partial(_load, op) for name, op in LINEAR.items() if not op.is_gradient}, {"ncnn": "ncnn"}
)
