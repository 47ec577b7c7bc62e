"""refconv: the ground truth for convolution.

A pure-NumPy oracle that says whether a convolution is right to a proven bound, and where it is wrong.

>>> import numpy as np, refconv
>>> refconv.conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)))[0, 0]
array([[9., 9.],
       [9., 9.]])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from refconv.columns import col2im, im2col
from refconv.conv import conv1d, conv2d, conv3d
from refconv.sizes import effective_kernel_size, output_size, same_padding

if TYPE_CHECKING:
    from refconv import analysis, aspp, dilation, grad, matrix, nn, plots, quantized, testing
    from refconv.bounds.error_bound import error_bound, error_bound_of
    from refconv.transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d

# fmt: off
__all__ = [
    "analysis", "aspp", "col2im", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "dilation", "effective_kernel_size", "error_bound", "error_bound_of", "grad", "im2col",
    "matrix", "nn", "output_size", "plots", "quantized", "same_padding", "testing",
]
# fmt: on
__version__ = "0.2.0"

# Where to find what is imported when it is first named: those who only convolve need not wait for it.
_FUNCTIONS = {
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), "transpose"),
    **dict.fromkeys(("error_bound", "error_bound_of"), "bounds.error_bound"),
}
_MODULES = ("analysis", "aspp", "dilation", "grad", "matrix", "nn", "plots", "quantized", "testing")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"refconv.{name}")
    if name in _FUNCTIONS:
        return getattr(import_module(f"refconv.{_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module 'refconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
