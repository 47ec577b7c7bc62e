"""Quantized convolution: a whole number q stands for the real number ``scale·(q − zero_point)``.

Because the sum of products of whole numbers is a whole number, there is one right answer to the last bit, and it is
computed here in integers and fractions alone.  Padding stands for 0, and so holds the zero point.
"""

from refconv.quantized.convolution import conv1d_integer, conv1d_quantized, conv2d_integer, conv2d_quantized

__all__ = ["conv1d_integer", "conv1d_quantized", "conv2d_integer", "conv2d_quantized"]
