"""Hold real networks against PyTorch's own gradients: ``python tests/analysis/graph/verify_models.py [NAME ...]``.

The gradient of one output in the middle is not 0 exactly where the output sees a pixel, if nothing hides it: so weights are
made positive, a maximum becomes a mean, activations pass everything, and what reads the whole image at once is
left out of the gradient.  An image of many rows and few columns shows how many rows are seen.
"""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from networks import DETECTORS, OWN, around, classifier, detector, image_for, makers, own, segmenter, timm

from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.torch_program import from_torch
from refconv.analysis.region import pixels_seen

COLUMNS = 64
MORE_COLUMNS = {"inception_v3": 128, "ssd300_vgg16": 320, "ssdlite320_mobilenet_v3_large": 320}
CLASSIFIERS = {  # the last tensor before the pooling of the whole plane, as an attribute of the network
    "alexnet": "features", "vgg11_bn": "features", "vgg16": "features", "resnet18": "layer4", "resnet50": "layer4",
    "resnet101": "layer4", "resnext50_32x4d": "layer4", "densenet121": "features", "googlenet": "inception5b",
    "inception_v3": "Mixed_7c", "mobilenet_v2": "features", "mobilenet_v3_large": "features",
    "mobilenet_v3_small": "features", "mnasnet1_0": "layers", "shufflenet_v2_x1_0": "conv5", "squeezenet1_1": "features",
    "squeezenet1_0": "features", "efficientnet_b0": "features", "efficientnet_v2_s": "features", "regnet_y_400mf": "trunk_output",
    "regnet_x_400mf": "trunk_output", "convnext_tiny": "features",
}  # fmt: skip
SEGMENTERS = ("fcn_resnet50", "deeplabv3_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")
TIMM = ("resnet26t", "darknet53", "repvgg_a0", "ghostnet_100", "hrnet_w18_small", "mobilenetv4_conv_small")


def transparent(network: Any) -> Any:
    """Make the gradient of a network show every path."""
    torch: Any = importlib.import_module("torch")
    nn = torch.nn
    for parameter in network.parameters():
        with torch.no_grad():
            size = max(1, parameter[0].numel()) if parameter.ndim > 1 else 1
            parameter.copy_(torch.rand_like(parameter).add(0.5).div(size))
    for name, module in list(network.named_modules()):
        parent = network.get_submodule(name.rpartition(".")[0]) if name else network
        last = name.rpartition(".")[2]
        if isinstance(module, torch.nn.MaxPool2d):
            stride, padding = module.stride, module.padding
            setattr(parent, last, torch.nn.AvgPool2d(module.kernel_size, stride, padding, ceil_mode=module.ceil_mode))
        elif isinstance(module, torch.nn.AdaptiveAvgPool2d):
            setattr(parent, last, around().Detached(module))
        elif "SqueezeExcit" in type(module).__name__ or isinstance(
            module,
            nn.ReLU | nn.ReLU6 | nn.Hardswish | nn.SiLU | nn.GELU | nn.Hardsigmoid | nn.Sigmoid | nn.Dropout,
        ):
            setattr(parent, last, nn.Identity())
    return network.double().eval()


def rows_with_gradient(network: Any, image: Any) -> tuple[int, range]:
    """Return an output row in the middle, and the rows that it sees."""
    torch: Any = importlib.import_module("torch")
    image = image.double().requires_grad_()
    out = network(image)
    row = out.shape[2] // 2
    line = out[0, :, row].reshape(out.shape[1], -1)
    line[:, line.shape[1] // 2].sum().backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()
    seen = torch.nonzero(image.grad[0].abs().transpose(0, 1).flatten(1).sum(dim=1)).ravel()
    return row, range(int(seen[0]), int(seen[-1]) + 1)


def rows_that_are_said(graph: Graph, row: int) -> range:
    return pixels_seen(graph.field(graph.outputs[0])[0].maps, row)


def check(name: str, make: Callable[[], Any]) -> bool:
    start = time.time()
    columns = MORE_COLUMNS.get(name, COLUMNS)
    graph = from_torch(make().eval(), image_for(name, 512, columns))
    size = graph.field(graph.outputs[0])[0].size or 0
    rows = -(-(2 * size + 200) // 64) * 64
    del graph
    network = make().eval()
    image = image_for(name, rows, columns)
    graph = from_torch(network, image)
    said_at = time.time() - start
    row, seen = rows_with_gradient(transparent(network), image)
    said = rows_that_are_said(graph, row)
    verdict = "right" if said == seen else f"WRONG: the gradient has {seen}, and not {said}"
    print(
        f"{name:<32} {len(said):>5} rows of {rows:>5}, output row {row}: {verdict} ({said_at:.1f} s and {time.time() - start:.1f} s)",
        flush=True,
    )
    return said == seen


def up_to(name: str, part: str) -> Any:
    return around().Upto(classifier(name), part)


def main() -> int:
    warnings.filterwarnings("ignore")
    importlib.import_module("torch").manual_seed(0)
    every = {name: partial(up_to, name, part) for name, part in CLASSIFIERS.items()} | makers(segmenter, SEGMENTERS)
    every |= makers(detector, DETECTORS) | makers(timm, TIMM) | makers(own, OWN)
    wanted = sys.argv[1:] or list(every)
    right = [check(name, every[name]) for name in wanted]
    print(f"{sum(right)} of {len(right)} right")
    return not all(right)


if __name__ == "__main__":
    sys.exit(main())
