"""Others that read ONNX: OpenVINO, OpenCV's dnn module and tract, each given a model of a single node.

The weight and the bias are constants of the model, as where it is deployed: those are folded, repacked and fused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from refconv.numbers.dtypes import is_integral
from refconv.numbers.formats import Array
from refconv.testing.frameworks.adapter import Framework
from refconv.testing.frameworks.onnx import Run, operations_of


def _frozen(model: Any, arrays: dict[str, Array]) -> bytes:
    """Return the bytes of a model in which all but the first array is a constant, and the output has a rank."""
    constant, (_, *others) = import_module("onnx").numpy_helper.from_array, arrays.items()
    graph = model.graph
    graph.initializer.extend(constant(np.ascontiguousarray(array), name) for name, array in others)
    del graph.input[1:]
    for _ in arrays["x"].shape:
        graph.output[0].type.tensor_type.shape.dim.add()
    serialized: bytes = model.SerializeToString()
    return serialized


def _reader(load: Callable[[], Callable[[bytes, Array], Any]], types: set[str], lacking: str) -> Callable[[], Run]:
    """Return how to load what runs a model.

    `types` are the real ones that it computes in; `lacking` is a pattern for what it says of an operator that it lacks.
    """

    def load_reader() -> Run:
        import_module("onnx")  # the models are built with it: missing, it is to be named now
        run_bytes = load()

        def run(model: Any, arrays: dict[str, Array]) -> Any:
            image = arrays["x"]
            if not is_integral(image.dtype) and image.dtype.name not in types:
                raise NotImplementedError(f"it computes nothing in {image.dtype}")
            try:
                return run_bytes(_frozen(model, arrays), image)
            except Exception as error:  # each has exceptions of its own
                found = re.search(lacking, str(error))
                if found is None:
                    raise
                raise NotImplementedError(" ".join(found[0].split())) from error

        return run

    return load_reader


def _load_openvino() -> Callable[[bytes, Array], Any]:
    core = import_module("openvino").Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}  # without it, a processor that has bfloat16 computes in that
    return lambda model, image: core.compile_model(core.read_model(model), "CPU", exact)([image])[0]


def _load_opencv() -> Callable[[bytes, Array], Any]:
    dnn = import_module("cv2").dnn

    def run_bytes(model: bytes, image: Array) -> Any:
        network = dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        network.setInput(image)
        return network.forward()

    return run_bytes


def _load_tract() -> Callable[[bytes, Array], Any]:
    onnx = import_module("tract").onnx()

    def run_bytes(model: bytes, image: Array) -> Any:
        with TemporaryDirectory() as folder:  # it reads files alone
            path = Path(folder, "model.onnx")
            path.write_bytes(model)
            return onnx.load(path).into_model().into_runnable().run([np.ascontiguousarray(image)])[0].to_numpy()

    return run_bytes


_OPENVINO: Final = _reader(_load_openvino, {"float32", "float16", "float64"}, r"QLinearConv-\d+ with a message")
_OPENCV: Final = _reader(_load_opencv, {"float32"}, r"\[ConvInteger@[^\]]*\]:\S* parse error")
_TRACT: Final = _reader(_load_tract, {"float32", "float16", "float64"}, r"(?!)")

OPENVINO: Final = Framework(operations_of(_OPENVINO), {"openvino": "openvino", "onnx": "onnx"})
OPENCV: Final = Framework(operations_of(_OPENCV), {"cv2": "opencv-python-headless", "onnx": "onnx"})
TRACT: Final = Framework(operations_of(_TRACT), {"tract": "tract", "onnx": "onnx"})
