from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refconv.analysis import Conv, ConvTranspose, Layers, Parallel, Pool, Upsample
from refconv.analysis.graph.series import read_onnx

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
FLOAT = 1  # TensorProto.FLOAT


class Model:
    """A graph of nodes that read and write tensors by name, saved to a file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "model.onnx"
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def node(self, op: str, inputs: str, output: str, **attributes: Any) -> Model:
        self.nodes.append(onnx.helper.make_node(op, inputs.split(","), [output], name=f"the {output}", **attributes))
        return self

    def constant(self, name: str, values: Any, kind: type = np.float32) -> Model:
        self.initializers.append(onnx.numpy_helper.from_array(np.asarray(values, dtype=kind), name))
        return self

    def save(self, output: str, inputs: str = "image") -> Path:
        infos = [onnx.helper.make_tensor_value_info(name, FLOAT, None) for name in inputs.split(",")]
        outputs = [onnx.helper.make_tensor_value_info(output, FLOAT, None)]
        graph = onnx.helper.make_graph(self.nodes, "graph", infos, outputs, self.initializers)
        onnx.save(onnx.helper.make_model(graph), self.path)
        return self.path


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return Model(tmp_path)


def read_one(model: Model, op: str, inputs: str = "image,w", **attributes: Any) -> Layers:
    return read_onnx(model.node(op, inputs, "y", **attributes).save("y"))


def test_a_convolution_with_all_its_attributes(model: Model) -> None:
    attributes: dict[str, Any] = {"kernel_shape": [2, 3], "strides": [4, 5], "dilations": [6, 7], "pads": [1, 2, 3, 0]}
    assert read_one(model, "Conv", **attributes) == (Conv((2, 3), (4, 5), ((1, 3), (2, 0)), (6, 7)),)


def test_a_kernel_shape_that_is_not_given_is_the_weights(model: Model) -> None:
    model.constant("w", np.zeros((8, 3, 5, 4)))
    assert read_one(model, "Conv") == (Conv((5, 4)),)


@pytest.mark.parametrize(
    ("auto_pad", "layer"),
    [
        ("NOTSET", Conv((3, 4))),
        ("VALID", Conv((3, 4))),
        ("SAME_UPPER", Conv((3, 4), padding=((1, 1), (1, 2)))),
        ("SAME_LOWER", Conv((3, 4), padding=((1, 1), (2, 1)))),
    ],
)
def test_auto_pad(model: Model, auto_pad: str, layer: Conv) -> None:
    assert read_one(model, "Conv", kernel_shape=[3, 4], auto_pad=auto_pad) == (layer,)


def test_one_axis_is_the_width(model: Model) -> None:
    layers = read_one(model, "Conv", kernel_shape=[3], strides=[2], dilations=[4], pads=[5, 6])
    assert layers == (Conv((1, 3), (1, 2), ((0, 0), (5, 6)), (1, 4)),)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
def test_pooling(model: Model, op: str) -> None:
    layers = read_one(model, op, "image", kernel_shape=[2, 3], strides=[1, 2], pads=[1, 0, 0, 1], ceil_mode=1)
    assert layers == (Pool((2, 3), (1, 2), ((1, 0), (0, 1)), ceil_mode=True),)


def test_a_poolings_stride_is_1_unless_it_is_given(model: Model) -> None:
    assert read_one(model, "MaxPool", "image", kernel_shape=[2, 2]) == (Pool(2, stride=1),)


def test_transposed_convolution(model: Model) -> None:
    attributes: dict[str, Any] = {
        "kernel_shape": [4, 3],
        "strides": [2, 3],
        "pads": [1, 0, 2, 1],
        "output_padding": [1, 2],
    }
    assert read_one(model, "ConvTranspose", **attributes) == (ConvTranspose((4, 3), (2, 3), ((1, 2), (0, 1)), (1, 2)),)


def test_transposed_convolution_along_one_axis(model: Model) -> None:
    layers = read_one(model, "ConvTranspose", kernel_shape=[4], strides=[3], output_padding=[2])
    assert layers == (ConvTranspose((1, 4), (1, 3), output_padding=(0, 2)),)


@pytest.mark.parametrize(
    ("attributes", "layer"),
    [
        (
            {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
            Upsample((2, 3)),
        ),
        ({}, Upsample((2, 3))),
        (
            {"coordinate_transformation_mode": "pytorch_half_pixel", "nearest_mode": "round_prefer_ceil"},
            Upsample((2, 3)),
        ),
        ({"mode": "linear"}, Upsample((2, 3), "bilinear")),
        ({"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}, Upsample((2, 3), "bilinear")),
    ],
)
def test_resize(model: Model, attributes: dict[str, str], layer: Upsample) -> None:
    assert read_one(model.constant("scales", [1, 1, 2, 3]), "Resize", "image,,scales", **attributes) == (layer,)


def test_upsample_of_old_and_one_axis(model: Model) -> None:
    assert read_one(model.constant("scales", [1, 1, 4]), "Upsample", "image,scales") == (Upsample((1, 4)),)


def test_padding_is_a_1x1_convolution_that_pads(model: Model) -> None:
    model.constant("pads", [0, 0, 1, 2, 0, 0, 3, 4], np.int64)
    assert read_one(model, "Pad", "image,pads") == (Conv(1, padding=((1, 3), (2, 4))),)


def test_padding_in_an_attribute(model: Model) -> None:
    assert read_one(model, "Pad", "image", pads=[0, 0, 1, 0, 0, 2]) == (Conv(1, padding=((0, 0), (1, 2))),)


def test_constants_may_be_nodes(model: Model) -> None:
    value = onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], dtype=np.float32))
    model.nodes.append(onnx.helper.make_node("Constant", [], ["scales"], value=value))
    assert read_one(model, "Resize", "image,,scales") == (Upsample(2),)


def test_elementwise_nodes_leave_no_trace(model: Model) -> None:
    model.node("Relu", "image", "a").node("BatchNormalization", "a,s,b,m,v", "n").node("Add", "n,bias", "c")
    assert read_onnx(model.node("Conv", "c,w", "y", kernel_shape=[3, 3]).save("y")) == (Conv(3),)


def residual(model: Model) -> Model:
    model.node("Conv", "image,w", "stem", kernel_shape=[7, 7], strides=[2, 2])
    model.node("Conv", "stem,w", "a", kernel_shape=[3, 3]).node("Relu", "a", "ra")
    model.node("Conv", "ra,w", "b", kernel_shape=[5, 5]).node("Add", "b,stem", "sum").node("Relu", "sum", "rsum")
    return model.node("MaxPool", "rsum", "y", kernel_shape=[2, 2])


def test_a_residual_block(model: Model) -> None:
    path = residual(model).save("y")
    assert read_onnx(path) == (Conv(7, stride=2), Parallel([Conv(3), Conv(5)], []), Pool(2, stride=1))
    assert read_onnx(str(path), "b") == (Conv(7, stride=2), Conv(3), Conv(5))
    assert read_onnx(path, "image") == ()


def test_a_pyramid_and_nested_branches(model: Model) -> None:
    model.node("Conv", "image,w", "a", kernel_shape=[1, 1]).node("Conv", "image,w", "b", kernel_shape=[3, 3])
    model.node("Conv", "b,w", "c", kernel_shape=[5, 5]).node("Mul", "b,c", "d")
    assert read_onnx(model.node("Concat", "a,d,a", "y", axis=1).save("y")) == (
        Parallel([Conv(1)], [Conv(3), Parallel([], [Conv(5)])], [Conv(1)]),
    )


def test_one_tensor_added_to_itself_is_two_shortcuts(model: Model) -> None:
    assert read_onnx(model.node("Add", "image,image", "y").save("y")) == (Parallel([], []),)


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "Gemm",
        "image,w",
        {},
        "ONNX node 'the y' (Gemm) has no receptive field: it reads all pixels, or moves them about",
    ),
    (
        "GlobalAveragePool",
        "image",
        {},
        "ONNX node 'the y' (GlobalAveragePool) has no receptive field: it reads all pixels, or moves them about",
    ),
    ("Conv", "image,w", {}, "ONNX node 'the y' (Conv): kernel_shape is not given, and the weight is computed"),
    (
        "Conv",
        "image,w",
        {"kernel_shape": [3, 3, 3]},
        "ONNX node 'the y' (Conv): kernel_shape=[3, 3, 3] must have one axis or two",
    ),
    ("Conv", "image,w", {"kernel_shape": [3, 0]}, "ONNX node 'the y' (Conv): kernel_size[1]=0 must be at least 1"),
    (
        "Conv",
        "image,image",
        {"kernel_shape": [3, 3]},
        "ONNX node 'the y' (Conv) has 2 inputs that depend on the image; it must have one",
    ),
    (
        "Conv",
        "image,w",
        {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
        "ONNX node 'the y' (Conv): padding='same_upper' depends on the input's size at stride (2, 2); write ((top, bottom), (left, right))",
    ),
    (
        "ConvTranspose",
        "image,w",
        {"kernel_shape": [3, 3], "output_shape": [9, 9]},
        "ONNX node 'the y' (ConvTranspose): output_shape must be written as pads",
    ),
    ("Concat", "image,image", {"axis": 2}, "ONNX node 'the y' (Concat): axis=2 must be 1, the channels"),
    ("Resize", "image", {}, "ONNX node 'the y' (Resize): its scales must be constants"),
    (
        "Resize",
        "image,,half",
        {},
        "ONNX node 'the y' (Resize): scales=[1.0, 1.0, 0.5, 2.0] must be whole numbers, and 1 for the batch and the channels",
    ),
    (
        "Resize",
        "image,,batch",
        {},
        "ONNX node 'the y' (Resize): scales=[2.0, 1.0, 2.0, 2.0] must be whole numbers, and 1 for the batch and the channels",
    ),
    (
        "Resize",
        "image,,twice",
        {"coordinate_transformation_mode": "align_corners", "mode": "linear"},
        "ONNX node 'the y' (Resize): mode='linear' with 'align_corners' and 'round_prefer_floor' must be nearest or linear between pixels' centres",
    ),
    (
        "Pad",
        "image,pads",
        {"mode": "reflect"},
        "ONNX node 'the y' (Pad): mode='reflect' must be 'constant', with constant pads",
    ),
    ("Pad", "image,unknown", {}, "ONNX node 'the y' (Pad): mode='constant' must be 'constant', with constant pads"),
    (
        "Pad",
        "image,channels",
        {},
        "ONNX node 'the y' (Pad): pads=[0, 1, 0, 0, 0, 0, 0, 0] must be 0 for the batch and the channels",
    ),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "message"), REFUSED)
def test_what_has_no_receptive_field_is_refused_with_its_node(
    model: Model, op: str, inputs: str, attributes: dict[str, Any], message: str
) -> None:
    model.constant("half", [1, 1, 0.5, 2]).constant("batch", [2, 1, 2, 2]).constant("twice", [1, 1, 2, 2])
    model.constant("pads", [0] * 8, np.int64).constant("channels", [0, 1, 0, 0, 0, 0, 0, 0], np.int64)
    model.node(op, inputs, "y", **attributes).node("Relu", "y", "z")
    with pytest.raises(ValueError, match=f"^{re.escape(message)} \\(the tensor before it is 'image'\\)$"):
        read_onnx(model.save("z"))


def test_the_first_node_without_a_receptive_field_is_the_one_that_is_named(model: Model) -> None:
    model.node("Conv", "image,w", "a", kernel_shape=[3, 3]).node("Flatten", "a", "f").node("Gemm", "f,w", "g")
    path = model.node("Add", "g,a", "y").save("y")
    with pytest.raises(ValueError, match=r"^ONNX node 'the f' \(Flatten\) .* \(the tensor before it is 'a'\)$"):
        read_onnx(path)
    assert read_onnx(path, "a") == (Conv(3),)


def test_a_node_without_a_name_has_a_number(model: Model) -> None:
    model.nodes.append(onnx.helper.make_node("Relu", ["image"], ["a"]))
    model.nodes.append(onnx.helper.make_node("Softmax", ["a"], ["y"]))
    with pytest.raises(ValueError, match=r"^ONNX node 'number 2' \(Softmax\) has no receptive field"):
        read_onnx(model.save("y"))


def test_an_unknown_tensor_is_refused(model: Model) -> None:
    path = residual(model).save("y")
    message = "tensor='z' must depend on 'image'; the last that do are ra, b, sum, rsum, y"
    with pytest.raises(ValueError, match=f"^{message}$"):
        read_onnx(path, "z")


def test_two_images_are_refused(model: Model) -> None:
    path = model.node("Add", "image,other", "y").save("y", inputs="image,other")
    with pytest.raises(ValueError, match=r"^the model has the inputs image, other; it must have one, and an output$"):
        read_onnx(path)


def test_densely_connected_blocks_are_refused_before_they_fill_the_memory(model: Model) -> None:
    """Every tensor is concatenated with all before it, and each layer doubles the branches, written out."""
    names = ["image"]
    for number in range(20):
        model.node("Concat", ",".join(names), f"c{number}", axis=1)
        model.node("Conv", f"c{number},w", f"x{number}", kernel_shape=[3, 3])
        names.append(f"x{number}")
    path = model.node("Concat", ",".join(names), "y", axis=1).save("y")
    with pytest.raises(ValueError, match=r"^tensor='.*' has \d{6} layers in its branches; at most 100000$"):
        read_onnx(path)
    assert read_onnx(path, "x1") == (Parallel([], [Conv(3)]), Conv(3))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "no.onnx"
    file.write_bytes(b"\xff\xff\xff\xff")
    with pytest.raises(ValueError, match=rf"^{re.escape(str(file))} must be an ONNX model$"):
        read_onnx(file)
    with pytest.raises(FileNotFoundError):
        read_onnx(tmp_path / "none.onnx")


def test_without_onnx_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "model.onnx").touch()
    with pytest.raises(ValueError, match=r"^an ONNX file needs onnx, which is not installed: pip install onnx$"):
        read_onnx(str(tmp_path / "model.onnx"))
