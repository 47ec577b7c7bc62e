"""Say what is said at first of real networks: ``python tests/analysis/graph/table_of_models.py FOLDER [NAME ...]``.

Of every ONNX file below the folder, of onnx's own light models, and of torchvision's networks, exported to ONNX by both of
PyTorch's exporters and read from Python: the table of docs/receptive-fields.md.  Processor seconds include reading the file.
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

from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.network_graph import Graph, from_onnx
from refconv.analysis.graph.torch_program import from_torch
from refconv.commands.network_report import NetworkReport, Row, rows_of

NETWORKS = (
    "mobilenet_v2",
    "densenet121",
    "efficientnet_b0",
    "shufflenet_v2_x1_0",
    "regnet_y_400mf",
    "convnext_tiny",
    "swin_t",
)
SEGMENTERS = ("deeplabv3_resnet50", "lraspp_mobilenet_v3_large")


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


def exported(network: Any, image: Any, *, dynamo: bool) -> Graph:
    torch = importlib.import_module("torch")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(network, (image,), str(path), dynamo=dynamo, **({"verbose": False} if dynamo else {}))
        return from_onnx(path)


def torchvision() -> Iterator[tuple[str, Callable[[], Graph]]]:
    torch, models = importlib.import_module("torch"), importlib.import_module("torchvision").models
    image = torch.ones(1, 3, 224, 224)
    made = {name: partial(getattr(models, name), weights=None) for name in NETWORKS}
    made |= {
        name: partial(getattr(models.segmentation, name), weights=None, weights_backbone=None) for name in SEGMENTERS
    }
    for name, make in made.items():
        network = make().eval()
        yield f"torchvision {name}, from Python", partial(from_torch, network, image)
        yield f"torchvision {name}, torch.onnx", partial(exported, network, image, dynamo=True)
        yield f"torchvision {name}, TorchScript's export", partial(exported, network, image, dynamo=False)


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
    rows = [*files(sys.argv[1]), *torchvision()]
    right = [told(name, read) for name, read in rows if not wanted or any(word in name for word in wanted)]
    print(f"{sum(right)} of {len(right)} without an error")
    return not all(right)


if __name__ == "__main__":
    sys.exit(main())
