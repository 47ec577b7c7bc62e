"""The convolutions of other projects, each behind the positional signature of refconv's own function of that name.

An adapter hands everything to the framework and decides nothing itself: a memory layout is kept where the framework can
take it, a SAME string goes to the framework under its own name for it, so that *its* rule is judged, and what it has no
word for (a padding that differs by side, another's SAME) is NotImplementedError.  Where a framework has no function
for an operation, but differentiates, the operation is what it makes of the derivative: that rule is judged then.  SciPy
is the exception: it correlates, and knows no stride, dilation or groups, so that with it only the arithmetic is judged.
"""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Final

from refconv.operations import OPERATIONS
from refconv.testing.frameworks.adapter import Framework, Target
from refconv.testing.frameworks.jax import JAX
from refconv.testing.frameworks.mlx import MLX
from refconv.testing.frameworks.ncnn import NCNN
from refconv.testing.frameworks.onnx import ONNX, ONNXRUNTIME
from refconv.testing.frameworks.onnx_readers import OPENCV, OPENVINO, TRACT
from refconv.testing.frameworks.paddle import PADDLE
from refconv.testing.frameworks.scipy import SCIPY
from refconv.testing.frameworks.tensorflow import TENSORFLOW
from refconv.testing.frameworks.tflite import TFLITE
from refconv.testing.frameworks.tinygrad import TINYGRAD
from refconv.testing.frameworks.torch import TORCH

__all__ = ["FRAMEWORKS", "Framework", "Target"]

REFCONV: Final = Framework({op: partial(attrgetter("function"), operation) for op, operation in OPERATIONS.items()}, {})
FRAMEWORKS: Final[dict[str, Framework]] = {
    "refconv": REFCONV,
    "scipy": SCIPY,
    "torch": TORCH,
    "jax": JAX,
    "onnxruntime": ONNXRUNTIME,
    "onnx": ONNX,
    "tensorflow": TENSORFLOW,
    "tflite": TFLITE,
    "openvino": OPENVINO,
    "opencv": OPENCV,
    "tract": TRACT,
    "paddle": PADDLE,
    "mlx": MLX,
    "tinygrad": TINYGRAD,
    "ncnn": NCNN,
}
