"""refconv: the ground truth for convolution.

A pure-NumPy oracle that says whether a convolution is right to a proven bound, and where it is wrong.

>>> import numpy as np, refconv
>>> refconv.conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)))[0, 0]
array([[9., 9.],
       [9., 9.]])
"""

from importlib import import_module
from types import ModuleType

from refconv.conv import conv2d
from refconv.im2col import col2im, im2col
from refconv.sizes import effective_kernel_size, output_size, same_padding

__all__ = [
    "aspp",
    "col2im",
    "conv2d",
    "effective_kernel_size",
    "im2col",
    "nn",
    "output_size",
    "quantized",
    "same_padding",
    "testing",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Import these modules when they are first named: those who only convolve need not wait for them."""
    if name in ("aspp", "nn", "quantized", "testing"):
        return import_module(f"refconv.{name}")
    raise AttributeError(f"module 'refconv' has no attribute {name!r}")
