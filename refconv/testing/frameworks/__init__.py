"""The convolutions of other projects, each behind the positional signature of refconv's own function of that name.

An adapter hands everything to the framework and decides nothing itself: a memory layout is kept where the framework can
take it, a SAME string goes to the framework under its own name for it, so that *its* rule is judged, and what it has no
word for (a padding that differs by side, another's SAME) is NotImplementedError.  Where a framework has no function
for an operation, but differentiates, the operation is what it makes of the derivative: that rule is judged then.  SciPy
is the exception: it correlates, and knows no stride, dilation or groups, so that with it only the arithmetic is judged.
"""

from __future__ import annotations

from typing import Final

from refconv.conv import conv2d
from refconv.conv_nd import conv1d, conv3d
from refconv.grad import conv2d_input, conv2d_weight
from refconv.testing.frameworks.adapter import Framework, Operation
from refconv.testing.frameworks.jax import JAX
from refconv.testing.frameworks.onnx import ONNX, ONNXRUNTIME
from refconv.testing.frameworks.scipy import SCIPY
from refconv.testing.frameworks.tensorflow import TENSORFLOW
from refconv.testing.frameworks.torch import TORCH
from refconv.transpose import conv_transpose2d

__all__ = ["FRAMEWORKS", "OPERATIONS", "Framework", "Operation"]

REFCONV: Final = Framework(
    operations={
        "conv2d": lambda: conv2d,
        "conv1d": lambda: conv1d,
        "conv3d": lambda: conv3d,
        "conv_transpose2d": lambda: conv_transpose2d,
        "conv2d_input": lambda: conv2d_input,
        "conv2d_weight": lambda: conv2d_weight,
    },
    packages={},
)
OPERATIONS: Final = tuple(REFCONV.operations)
FRAMEWORKS: Final[dict[str, Framework]] = {
    "refconv": REFCONV,
    "scipy": SCIPY,
    "torch": TORCH,
    "jax": JAX,
    "onnxruntime": ONNXRUNTIME,
    "onnx": ONNX,
    "tensorflow": TENSORFLOW,
}
