"""What PyTorch exports, read operator by operator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from nets import numbers

from refconv.analysis.graph.call import Ended
from refconv.analysis.graph.network_graph import Graph
from refconv.analysis.graph.torch_ops import Operator, translated
from refconv.analysis.graph.torch_program import _module_of, from_torch


def written(
    name: str, arguments: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], parts: int = 1
) -> list[Any]:
    """Return op, inputs, outputs and attributes of the nodes that one call becomes."""
    call = Operator(name, arguments, "y", shapes, "module", parts)
    assert translated(call)
    assert {node.module for node in call.nodes} == {"module"}
    assert {node.source for node in call.nodes} == {"torch"}
    return [(node.op, node.inputs, node.outputs, dict(node.attributes)) for node in call.nodes]


PLANE = {"x": (1, 4, 9, 10), "w": (8, 4, 3, 5), "y": (1, 8, 4, 6)}
CALLS: list[tuple[str, dict[str, Any], Any]] = [
    (
        "conv2d",
        {"input": "x", "weight": "w", "bias": None, "stride": [2, 1], "padding": [1, 2], "dilation": [3], "groups": 2},
        ("Conv", ("x", "w"), {"kernel_shape": [3, 5], "strides": [2, 1], "pads": [1, 2, 1, 2], "dilations": [3, 3], "group": 2}),
    ),
    ("conv2d", {"input": "x", "weight": "w", "padding": "same"}, ("Conv", ("x", "w"), {"kernel_shape": [3, 5], "auto_pad": "SAME_UPPER", "group": 1})),
    ("conv2d", {"input": "x", "weight": "w", "padding": "valid"}, ("Conv", ("x", "w"), {"kernel_shape": [3, 5], "auto_pad": "VALID", "group": 1})),
    (
        "conv_transpose2d",
        {"input": "x", "weight": "w", "bias": None, "stride": [2], "padding": [1], "output_padding": [1], "groups": 1},
        ("ConvTranspose", ("x", "w"), {"kernel_shape": [3, 5], "strides": [2, 2], "output_padding": [1, 1], "pads": [1] * 4, "group": 1}),
    ),
    (
        "convolution",
        {"input": "x", "weight": "w", "padding": [0, 0], "transposed": True},
        ("ConvTranspose", ("x", "w"), {"kernel_shape": [3, 5], "pads": [0] * 4, "group": 1}),
    ),
    (
        "max_pool2d",
        {"self": "x", "kernel_size": [3, 2], "stride": [], "padding": [1], "dilation": [2], "ceil_mode": True},
        ("MaxPool", ("x",), {"kernel_shape": [3, 2], "strides": [3, 2], "pads": [1] * 4, "dilations": [2, 2], "ceil_mode": 1}),
    ),
    (
        "avg_pool2d",
        {"self": "x", "kernel_size": [3], "stride": [2]},
        ("MaxPool", ("x",), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0] * 4, "dilations": [1, 1], "ceil_mode": 0}),
    ),
    ("adaptive_avg_pool2d", {"self": "x", "output_size": [1, 1]}, ("GlobalAveragePool", ("x",), {})),
    ("adaptive_avg_pool2d", {"self": "x", "output_size": [3, None]}, ("AdaptivePool", ("x",), {"output_size": [3, 10]})),
    ("mean", {"self": "x", "dim": [-1, 2], "keepdim": True}, ("ReduceMean", ("x",), {"axes": [3, 2], "keepdims": 1})),
    ("amax", {"self": "x", "dim": 1}, ("ReduceMean", ("x",), {"axes": [1], "keepdims": 0})),
    ("sum", {"self": "x"}, ("ReduceMean", ("x",), {"axes": [0, 1, 2, 3], "keepdims": 0})),
    (
        "upsample_nearest2d",
        {"input": "x", "output_size": [4, 6], "scale_factors": None},
        ("Resize", ("x",), {"antialias": 0, "mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", "sizes": [1, 8, 4, 6]}),
    ),
    (
        "upsample_bilinear2d",
        {"input": "x", "output_size": None, "align_corners": True, "scale_factors": [2.0, 0.5]},
        ("Resize", ("x",), {"antialias": 0, "mode": "linear", "coordinate_transformation_mode": "align_corners", "nearest_mode": "floor", "scales": [1.0, 1.0, 2.0, 0.5]}),
    ),
    (
        "_upsample_nearest_exact2d",
        {"input": "x", "output_size": [4, 6], "scales_h": 2.0, "scales_w": None},
        ("Resize", ("x",), {"antialias": 0, "mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil", "sizes": [1, 8, 4, 6]}),
    ),
    (
        "_upsample_bicubic2d_aa",
        {"input": "x", "output_size": [4, 6], "align_corners": False, "scales_h": 2.0, "scales_w": 3.0},
        ("Resize", ("x",), {"antialias": 1, "mode": "cubic", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "floor", "scales": [1.0, 1.0, 2.0, 3.0]}),
    ),
    ("slice", {"self": "x", "dim": -2, "start": 1, "end": -1}, ("Slice", ("x",), {"starts": [1], "ends": [-1], "axes": [2], "steps": [1]})),
    ("slice", {"self": "x", "step": 2}, ("Slice", ("x",), {"starts": [0], "ends": [2**62], "axes": [0], "steps": [2]})),
    ("narrow", {"self": "x", "dim": 3, "start": 2, "length": 5}, ("Slice", ("x",), {"starts": [2], "ends": [7], "axes": [3], "steps": [1]})),
    ("cat", {"tensors": ["x", "z"], "dim": -3}, ("Concat", ("x", "z"), {"axis": 1})),
    ("permute", {"self": "x", "dims": [0, -1, 1, 2]}, ("Transpose", ("x",), {"perm": [0, 3, 1, 2]})),
    ("transpose", {"self": "x", "dim0": 1, "dim1": -1}, ("Transpose", ("x",), {"perm": [0, 3, 2, 1]})),
    ("swapaxes", {"self": "x", "axis0": -2, "axis1": 1}, ("Transpose", ("x",), {"perm": [0, 2, 1, 3]})),
    ("mT", {"self": "x"}, ("Transpose", ("x",), {"perm": [0, 1, 3, 2]})),
    ("view", {"self": "x", "size": [1, -1]}, ("Reshape", ("x",), {"shape": [1, 8, 4, 6]})),
    ("expand", {"self": "x", "size": [1, -1]}, ("Expand", ("x",), {"shape": [1, 8, 4, 6]})),
    ("constant_pad_nd", {"self": "x", "pad": [1, 2, 3, -4]}, ("Pad", ("x",), {"pads": [0, 0, 3, 1, 0, 0, -4, 2]})),
    ("reflection_pad2d", {"self": "x", "padding": [1, 2, 0, 0]}, ("Pad", ("x",), {"pads": [0, 0, 0, 1, 0, 0, 0, 2]})),
    ("layer_norm", {"input": "x", "normalized_shape": [9, 10]}, ("LayerNormalization", ("x",), {"axis": -2})),
    ("group_norm", {"input": "x", "num_groups": 2}, ("GroupNormalization", ("x",), {})),
    ("instance_norm", {"input": "x"}, ("GroupNormalization", ("x",), {})),
    ("_native_batch_norm_legit_no_training", {"input": "x"}, ("Identity", ("x",), {})),
    ("feature_dropout", {"input": "x"}, ("Identity", ("x",), {})),
    ("_log_softmax", {"self": "x", "dim": -1}, ("Softmax", ("x",), {"axis": 3})),
    ("cumsum", {"self": "x", "dim": 2}, ("CumSum", ("x",), {"axis": [2]})),
    ("bmm", {"self": "x", "mat2": "z"}, ("MatMul", ("x", "z"), {})),
    ("bmm", {"self": "x", "mat2": "z", "out_dtype": "float32"}, ("MatMul", ("x", "z"), {})),
    ("addmm", {"self": "bias", "mat1": "x", "mat2": "z"}, ("MatMul", ("x", "z"), {})),
    ("baddbmm", {"self": "bias", "batch1": "x", "batch2": "z"}, ("MatMul", ("x", "z"), {})),
    ("linear", {"input": "x", "weight": "w", "bias": "b"}, ("Einsum", ("x", "w"), {"equation": "abcy,zy->abcz"})),
    ("scaled_dot_product_attention", {"query": "x", "key": "k", "value": "v"}, ("Attention", ("x", "k", "v"), {})),
    ("einsum", {"equation": "ab,bc->ac", "tensors": ["x", "z"]}, ("Einsum", ("x", "z"), {"equation": "ab,bc->ac"})),
    ("pixel_shuffle", {"self": "x", "upscale_factor": 3}, ("DepthToSpace", ("x",), {"blocksize": 3})),
    ("pixel_unshuffle", {"self": "x", "downscale_factor": 3}, ("SpaceToDepth", ("x",), {"blocksize": 3})),
    ("embedding", {"weight": "w", "indices": "x"}, ("Gather", ("w", "x"), {})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "expected"), CALLS)
def test_an_operator_in_other_words(name: str, arguments: dict[str, Any], expected: Any) -> None:
    op, inputs, attributes = expected
    assert written(name, arguments, PLANE) == [(op, inputs, ("y",), attributes)]


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "expected"),
    [
        ("t", {}, (5, 6), ("Transpose", {"perm": [1, 0]})),
        ("t", {}, (5,), ("Transpose", {"perm": [0]})),
        ("mT", {}, (7, 5, 6), ("Transpose", {"perm": [0, 2, 1]})),
        ("transpose", {"dim0": -3, "dim1": 1}, (7, 5, 6), ("Transpose", {"perm": [1, 0, 2]})),
        ("softmax", {"dim": -1}, (5, 6), ("Softmax", {"axis": 1})),
        ("softmax", {"dim": -1}, (5,), ("Softmax", {"axis": 0})),
        ("softmax", {"dim": -1}, (), ("Softmax", {"axis": 0})),
        ("sum", {"dim": -1}, (), ("ReduceMean", {"axes": [0], "keepdims": 0})),
        ("sum", {"dim": [-1, 0], "keepdim": True}, (5, 6, 7), ("ReduceMean", {"axes": [2, 0], "keepdims": 1})),
        ("constant_pad_nd", {"pad": [1, 2]}, (5, 6, 7), ("Pad", {"pads": [0, 0, 1, 0, 0, 2]})),
    ],
)
def test_dimensions_are_counted_from_the_first_whatever_their_number(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], expected: tuple[str, dict[str, Any]]
) -> None:
    op, attributes = expected
    assert written(name, {"self": "x", **arguments}, {"x": shape, "y": shape}) == [(op, ("x",), ("y",), attributes)]


def test_operators_that_become_several_nodes() -> None:
    shapes = {"x": (5, 6), "y": (6,), "y.0": (2, 6), "y.1": (3, 6)}
    assert written("select", {"self": "x", "dim": 0, "index": 2}, shapes) == [
        ("Slice", ("x",), ("y.slice",), {"starts": [2], "ends": [3], "axes": [0]}),
        ("Squeeze", ("y.slice",), ("y",), {"axes": [0]}),
    ]
    assert written("select", {"self": "x", "dim": -1, "index": -1}, shapes)[0][3]["ends"] == [2**62]
    assert written("split", {"self": "x", "split_size": 2}, shapes, 2) == [
        ("Split", ("x",), ("y.0", "y.1"), {"axis": 0, "split": [2, 3]})
    ]
    assert written("unbind", {"self": "x", "dim": 1}, shapes, 2) == [
        ("Slice", ("x",), ("y.0.slice",), {"starts": [0], "ends": [1], "axes": [1]}),
        ("Squeeze", ("y.0.slice",), ("y.0",), {"axes": [1]}),
        ("Slice", ("x",), ("y.1.slice",), {"starts": [1], "ends": [2], "axes": [1]}),
        ("Squeeze", ("y.1.slice",), ("y.1",), {"axes": [1]}),
    ]
    assert written("stack", {"tensors": ["x", "z"], "dim": 1}, {"y": (5, 2, 6)}) == [
        ("Unsqueeze", ("x",), ("y.0",), {"axes": [1]}),
        ("Unsqueeze", ("z",), ("y.1",), {"axes": [1]}),
        ("Concat", ("y.0", "y.1"), ("y",), {"axis": 1}),
    ]
    assert written("roll", {"self": "x", "shifts": [2], "dims": [-1]}, shapes) == [
        ("Slice", ("x",), ("y.1.4",), {"starts": [4], "ends": [6], "axes": [1]}),
        ("Slice", ("x",), ("y.1.0",), {"starts": [0], "ends": [4], "axes": [1]}),
        ("Concat", ("y.1.4", "y.1.0"), ("y",), {"axis": 1}),
    ]
    twice = written("roll", {"self": "x", "shifts": [-1, 5], "dims": [0, 1]}, shapes)
    assert [node[2] for node in twice] == [("y.1.1",), ("y.1.0",), ("y.1",), ("y.2.1",), ("y.2.0",), ("y",)]
    assert twice[3][1] == ("y.1",)
    assert written("glu", {"self": "x", "dim": 1}, {"x": (5, 6), "y": (5, 3)}) == [
        ("Slice", ("x",), ("y.0",), {"starts": [0], "ends": [3], "axes": [1]}),
        ("Slice", ("x",), ("y.3",), {"starts": [3], "ends": [6], "axes": [1]}),
        ("Mul", ("y.0", "y.3"), ("y",), {}),
    ]
    sequence = {"x": (7, 1, 4), "y.0": (7, 1, 10), "y.1": (1, 1, 5)}
    assert written("lstm", {"input": "x", "batch_first": False}, sequence, 2) == [
        ("CumSum", ("x",), ("y.seen",), {"axis": [0]}),
        ("ReduceMean", ("y.seen",), ("y.mixed",), {"axes": [2], "keepdims": 1}),
        ("Expand", ("y.mixed",), ("y.0",), {"shape": [7, 1, 10]}),
        ("ReduceMean", ("y.mixed",), ("y.state",), {"axes": [0], "keepdims": 1}),
        ("Expand", ("y.state",), ("y.1",), {"shape": [1, 1, 5]}),
    ]
    sequence = {"x": (2, 7, 4), "y.0": (2, 7, 10), "y.1": (1, 2, 5)}
    assert written("gru", {"input": "x", "batch_first": True}, sequence, 2) == [
        ("CumSum", ("x",), ("y.seen",), {"axis": [1]}),
        ("ReduceMean", ("y.seen",), ("y.mixed",), {"axes": [2], "keepdims": 1}),
        ("Expand", ("y.mixed",), ("y.0",), {"shape": [2, 7, 10]}),
        ("ReduceMean", ("y.mixed",), ("y.state",), {"axes": [1], "keepdims": 1}),
        ("Transpose", ("y.state",), ("y.turned",), {"perm": [1, 0, 2]}),
        ("Expand", ("y.turned",), ("y.1",), {"shape": [1, 2, 5]}),
    ]


@pytest.mark.parametrize(
    ("stack", "module"),
    [
        (
            {"a": ("", "Net"), "b": ("L['self'].block.0", "Block"), "c": ("L['self'].block.0.conv", "Conv2d")},
            "block.0.conv",
        ),
        ({"a": ("", "Net")}, ""),
        ({}, ""),
    ],
)
def test_a_node_comes_from_the_innermost_module(stack: dict[str, tuple[str, str]], module: str) -> None:
    assert _module_of(SimpleNamespace(meta={"nn_module_stack": stack})) == module
    assert _module_of(SimpleNamespace(meta={})) == ""


def test_a_recurrent_layer_sees_all_of_its_sequence() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    nn = torch.nn

    def forward(self: Any, image: Any) -> Any:
        steps, (hidden, _) = self.lstm(self.conv(image).transpose(1, 2))
        return steps, self.head(hidden[-1])

    parts = {"conv": nn.Conv1d(2, 4, 3), "lstm": nn.LSTM(4, 5, batch_first=True), "head": nn.Linear(5, 7)}
    graph = from_torch(module(forward, **parts), torch.ones(2, 2, 12))
    steps, head = graph.outputs
    assert (graph.field(steps)[0].size, graph.field(steps)[0].outputs) == (3, 10)
    assert graph.field(steps)[0].whole is not None
    assert graph.field(head)[0].whole is not None


def test_an_operator_that_is_not_known() -> None:
    assert not translated(Operator("grid_sampler", {"input": "x"}, "y", {"x": (1,)}, ""))


def test_without_torch_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match=r"^a module needs torch, which is not installed$"):
        from_torch(SimpleNamespace(), None)


# -- With PyTorch.


def module(forward: Callable[..., Any], **parts: Any) -> Any:
    torch = pytest.importorskip("torch", reason="torch is not installed")

    class Module(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch may be missing
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, *images: Any) -> Any:
            return forward(self, *images)

    return Module().eval()


def test_a_temporal_convolutional_network_and_its_last_output() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    nn = torch.nn
    convs = nn.ModuleList(nn.Conv1d(4, 4, 3, padding=2 * rate, dilation=rate) for rate in (1, 2, 4))

    def forward(self: Any, sound: Any) -> Any:
        for conv in self.convs:
            sound = sound + torch.relu(conv(sound)[:, :, : -conv.padding[0]])
        return self.head(sound[:, :, -1])

    graph = from_torch(module(forward, convs=convs, head=nn.Linear(4, 2)), torch.ones(2, 4, 40))
    assert [(field.size, field.is_placed) for field in graph.field(graph.outputs[0])] == [(15, False)]
    assert numbers(graph, graph.find("convs.1")) == [(7, 1, 6, 44)]
    assert graph.axes == ("length",)


def test_a_network_with_a_gate_and_a_resize() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    nn, functional = torch.nn, torch.nn.functional
    parts = {
        "stem": nn.Conv2d(3, 8, 3, stride=2, padding=1),
        "gate": nn.Conv2d(8, 8, 1),
        "head": nn.Conv2d(11, 2, 3, padding=1),
    }

    def forward(self: Any, image: Any) -> Any:
        x = functional.silu(self.stem(image))
        x = x * torch.sigmoid(self.gate(functional.adaptive_avg_pool2d(x, 1)))
        up = functional.interpolate(x, size=image.shape[-2:], mode="bilinear", align_corners=False)
        return self.head(torch.cat([up, image], dim=1))

    graph = from_torch(module(forward, **parts), torch.ones(1, 3, 16, 24))
    assert numbers(graph, graph.outputs[0]) == [(7, 1, 3, 16), (7, 1, 3, 24)]
    whole = graph.field(graph.outputs[0])[0].whole
    assert whole is not None
    assert whole.title.startswith("GlobalAveragePool ")
    assert [tensor.label for tensor in graph.tensors.values() if tensor.layer or "Resize" in tensor.label] == [
        "Conv(3, stride=2, padding=1)", "Conv(1)", "Resize(2, mode='linear')", "Conv(3, padding=1)",
    ]  # fmt: skip


def test_what_is_exported_already_and_what_cannot_be() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    convolution = torch.nn.Conv2d(1, 1, 3, dilation=2)
    example = torch.ones(1, 1, 9, 8)
    exported = torch.export.export(convolution, (example,))
    assert numbers(from_torch(exported, example), "conv2d") == [(5, 1, 0, 5), (5, 1, 0, 4)]
    traced = torch.fx.symbolic_trace(convolution)
    assert numbers(from_torch(traced, example), "conv2d") == [(5, 1, 0, 5), (5, 1, 0, 4)]
    with pytest.raises(ValueError, match=r"^Conv2d cannot be exported: "):
        from_torch(convolution, torch.ones(1, 2, 9, 8))


def test_the_image_is_the_argument_that_a_window_reads() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    network = module(lambda self, state, image: self.conv(image) + state, conv=torch.nn.Conv1d(2, 2, 4))
    graph = from_torch(network, (torch.ones(1, 2, 1), torch.ones(1, 2, 9)))
    assert [field.size for field in graph.field(graph.outputs[0])] == [4]


def test_a_tuple_has_its_parts_and_what_is_not_known_ends_the_path() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def forward(self: Any, image: Any) -> Any:
        first, second = self.conv(image).chunk(2, dim=1)
        return first * torch.zeros_like(second), torch.sort(second, dim=2)[0], torch.nn.functional.hardswish(second)

    graph = from_torch(module(forward, conv=torch.nn.Conv1d(1, 6, 3)), torch.ones(1, 1, 9))
    first, ended, last = graph.outputs
    assert numbers(graph, first) == numbers(graph, last) == [(3, 1, 0, 7)]
    assert graph.tensors[first].view.shape == (1, 3, 7)  # type: ignore[union-attr]
    assert graph.tensors[ended].view == Ended(
        "torch node 'sort' (sort)", "which pixels it reads depends on their values, or is not known here"
    )


def test_a_window_attention_that_is_rolled() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def forward(self: Any, image: Any) -> Any:
        return self.conv(torch.roll(image, 2, dims=2))

    graph = from_torch(module(forward, conv=torch.nn.Conv1d(1, 1, 2)), torch.ones(1, 1, 6))
    (field,) = graph.field(graph.outputs[0])
    assert [(span.first, span.last) for span in field.maps[0].phases[:5]] == [(4, 5), (0, 5), (0, 1), (1, 2), (2, 3)]
    assert field.stride == Fraction(field.maps[0].shift, 6)


def test_fields_are_what_gradients_say() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    nn = torch.nn
    network = nn.Sequential(
        nn.Conv2d(1, 4, (3, 5), stride=(2, 1), padding=(1, 2)), nn.BatchNorm2d(4), nn.AvgPool2d(2, ceil_mode=True),
        nn.Conv2d(4, 4, 3, dilation=(1, 3), groups=2), nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1), nn.PixelShuffle(1),
        nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(2, 1, 2),
    ).eval()  # fmt: skip
    for parameter in network.parameters():
        parameter.data = parameter.data.abs() + 0.1
    image = torch.ones(1, 1, 48, 40, requires_grad=True)
    graph: Graph = from_torch(network, image)
    out = network(image)
    for row, column in [(12, 12), (13, 12), (14, 13), (15, 15)]:
        (gradient,) = torch.autograd.grad(out[0, 0, row, column], image, retain_graph=True)
        places = torch.nonzero(gradient[0, 0])
        for axis, place in enumerate((row, column)):
            field = graph.field(graph.outputs[0])[axis]
            seen = field.maps[0].reads(place)
            assert [seen.first, seen.last] == [int(places[:, axis].min()), int(places[:, axis].max())]
