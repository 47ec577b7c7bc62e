from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sampled import one_in

from refconv.geometry.arguments import PADDING_STRINGS
from refconv.testing import Case, check, find_case, run_case
from refconv.testing.frameworks import FRAMEWORKS, Target
from refconv.testing.frameworks.adapter import native, padding_word, sides_of
from refconv.testing.frameworks.ncnn import _parameters as layer_parameters
from refconv.testing.frameworks.onnx import _model as model_of
from refconv.testing.frameworks.onnx_readers import _frozen as frozen

DEFAULT = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
NUMBERS = "n1-c2-o2-g1-7x9-k3-s1-p1x2-d1-f32"
SIDES = "n1-c2-o2-g1-7x9-k3-s1-p1+0x2+3-d1-f32"


def require(name: str) -> None:
    if name == "tinygrad" and shutil.which("clang") is None:
        pytest.skip("clang, which tinygrad compiles with, is not installed")
    for package in FRAMEWORKS[name].packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


# What each framework has no word for in the smoke tier, by id.
BY_SIDE = "n1-c2-o3-g1-9x11-k3-s2-p1+0x0+2-d1-bias-f32"
SAME = "n2-c3-o2-g1-10x8-k4x2-s1-psame-d1-f32"
SAME_UPPER = "n1-c2-o3-g1-8x11-k3-s2-psame_upper-d1-f32"
SAME_LOWER = "n1-c2-o3-g1-8x11-k3-s2-psame_lower-d1-f32"
UNBATCHED = "c3-o4-g1-7x8-k3x2-s1x2-p1-d1-bias-f32"
FLOAT64 = "n2-c3-o4-g1-7x9-k3x2-s2x1-p0x1-d1-bias-f64-real"  # onnxruntime has no Conv in double precision
VALID = "n1-c2-o3-g1-7x9-k3-s2x1-pvalid-d1-bias-f32"
UNSUPPORTED = {
    "refconv": set(),
    "scipy": {SAME, SAME_UPPER, SAME_LOWER},
    "torch": {BY_SIDE, SAME_UPPER, SAME_LOWER},
    "jax": {SAME, UNBATCHED},
    "onnxruntime": {SAME, UNBATCHED, FLOAT64},
    "onnx": {SAME, UNBATCHED},
    "tensorflow": {SAME, SAME_LOWER, UNBATCHED},
    "openvino": {SAME, UNBATCHED},
    "opencv": {SAME, UNBATCHED, FLOAT64},
    "tract": {SAME, UNBATCHED},
    "paddle": {SAME, SAME_LOWER, UNBATCHED},
    "mlx": {VALID, SAME, SAME_UPPER, SAME_LOWER, UNBATCHED, FLOAT64},
    "tinygrad": {VALID, SAME, SAME_UPPER, SAME_LOWER, UNBATCHED},
    "ncnn": {VALID, SAME, FLOAT64},
}


# What docs/frameworks.md says of them, here; before 1.23 onnx's auto_pad=VALID pads: see test_onnx_versions.py.
WRONG = {"opencv": {SAME_UPPER}}
LESS_PRECISE = {"openvino": {FLOAT64}}  # it computes in float32 what is called float64


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_frameworks_are_right(name: str) -> None:
    require(name)
    report = check(name, "smoke")
    if name == "onnx":
        assert all("pvalid" in result.id for result in report.failures), str(report)
    else:
        assert {result.id for result in report.failures} == WRONG.get(name, set()), str(report)
        assert {result.id for result in report.less_precise} == LESS_PRECISE.get(name, set()), str(report)
        assert report.passed == (name not in WRONG | LESS_PRECISE)
    assert {result.id for result in report.results if result.outcome == "unsupported"} == UNSUPPORTED[name]


@pytest.mark.parametrize("op", one_in(3, ["conv2d", "conv_transpose2d", "conv2d_weight"]))
@pytest.mark.parametrize("name", ["torch", "jax", "tensorflow"])
def test_factors_of_two_types_are_refused_or_right(name: str, op: str) -> None:
    require(name)
    report = check(name, op=op, match="f32xf64 or bf16xf32 or u8xi8 or i8xi32")
    assert len(report.results) >= 3
    assert not report.failures


def test_every_framework_has_its_row() -> None:
    assert {name for name, framework in FRAMEWORKS.items() if "conv2d" in framework.operations} == set(UNSUPPORTED)


class Given(Exception):  # noqa: N818  # it carries an answer, not an error
    """Carries what a stub of a framework was given."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(arguments, keywords)
        self.arguments, self.keywords = arguments, keywords


def give(*arguments: Any, **keywords: Any) -> Any:
    raise Given(*arguments, **keywords)


def stub(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def stub_torch(monkeypatch: pytest.MonkeyPatch) -> Target:
    stub(monkeypatch, "torch", from_numpy=lambda a: a, nn=SimpleNamespace(functional=SimpleNamespace(conv2d=give)))
    return FRAMEWORKS["torch"].operations["conv2d"]()


def stub_jax(monkeypatch: pytest.MonkeyPatch) -> Target:
    config = SimpleNamespace(update=lambda name, value: settings.append((name, value)))
    settings: list[tuple[str, bool]] = []
    stub(monkeypatch, "jax", config=config, lax=SimpleNamespace(conv_general_dilated=give))
    load = FRAMEWORKS["jax"].operations["conv2d"]()
    assert settings == [("jax_enable_x64", True)]
    return load


def stub_tensorflow(monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    stub(monkeypatch, "tensorflow", transpose=np.transpose, nn=SimpleNamespace(conv2d=give))
    load = FRAMEWORKS["tensorflow"].operations["conv2d"]()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    return load


def stub_onnx(monkeypatch: pytest.MonkeyPatch) -> Target:
    helper = SimpleNamespace(
        np_dtype_to_tensor_dtype=lambda dtype: dtype,
        make_tensor_value_info=lambda name, kind, shape: (name, kind, shape),
        make_node=give,
    )
    stub(monkeypatch, "onnx", helper=helper)
    stub(monkeypatch, "onnx.reference", ReferenceEvaluator=None)
    return FRAMEWORKS["onnx"].operations["conv2d"]()


def stub_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> Target:
    stub_onnx(monkeypatch)
    options = SimpleNamespace()
    stub(monkeypatch, "onnxruntime", SessionOptions=lambda: options)
    stub(monkeypatch, "onnxruntime.capi")
    stub(
        monkeypatch,
        "onnxruntime.capi.onnxruntime_pybind11_state",
        NotImplemented=Given,
        InvalidArgument=Given,
        Fail=Given,
    )
    load = FRAMEWORKS["onnxruntime"].operations["conv2d"]()
    assert options.log_severity_level == 4  # fatal: its warnings are of no use to us
    return load


def stub_paddle(monkeypatch: pytest.MonkeyPatch) -> Target:
    functional = SimpleNamespace(conv2d=give)
    stub(monkeypatch, "paddle", to_tensor=lambda array: array, nn=SimpleNamespace(functional=functional))
    return FRAMEWORKS["paddle"].operations["conv2d"]()


def stub_mlx(monkeypatch: pytest.MonkeyPatch) -> Target:
    functions = {"conv_general": give, "conv_transpose2d": give}
    stub(monkeypatch, "mlx")
    stub(monkeypatch, "mlx.core", array=lambda array: array, moveaxis=np.moveaxis, **functions)
    return FRAMEWORKS["mlx"].operations["conv2d"]()


class Tensor:
    """Stands in for tinygrad's."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def conv2d(self, *arguments: Any, **keywords: Any) -> Any:
        raise Given(self, *arguments, **keywords)


def stub_tinygrad(monkeypatch: pytest.MonkeyPatch) -> Target:
    stub(monkeypatch, "tinygrad", Tensor=Tensor)
    return FRAMEWORKS["tinygrad"].operations["conv2d"]()


STUBS: dict[str, tuple[Callable[[pytest.MonkeyPatch], Target], Callable[[Given], object]]] = {
    "torch": (stub_torch, lambda given: given.arguments[4]),
    "jax": (stub_jax, lambda given: given.keywords["padding"]),
    "tensorflow": (stub_tensorflow, lambda given: given.arguments[3]),
    "onnx": (stub_onnx, lambda given: given.keywords.get("auto_pad", given.keywords.get("pads"))),
    "onnxruntime": (stub_onnxruntime, lambda given: given.keywords.get("auto_pad", given.keywords.get("pads"))),
    "paddle": (stub_paddle, lambda given: given.keywords["padding"]),
    "mlx": (stub_mlx, lambda given: given.arguments[3]),
    "tinygrad": (stub_tinygrad, lambda given: given.keywords["padding"]),
}


def called(load: Target, case: Case, **changed: Any) -> Given:
    image, kernel, bias = case.arrays()
    with pytest.raises(Given) as caught:
        load(image, kernel, bias, *{**case.kwargs(), **changed}.values())
    return caught.value


# Each framework's own word, from its documentation; None where it has none.
WORDS = [
    ("torch", "valid", "valid"),
    ("torch", "same", "same"),
    ("torch", "same_upper", None),
    ("torch", "same_lower", None),
    ("jax", "valid", "VALID"),
    ("jax", "same", None),
    ("jax", "same_upper", "SAME"),
    ("jax", "same_lower", "SAME_LOWER"),
    ("tensorflow", "valid", "VALID"),
    ("tensorflow", "same", None),
    ("tensorflow", "same_upper", "SAME"),
    ("tensorflow", "same_lower", None),
    ("onnx", "valid", "VALID"),
    ("onnx", "same", None),
    ("onnx", "same_upper", "SAME_UPPER"),
    ("onnx", "same_lower", "SAME_LOWER"),
    ("onnxruntime", "same", None),
    ("onnxruntime", "same_upper", "SAME_UPPER"),
    ("paddle", "valid", "VALID"),
    ("paddle", "same", None),
    ("paddle", "same_upper", "SAME"),
    ("paddle", "same_lower", None),
    ("mlx", "valid", None),
    ("mlx", "same", None),
    ("tinygrad", "valid", None),
    ("tinygrad", "same_lower", None),
    # a word that refconv does not know either is the framework's to refuse
    ("torch", "sane", "sane"),
    ("jax", "sane", "sane"),
    ("tensorflow", "sane", "sane"),
    ("onnx", "sane", "sane"),
    ("paddle", "sane", "sane"),
    ("mlx", "sane", "sane"),
    ("tinygrad", "sane", "sane"),
]


@pytest.mark.parametrize(("name", "padding", "word"), WORDS)
def test_a_word_is_handed_to_the_framework_as_its_own(
    name: str, padding: str, word: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, padding_of = STUBS[name]
    load, case = make(monkeypatch), find_case(NUMBERS)
    if word is None:
        with pytest.raises(NotImplementedError, match=f"^it has no padding='{padding}'$"):
            load(*case.arrays(), case.stride, padding, case.dilation, case.groups)
    else:
        assert padding_of(called(load, case, padding=padding)) == word


@pytest.mark.parametrize(
    ("name", "case", "padding"),
    [
        ("torch", NUMBERS, (1, 2)),
        ("jax", NUMBERS, [(1, 1), (2, 2)]),
        ("jax", SIDES, [(1, 0), (2, 3)]),
        ("tensorflow", NUMBERS, [(0, 0), (1, 1), (2, 2), (0, 0)]),
        ("tensorflow", SIDES, [(0, 0), (1, 0), (2, 3), (0, 0)]),
        ("onnx", NUMBERS, [1, 2, 1, 2]),  # all that comes before, then all that comes after
        ("onnx", SIDES, [1, 2, 0, 3]),
        ("paddle", NUMBERS, [1, 2]),
        ("paddle", SIDES, [1, 0, 2, 3]),
        ("mlx", NUMBERS, ((1, 2), (1, 2))),  # as in ONNX, in two
        ("mlx", SIDES, ((1, 2), (0, 3))),
        ("tinygrad", NUMBERS, [2, 2, 1, 1]),  # the last axis first
        ("tinygrad", SIDES, [2, 3, 1, 0]),
    ],
)
def test_numbers_are_handed_over_as_the_framework_wants_them(
    name: str, case: str, padding: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, padding_of = STUBS[name]
    assert padding_of(called(make(monkeypatch), find_case(case))) == padding


def test_torch_pads_no_side_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(SIDES)
    with pytest.raises(NotImplementedError, match=r"^it pads both sides of an axis alike$"):
        stub_torch(monkeypatch)(*case.arrays(), *case.kwargs().values())


@pytest.mark.parametrize("name", ["jax", "tensorflow", "onnx", "onnxruntime", "paddle", "mlx", "tinygrad"])
def test_an_input_without_a_batch_axis_is_refused_for_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, _ = STUBS[name]
    case = find_case(UNBATCHED)
    with pytest.raises(NotImplementedError, match=r"^it takes no input without a batch axis$"):
        make(monkeypatch)(*case.arrays(), *case.kwargs().values())


def test_torch_is_given_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(DEFAULT)
    image, kernel, bias, *rest = called(stub_torch(monkeypatch), case).arguments
    for given, desired in zip((image, kernel, bias), case.arrays(), strict=True):
        np.testing.assert_array_equal(given, desired)
    assert rest == [(2, 1), (1, 0), (1, 2), 2]
    assert called(stub_torch(monkeypatch), find_case(NUMBERS)).arguments[2] is None


@pytest.mark.parametrize(
    ("layout", "kept"),
    [
        ("contiguous", True),
        ("fortran", True),
        ("channels_last", True),
        ("strided", True),
        ("negative", False),
        ("read_only", False),
        ("broadcast", False),
        ("big_endian", False),
    ],
)
def test_torch_is_given_the_layout_where_it_can_take_it(
    layout: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "n2-c3-o4-g1-6x8-k2x3-s1-p1x0-d1-bias-f32"
    case = find_case(name if layout == "contiguous" else f"{name}-{layout}")
    image, kernel, bias = case.arrays()
    with pytest.raises(Given) as caught:
        stub_torch(monkeypatch)(image, kernel, bias, *case.kwargs().values())
    for given, desired in zip(caught.value.arguments[:3], (image, kernel, bias), strict=True):
        assert (given is desired) == kept
        assert given.dtype.isnative
        assert given.flags.writeable
        assert min(given.strides) > 0
        np.testing.assert_array_equal(given, desired)


def test_torch_is_given_empty_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case("n0-c3-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32")
    assert called(stub_torch(monkeypatch), case).arguments[0].shape == (0, 3, 7, 8)


def test_jax_is_given_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    given = called(stub_jax(monkeypatch), find_case(DEFAULT))
    assert [operand.shape for operand in given.arguments] == [(2, 6, 7, 9), (10, 3, 2, 3)]
    assert given.keywords == {
        "preferred_element_type": None,
        "window_strides": (2, 1),
        "padding": [(1, 1), (0, 0)],
        "rhs_dilation": (1, 2),
        "dimension_numbers": ("NCHW", "OIHW", "NCHW"),
        "feature_group_count": 2,
    }


def test_tensorflow_is_given_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(DEFAULT)
    given = called(stub_tensorflow(monkeypatch), case)
    image, kernel, strides, _ = given.arguments
    assert [image.shape, kernel.shape] == [(2, 7, 9, 6), (2, 3, 3, 10)]
    assert image[1, 4, 7, 5] == case.arrays()[0][1, 5, 4, 7]
    assert kernel[1, 2, 0, 9] == case.arrays()[1][9, 0, 1, 2]
    assert strides == [1, 2, 1, 1]
    assert given.keywords == {"dilations": [1, 1, 2, 1]}


def test_tensorflow_cannot_be_told_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(DEFAULT)
    with pytest.raises(NotImplementedError, match=r"^it takes the number of groups from the shapes$"):
        stub_tensorflow(monkeypatch)(*case.arrays(), case.stride, case.padding, case.dilation, 5)


def test_onnx_is_given_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    given = called(stub_onnx(monkeypatch), find_case(DEFAULT))
    assert given.arguments == ("Conv", ["x", "w", "b"], ["y"])
    assert given.keywords == {"strides": (2, 1), "dilations": (1, 2), "group": 2, "pads": [1, 0, 1, 0]}
    assert called(stub_onnx(monkeypatch), find_case(NUMBERS)).arguments == ("Conv", ["x", "w"], ["y"])


def test_paddle_is_given_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(DEFAULT)
    given = called(stub_paddle(monkeypatch), case)
    for array, desired in zip(given.arguments, case.arrays(), strict=True):
        np.testing.assert_array_equal(array, desired)
    assert given.keywords == {"stride": (2, 1), "padding": [1, 0], "dilation": (1, 2), "groups": 2}


def test_mlx_is_given_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(DEFAULT)
    given = called(stub_mlx(monkeypatch), case)
    image, kernel, *steps = given.arguments
    assert [image.shape, kernel.shape] == [(2, 7, 9, 6), (10, 2, 3, 3)]
    assert image[1, 4, 7, 5] == case.arrays()[0][1, 5, 4, 7]
    assert kernel[9, 1, 2, 0] == case.arrays()[1][9, 0, 1, 2]
    assert (steps, given.keywords) == ([(2, 1), ((1, 0), (1, 0)), (1, 2)], {"groups": 2})


def test_mlx_makes_no_float32_of_a_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(FLOAT64)
    with pytest.raises(NotImplementedError, match=r"^it does not convolve float64$"):
        stub_mlx(monkeypatch)(*case.arrays(), *case.kwargs().values())


def test_tinygrad_is_given_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(DEFAULT)
    given = called(stub_tinygrad(monkeypatch), case)
    for tensor, desired in zip(given.arguments, case.arrays(), strict=True):
        np.testing.assert_array_equal(tensor.array, desired)
    assert given.keywords == {"stride": (2, 1), "padding": [0, 0, 1, 1], "dilation": (1, 2), "groups": 2}


@pytest.mark.parametrize(
    ("steps", "desired"),
    [
        (
            {"stride": (2, 5), "padding": ((1, 0), (2, 3)), "dilation": (4, 7)},
            {11: 3, 12: 4, 13: 2, 14: 1, 16: 0, 19: 0} | {1: 6, 2: 7, 3: 5, 4: 2, 15: 3, 18: 0},
        ),
        (
            {"stride": (2, 5), "padding": (8, 9), "dilation": (4, 7), "output_padding": (0, 1)},
            {11: 3, 12: 4, 13: 2, 14: 8, 16: 8, 19: 0} | {1: 6, 2: 7, 3: 5, 4: 9, 15: 9, 18: 1},
        ),
    ],
)
def test_ncnn_is_told_parameters_by_number(steps: dict[str, Any], desired: dict[int, int]) -> None:
    assert layer_parameters((3, 6), steps) == desired


def test_the_words_of_ncnn_are_numbers_for_all_sides() -> None:
    steps = {"stride": (2,), "padding": "same_lower", "dilation": (1,)}
    assert layer_parameters((3,), steps) == {1: 3, 2: 1, 3: 2, 4: "-234", 15: "-234", 18: 0}
    with pytest.raises(NotImplementedError, match=r"^it has no padding='same'$"):
        layer_parameters((3,), steps | {"padding": "same"})


def test_the_parameters_of_three_axes_in_ncnn() -> None:
    steps = {"stride": (5, 1, 1), "padding": ((6, 7), (0, 0), (0, 0)), "dilation": (4, 1, 1)}
    along_the_depth = {21: 2, 22: 4, 23: 5, 24: 6, 17: 7, 20: 0}
    assert along_the_depth.items() <= layer_parameters((2, 1, 1), steps).items()


def test_ncnn_takes_float32_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stub(monkeypatch, "ncnn")
    case = find_case(FLOAT64)
    with pytest.raises(NotImplementedError, match=r"^it takes float32 alone, and no empty arrays$"):
        FRAMEWORKS["ncnn"].operations["conv2d"]()(*case.arrays(), *case.kwargs().values())


def test_ncnn_is_given_a_layer_and_an_image_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    case = find_case(DEFAULT)
    images: list[Any] = []
    files: dict[str, Any] = {}

    def extract(name: str) -> tuple[int, Any]:
        return 0, images[-1][:1, :2, :3]

    extractor = SimpleNamespace(input=lambda _, image: images.append(image), extract=extract)
    net = SimpleNamespace(
        load_param=lambda path: files.update(structure=Path(path).read_text()),
        load_model=lambda path: files.update(values=Path(path).read_bytes()),
        create_extractor=lambda: extractor,
    )
    stub(monkeypatch, "ncnn", Net=lambda: net, Mat=lambda image: SimpleNamespace(clone=lambda: image))
    output = FRAMEWORKS["ncnn"].operations["conv2d"]()(*case.arrays(), *case.kwargs().values())
    image, weight, bias = case.arrays()
    np.testing.assert_array_equal(images, image)
    assert output.shape == (2, 1, 2, 3)
    assert files["values"] == bytes(4) + weight.tobytes() + bias.tobytes()
    layer = files["structure"].splitlines()[3].split()
    assert layer[:6] == ["ConvolutionDepthWise", "layer", "1", "1", "x", "y"]
    assert set(layer[6:]) >= {"0=10", "5=1", f"6={weight.size}", "7=2", "11=2", "1=3", "13=2", "14=1", "2=2"}


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("conv_transpose1d-n1-c1-o2-g1-5-k3-s2-psame_upper-d1-f32", {"20=10"}),
        ("conv_transpose2d-n1-c1-o2-g1-5x7-k3-s2x3-psame_lower-d1-f32", {"20=21", "21=10"}),
        ("conv_transpose3d-n1-c1-o2-g1-5x7x2-k3-s2x3x4-psame_upper-d1-f32", {"25=8", "26=21", "27=10"}),
        ("conv_transpose2d-n1-c1-o2-g1-5x7-k3-s2x3-p1-d1-f32", set()),
        ("n1-c1-o2-g1-5x7-k3-s2x3-psame_lower-d1-f32", set()),
    ],
)
def test_ncnn_is_told_the_size_that_same_has(name: str, sizes: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    case, layers = find_case(name), []

    def load(path: str) -> int:
        layers.append(Path(path).read_text().splitlines()[3])
        return 1  # it does not load

    stub(monkeypatch, "ncnn", Net=lambda: SimpleNamespace(load_param=load))
    with pytest.raises(RuntimeError, match=r"^it does not load "):
        FRAMEWORKS["ncnn"].operations[case.op]()(*case.arrays(), *case.kwargs().values())
    own = (
        ("25=", "26=", "27=") if "3d" in name else ("20=", "21=")
    )  # in three axes those of two stand for something else
    assert {word for word in layers[0].split() if word[:3] in own} == sizes


def test_a_reader_of_onnx_has_the_weight_in_its_model() -> None:
    onnx = pytest.importorskip("onnx")
    case = find_case(DEFAULT)
    image, weight, bias = case.arrays()
    arrays = {"x": image, "w": weight[:, ::-1], "b": bias}
    graph = onnx.load_from_string(frozen(model_of("Conv", arrays, {"group": 2}), arrays)).graph
    assert [value.name for value in graph.input] == ["x"]
    found = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    assert list(found) == ["w", "b"]
    np.testing.assert_array_equal(found["w"], weight[:, ::-1])
    assert len(graph.output[0].type.tensor_type.shape.dim) == 4


@pytest.mark.parametrize("name", ["openvino", "opencv", "tract"])
def test_what_is_no_type_of_a_reader_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_onnx(monkeypatch)
    helper = sys.modules["onnx"].helper
    for function in ("make_node", "make_graph", "make_model", "make_opsetid"):
        monkeypatch.setattr(helper, function, lambda *_, **__: None, raising=False)
    stub(monkeypatch, "openvino", Core=lambda: None)
    stub(monkeypatch, "cv2", dnn=None)
    stub(monkeypatch, "tract", onnx=lambda: None)
    image, weight = np.ones((1, 1, 2, 2), np.longdouble), np.ones((1, 1, 1, 1), np.longdouble)
    with pytest.raises(NotImplementedError, match=rf"^it computes nothing in {image.dtype}$"):
        FRAMEWORKS[name].operations["conv2d"]()(image, weight, None, (1, 1), (0, 0), (1, 1), 1)


def test_onnx_has_no_operator_of_several_types(monkeypatch: pytest.MonkeyPatch) -> None:
    image, weight, bias = find_case(DEFAULT).arrays()
    for operands in ((image, weight.astype(float), bias), (image, weight, bias.astype(float))):
        with pytest.raises(NotImplementedError, match=r"^its operators take operands of one type$"):
            stub_onnx(monkeypatch)(*operands, (2, 1), (1, 0), (1, 2), 2)


def test_the_onnx_model_is_one_that_every_recent_version_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    helper = SimpleNamespace(
        np_dtype_to_tensor_dtype=lambda dtype: dtype,
        make_tensor_value_info=lambda *value: value,
        make_node=lambda *_, **__: "node",
        make_graph=lambda *graph: graph,
        make_opsetid=lambda *opset: opset,
        make_model=give,
    )
    stub(monkeypatch, "onnx", helper=helper)
    stub(monkeypatch, "onnx.reference", ReferenceEvaluator=None)
    case = find_case(DEFAULT)
    with pytest.raises(Given) as caught:
        FRAMEWORKS["onnx"].operations["conv2d"]()(*case.arrays(), *case.kwargs().values())
    nodes, _, inputs, outputs = caught.value.arguments[0]
    assert nodes == ["node"]
    assert inputs == [
        ("x", np.float32, (2, 6, 7, 9)),
        ("w", np.float32, (10, 3, 2, 3)),
        ("b", np.float32, (10,)),
    ]
    assert outputs == [("y", np.float32, None)]
    # left to itself, onnx writes its own newest versions, which an older onnxruntime refuses
    assert caught.value.keywords == {"opset_imports": [("", 22)], "ir_version": 10}


class RuntimeRefusesError(Exception):
    """As onnxruntime raises it."""


class InvalidArgumentError(Exception):
    """As onnxruntime raises it."""


@pytest.mark.parametrize(
    ("error", "desired", "message"),
    [
        (
            RuntimeRefusesError("[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation"),
            NotImplementedError,
            "^Could not find an implementation$",
        ),
        (
            InvalidArgumentError(
                "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running Conv node. "
                "Name:'' Status Message: Dilation not supported for AutoPadType::SAME_UPPER"
            ),
            NotImplementedError,
            "^Dilation not supported for AutoPadType::SAME_UPPER$",
        ),
        (
            InvalidArgumentError("Input channels C is not equal"),
            InvalidArgumentError,
            "^Input channels C is not equal$",
        ),
        (RuntimeError("not supported"), RuntimeError, "^not supported$"),
    ],
    ids=["not implemented", "not supported", "invalid", "something else"],
)
def test_what_onnxruntime_does_not_support(
    error: Exception, desired: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def session(model: object, options: object, providers: list[str]) -> Any:
        assert providers == ["CPUExecutionProvider"]
        raise error

    helper = SimpleNamespace(
        np_dtype_to_tensor_dtype=lambda dtype: dtype,
        make_tensor_value_info=lambda *_: None,
        make_node=lambda *_, **__: None,
        make_graph=lambda *_: None,
        make_opsetid=lambda *_: None,
        make_model=lambda *_, **__: SimpleNamespace(SerializeToString=lambda: b""),
    )
    stub(monkeypatch, "onnx", helper=helper)
    stub(monkeypatch, "onnxruntime", SessionOptions=SimpleNamespace, InferenceSession=session)
    stub(monkeypatch, "onnxruntime.capi")
    state = "onnxruntime.capi.onnxruntime_pybind11_state"
    errors = {
        "NotImplemented": RuntimeRefusesError,
        "InvalidArgument": InvalidArgumentError,
        "Fail": InvalidArgumentError,
    }
    stub(monkeypatch, state, **errors)
    case = find_case(NUMBERS)
    with pytest.raises(desired, match=message):
        FRAMEWORKS["onnxruntime"].operations["conv2d"]()(*case.arrays(), *case.kwargs().values())


@pytest.mark.parametrize("padding", ["same", "same_upper", "same_lower"])
def test_scipy_has_no_same_of_its_own(padding: str) -> None:
    require("scipy")
    result = run_case("scipy", f"n1-c2-o2-g1-7x9-k3-s1-p{padding}-d1-f32")
    assert (result.outcome, result.detail) == ("unsupported", f"NotImplementedError: it has no padding={padding!r}")


@pytest.mark.parametrize("case", ["n0-c3-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32", "n2-c0-o4-g1-7x8-k3x2-s1-p1-d1-bias-f32"])
def test_scipy_takes_no_empty_arrays(case: str) -> None:
    require("scipy")
    assert run_case("scipy", case).detail == "NotImplementedError: it takes no empty arrays"


@pytest.mark.slow
def test_scipy_beyond_the_smoke_tier() -> None:
    require("scipy")
    # it has no conv2d that could refuse anything
    assert check("scipy", match="rejected", refusals=True).counts() == {
        "passed": 0,
        "differs by convention": 0,
        "less precise": 0,
        "failed": 0,
        "unsupported": 20,
        "not refused": 0,
    }
    report = check("scipy", match="-c6-")
    assert report.counts()["passed"] > 20
    assert not report.failures, str(report)


def test_torch_takes_every_layout() -> None:
    require("torch")
    report = check("torch", match="memory")
    assert report.counts()["passed"] == len(report.results) > 5, str(report)


def test_refconv_supports_the_whole_battery() -> None:
    report = check("refconv")
    assert report.counts() == {
        "passed": len(report.results),
        "differs by convention": 0,
        "less precise": 0,
        "failed": 0,
        "unsupported": 0,
        "not refused": 0,
    }
    assert len(report.results) > 250


def test_packages_to_install() -> None:
    assert {name: dict(framework.packages) for name, framework in FRAMEWORKS.items()} == {
        "refconv": {},
        "scipy": {"scipy": "scipy"},
        "torch": {"torch": "torch"},
        "jax": {"jax": "jax"},
        "onnxruntime": {"onnxruntime": "onnxruntime", "onnx": "onnx"},
        "onnx": {"onnx": "onnx"},
        "tensorflow": {"tensorflow": "tensorflow"},
        "tflite": {"tensorflow": "tensorflow", "flatbuffers": "flatbuffers"},
        "openvino": {"openvino": "openvino", "onnx": "onnx"},
        "opencv": {"cv2": "opencv-python-headless", "onnx": "onnx"},
        "tract": {"tract": "tract", "onnx": "onnx"},
        "paddle": {"paddle": "paddlepaddle"},
        "mlx": {"mlx": "mlx[cpu]"},
        "tinygrad": {"tinygrad": "tinygrad"},
        "ncnn": {"ncnn": "ncnn"},
    }


def test_native_byte_order_keeps_the_layout() -> None:
    swapped = np.asfortranarray(np.arange(6.0).reshape(2, 3)).astype(">f8")
    assert native(swapped).dtype.isnative
    assert native(swapped).strides == swapped.strides
    already = np.arange(3.0)
    assert native(already) is already


def test_a_word_for_every_padding_string() -> None:
    for string in PADDING_STRINGS:
        with pytest.raises(NotImplementedError):
            padding_word(string, {})
        assert padding_word(string, {string: "word"}) == "word"
    assert padding_word("anything", {}) == "anything"


def test_sides_of_an_axis() -> None:
    assert sides_of((1, 0)) == [(1, 1), (0, 0)]
    assert sides_of(((1, 0), (2, 3))) == [(1, 0), (2, 3)]
