"""SciPy correlates one image with one kernel, along any axes; groups, dilation and stride are put around that here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np

from refconv.geometry.axis import AxisGeometry
from refconv.geometry.build import plan_convolution
from refconv.numbers.dtypes import as_operands
from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS, Operation
from refconv.testing.frameworks.adapter import Framework, Target


def _load(operation: Operation) -> Target:
    """Correlate by ``method="direct"``, because the error of an FFT is not within the bound of a sum."""
    space = operation.space
    correlate = partial(import_module("scipy.signal").correlate, mode="valid", method="direct")

    def scipy_convolution(
        image: Array, kernel: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any, groups: Any
    ) -> Any:
        if padding in ("same", "same_upper", "same_lower"):
            raise NotImplementedError(f"it has no padding={padding!r}")
        if image.dtype.itemsize < 4 and image.dtype.kind not in "iu":
            raise NotImplementedError(f"it does not correlate {image.dtype}")
        try:
            operands = as_operands(input=image, weight=kernel, bias=bias).values()
            steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            axes = plan_convolution(*(operand.shape for operand in operands), space=space, **steps).axes
        except (TypeError, ValueError) as error:
            raise NotImplementedError("it has no convolution whose arguments it could refuse") from error
        if not (image.size and kernel.size):
            raise NotImplementedError("it takes no empty arrays")
        images = _padded(image.reshape(-1, *image.shape[-space.rank - 1 :]), axes)
        taps = _dilated(kernel, axes).conj()  # it conjugates the second again
        grouped = images.reshape(len(images), groups, kernel.shape[1], *images.shape[2:])
        shape = len(images), len(kernel), *(axis.output_size for axis in axes)
        output = np.empty(shape, image.dtype.newbyteorder("="))
        for n, o in np.ndindex(*shape[:2]):
            dense = correlate(grouped[n, o // (len(kernel) // groups)], taps[o])[0]
            output[n, o] = dense[_every(stride)] + (0 if bias is None else bias[o])
        return output.reshape(*image.shape[: -space.rank - 1], *shape[1:])

    return scipy_convolution


def _padded(images: Array, axes: Sequence[AxisGeometry]) -> Array:
    return np.pad(images, ((0, 0), (0, 0), *(axis.padding for axis in axes)))


def _dilated(kernel: Array, axes: Sequence[AxisGeometry]) -> Array:
    dilated = np.zeros((*kernel.shape[:2], *(axis.effective_kernel_size for axis in axes)), kernel.dtype)
    dilated[:, :, *_every([axis.dilation for axis in axes])] = kernel
    return dilated


def _every(steps: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(None, None, step) for step in steps)


SCIPY: Final = Framework(
    {name: partial(_load, OPERATIONS[name]) for name in ("conv2d", "conv1d", "conv3d")}, {"scipy": "scipy"}
)
