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

RunBytes = Callable[[bytes, Array], Any]


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


def _openvino() -> RunBytes:
    core = import_module("openvino").Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}  # without it, a processor that has bfloat16 computes in that
    return lambda model, image: core.compile_model(core.read_model(model), "CPU", exact)([image])[0]


def _opencv() -> RunBytes:
    dnn = import_module("cv2").dnn

    def run_bytes(model: bytes, image: Array) -> Any:
        network = dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        network.setInput(image)
        return network.forward()

    return run_bytes


def _tract() -> RunBytes:
    onnx = import_module("tract").onnx()

    def run_bytes(model: bytes, image: Array) -> Any:
        with TemporaryDirectory() as folder:  # it reads files alone
            path = Path(folder, "model.onnx")
            path.write_bytes(model)
            return onnx.load(path).into_model().into_runnable().run([np.ascontiguousarray(image)])[0].to_numpy()

    return run_bytes


def _framework(load: Callable[[], RunBytes], packages: dict[str, str], types: set[str], lacking: str) -> Framework:
    """Return what reads ONNX and computes in these real types; `lacking` is what it says of an operator not there."""

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
                raise NotImplementedError(f"it has no {found[1]}") from error

        return run

    return Framework(operations_of(load_reader), packages | {"onnx": "onnx"})


_FLOATS: Final = {"float16", "float32", "float64"}
OPENVINO: Final = _framework(_openvino, {"openvino": "openvino"}, _FLOATS, r"(QLinearConv)-\d+ with a message")
OPENCV: Final = _framework(_opencv, {"cv2": "opencv-python-headless"}, {"float32"}, r"\[(ConvInteger)@.*parse error")
TRACT: Final = _framework(_tract, {"tract": "tract"}, _FLOATS, r"(?!)")
