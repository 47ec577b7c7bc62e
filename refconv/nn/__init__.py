"""The few layers that ASPP needs beside convolution: batch norm at inference, ReLU, average pooling, resizing.

Each is a formula of a line or two, in the types of `conv2d`: floats are computed in float64 or wider and rounded once.
"""

from refconv.nn.pointwise import batch_norm, relu
from refconv.nn.resampling import adaptive_avg_pool2d, global_avg_pool2d, interpolate

__all__ = ["adaptive_avg_pool2d", "batch_norm", "global_avg_pool2d", "interpolate", "relu"]
