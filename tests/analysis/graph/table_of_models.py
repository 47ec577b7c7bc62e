"""Say what is said at first of real networks: ``python tests/analysis/graph/table_of_models.py FOLDER [NAME ...]``.

Of every ONNX file below the folder, of onnx's own light models, of networks of torchvision and timm and a few others, exported
to ONNX by both of PyTorch's exporters and read from Python, and of Keras's, which tf2onnx converts: the table of
docs/receptive-fields.md.  Processor seconds include reading the file.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from networks import DETECTORS, OWN, classifier, detector, image_for, makers, own, segmenter, timm

from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.network_graph import Graph, from_onnx
from refconv.analysis.graph.torch_program import from_torch
from refconv.commands.network_report import NetworkReport, Row, rows_of

CLASSIFIERS = (
    "mobilenet_v2", "densenet121", "efficientnet_b0", "shufflenet_v2_x1_0", "regnet_y_400mf", "convnext_tiny", "swin_t",
)  # fmt: skip
SEGMENTERS = ("fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large")
TIMM = ("ghostnet_100", "hrnet_w18_small", "mobilevit_xxs", "convnextv2_atto")
SIDES = {"ssd300_vgg16": 300}  # of the image, where it is not 224
KERAS = ("MobileNetV2", "EfficientNetB0")


def said(graph: Graph) -> str:
    """Return in a cell what the command says of the first output, and of the last tensor before it that has a plane."""
    report = NetworkReport("", graph, rows_of(graph, graph.outputs), graph.outputs, None, has_size=False)
    output, subject = graph.tensors[graph.outputs[0]], graph.tensors[report.subject]
    row = Row.of(graph, subject)
    local = f"{row.number('size')}, stride {row.number('stride')}"
    if isinstance(output.view, Ended):
        return f"{local}, at the last tensor before {output.view.title}: {output.view.reason}"
    whole = [field.whole for field in graph.field(output.name) if field.whole is not None]
    return local + (f"; and all of the image, through {min(whole).title}" if whole else "")


def told(name: str, read: Callable[[], Graph]) -> bool:
    """Print a row of the table."""
    start = time.process_time()
    try:
        cell = said(read())
    except Exception as error:  # noqa: BLE001  # which is what the table would say
        cell = f"ERROR {type(error).__name__}: {str(error)[:120]}"
    print(f"| {name} | {cell} | {time.process_time() - start:.1f} |", flush=True)
    return not cell.startswith("ERROR")


def image_of(name: str) -> Any:
    side = SIDES.get(name, 224)
    return image_for(name, side, side)


def traced(make: Callable[[], Any], name: str) -> Graph:
    return from_torch(make().eval(), image_of(name))


def exported(make: Callable[[], Any], name: str, *, dynamo: bool) -> Graph:
    torch, image = importlib.import_module("torch"), image_of(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(make().eval(), (image,), str(path), dynamo=dynamo, **({"verbose": False} if dynamo else {}))
        return from_onnx(path)


def networks() -> Iterator[tuple[str, Callable[[], Graph]]]:
    every = {f"torchvision {name}": (name, make) for name, make in makers(classifier, CLASSIFIERS).items()}
    every |= {f"torchvision {name}": (name, make) for name, make in makers(segmenter, SEGMENTERS).items()}
    every |= {f"torchvision {name}'s backbone": (name, make) for name, make in makers(detector, DETECTORS).items()}
    every |= {f"timm {name}": (name, make) for name, make in makers(timm, TIMM).items()}
    every |= {name: (name, make) for name, make in makers(own, OWN).items()}
    for title, (name, make) in every.items():
        yield f"{title}, from Python", partial(traced, make, name)
        yield f"{title}, torch.onnx", partial(exported, make, name, dynamo=True)
        yield f"{title}, TorchScript's export", partial(exported, make, name, dynamo=False)


def from_keras() -> Iterator[tuple[str, Callable[[], Graph]]]:
    for name in KERAS:
        yield f"Keras {name}, tf2onnx", partial(converted, name)


def converted(name: str) -> Graph:
    tensorflow, tf2onnx = importlib.import_module("tensorflow"), importlib.import_module("tf2onnx")
    network = getattr(tensorflow.keras.applications, name)(weights=None, input_shape=(224, 224, 3))
    signature = (tensorflow.TensorSpec((None, 224, 224, 3), tensorflow.float32, name="image"),)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        tf2onnx.convert.from_keras(network, input_signature=signature, opset=15, output_path=str(path))
        return from_onnx(path)


def files(folder: str) -> Iterator[tuple[str, Callable[[], Graph]]]:
    origin = importlib.import_module("onnx").__file__
    assert origin is not None
    light = Path(origin).parent / "backend" / "test" / "data" / "light"
    for base in (Path(folder), light):
        for path in sorted(base.rglob("*.onnx")):
            owner = "onnx" if base is light else path.relative_to(base).parts[0]
            yield f"{owner}: {path.name}", partial(from_onnx, path)


def main() -> int:
    warnings.filterwarnings("ignore")
    wanted = sys.argv[2:]
    rows = [*files(sys.argv[1]), *networks(), *from_keras()]
    right = [told(name, read) for name, read in rows if not wanted or any(word in name for word in wanted)]
    print(f"{sum(right)} of {len(right)} without an error")
    return not all(right)


if __name__ == "__main__":
    sys.exit(main())
