"""A target is called as it wants to be: with whose arrays, in which order of axes, and with which cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refconv
from refconv.numbers.formats import as_dtype
from refconv.testing import TargetError, assert_case, check, find_case, run_case
from refconv.testing.frameworks.torch import tensor
from refconv.testing.interface import Interface

CASE = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"
SEEN: list[Any] = []


def looks(input: Any, weight: Any, bias: Any, *steps: Any) -> Any:
    SEEN[:] = [input, weight, bias, *steps]
    return None


def shapes(op: str, *arguments: Any, **words: Any) -> list[Any]:
    """What a target of an operation is given: the shapes of arrays, and of others what they are."""
    interface, _ = Interface.of(looks, op, **words)
    interface.around(looks)(*arguments)
    return [getattr(value, "shape", value) for value in SEEN]


@pytest.mark.parametrize(
    ("op", "image", "kernel", "layout", "weight_layout", "seen"),
    [
        ("conv1d", (2, 3, 5), (4, 3, 2), "NWC", "WIO", ((2, 5, 3), (2, 3, 4))),
        ("conv1d", (2, 3, 5), (4, 3, 2), "lcn", "oli", ((5, 3, 2), (4, 2, 3))),
        ("conv2d", (2, 3, 5, 7), (4, 3, 6, 8), "NHWC", "HWIO", ((2, 5, 7, 3), (6, 8, 3, 4))),
        ("conv2d", (2, 3, 5, 7), (4, 3, 6, 8), "CHWN", "OHWI", ((3, 5, 7, 2), (4, 6, 8, 3))),
        ("conv2d", (2, 3, 5, 7), (4, 3, 6, 8), "WHCN", None, ((7, 5, 3, 2), (4, 3, 6, 8))),
        ("conv2d", (3, 5, 7), (4, 3, 6, 8), "NHWC", None, ((5, 7, 3), (4, 3, 6, 8))),
        ("conv3d", (2, 3, 5, 7, 9), (4, 3, 6, 8, 1), "NDHWC", "ZHWIO", ((2, 5, 7, 9, 3), (6, 8, 1, 3, 4))),
        ("conv_transpose2d", (2, 3, 5, 7), (3, 4, 6, 8), None, "HWOI", ((2, 3, 5, 7), (6, 8, 4, 3))),
    ],
)
def test_axes_lie_as_a_target_wants_them(
    op: str, image: Any, kernel: Any, layout: str | None, weight_layout: str | None, seen: Any
) -> None:
    arrays = np.zeros(image), np.zeros(kernel), None
    assert tuple(shapes(op, *arrays, layout=layout, weight_layout=weight_layout)[:2]) == seen


def test_steps_and_sizes_of_an_output_stay_and_the_sizes_that_a_gradient_is_told_do_not() -> None:
    gradient = (2, 3, 5, 7), np.zeros((4, 3, 6, 8)), np.zeros((2, 4, 1, 9)), (1, 2), (3, 4), (5, 6), 1
    seen = shapes("conv2d_input", *gradient, layout="NHWC", weight_layout="HWIO")
    assert seen == [(2, 5, 7, 3), (6, 8, 3, 4), (2, 1, 9, 4), (1, 2), (3, 4), (5, 6), 1]
    by_weight = np.zeros((2, 3, 5, 7)), (4, 3, 6, 8), np.zeros((2, 4, 1, 9))
    assert shapes("conv2d_weight", *by_weight, weight_layout="HWIO") == [(2, 3, 5, 7), (6, 8, 3, 4), (2, 4, 1, 9)]


@pytest.mark.parametrize(
    ("op", "layout", "weight_layout", "order"),
    [
        ("conv2d", "NHWC", "HWIO", (0, 3, 1, 2)),
        ("conv2d_weight", "NHWC", "HWIO", (3, 2, 0, 1)),
        ("conv2d_bias", "NHWC", "HWIO", (0, 1, 2, 3)),
    ],
)
def test_a_result_is_read_back(op: str, layout: str, weight_layout: str, order: tuple[int, ...]) -> None:
    result = np.arange(120.0).reshape(2, 3, 4, 5)
    interface, _ = Interface.of(looks, op, layout=layout, weight_layout=weight_layout)
    found = interface.around(lambda *_: result)()
    assert found.tolist() == result.transpose(order).tolist()


@pytest.mark.parametrize("result", [None, "text", np.zeros(3), np.zeros((1, 1, 1, 1, 1))])
def test_what_is_no_result_of_so_many_axes_stays(result: Any) -> None:
    interface, _ = Interface.of(looks, "conv2d", layout="NHWC")
    assert interface.around(lambda *_: result)() is result


def channels_last(input: Any, weight: Any, bias: Any, *steps: Any) -> Any:
    assert all(array is None or (array.flags.c_contiguous and array.flags.writeable) for array in (input, weight, bias))
    image, kernel = np.moveaxis(input, -1, -3), weight.transpose(3, 2, 0, 1)
    return np.moveaxis(refconv.conv2d(image, kernel, bias, *steps), -3, -1)


def test_a_kernel_with_its_channels_last_is_right_by_its_layouts() -> None:
    said: Any = {"layout": "NHWC", "weight_layout": "HWIO"}
    report = check(channels_last, "smoke", **said)
    assert report.headline() == "RIGHT in all 20 cases"
    assert report.command == "refconv check channels_last --layout NHWC --weight-layout HWIO"
    assert check(channels_last, "smoke", match="k2x3").failures
    assert check(
        channels_last, match="strided or fortran or big_endian", **said
    ).passed  # where operands are strided, it gets plain ones
    assert_case(channels_last, CASE, **said)


def test_wrong_numbers_of_a_kernel_with_its_channels_last_are_told_where_they_are() -> None:
    def wrong(*arguments: Any) -> Any:
        output = channels_last(*arguments)
        output[0, 3, 4, 1] += 1  # image 0, row 3, column 4, channel 1
        return output

    report = check(wrong, cases=[CASE], layout="NHWC", weight_layout="HWIO")
    (failure,) = report.failures
    assert failure.comparison is not None
    assert failure.comparison.worst_index == (0, 1, 3, 4)
    assert "layout='NHWC', weight_layout='HWIO'))" in report.reproduction(failure)


@pytest.mark.parametrize("words", [{"layout": "NHWC"}, {"arrays": "numpy"}])
def test_a_kernel_that_writes_to_what_it_is_given_is_told_behind_a_copy(words: Any) -> None:
    def writes(input: Any, weight: Any, bias: Any, *steps: Any) -> Any:
        images = np.moveaxis(input, -1, -3) if words == {"layout": "NHWC"} else input
        output = refconv.conv2d(images, weight, bias, *steps)
        weight[...] = 0
        return np.moveaxis(output, -3, -1) if words == {"layout": "NHWC"} else output

    for case in (CASE, f"{CASE}-strided"):
        assert [finding.code for finding in run_case(writes, case, **words).findings] == ["mutates-inputs"]


def test_strides_are_asked_for() -> None:
    image, kernel, bias = find_case(f"{CASE}-strided").arrays()
    shapes("conv2d", image, kernel, bias, arrays="numpy")
    assert SEEN[0].flags.c_contiguous
    shapes("conv2d", image, kernel, bias, arrays="numpy", strides=True)
    assert SEEN[0] is image


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "complex64", "int8", "uint8"])
def test_it_gets_tensors_of_the_type(torch: Any, dtype: str) -> None:
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    image = np.arange(24).reshape(1, 2, 3, 4).astype(as_dtype(dtype))
    shapes("conv2d", image, image, None, arrays="torch")
    assert SEEN[0].dtype == getattr(torch, dtype)
    assert SEEN[0].tolist() == image.astype(complex if dtype == "complex64" else float).tolist()
    assert SEEN[2] is None


@pytest.mark.usefixtures("torch")
def test_they_are_contiguous_unless_strides_are_asked_for() -> None:
    image = np.arange(48.0).reshape(1, 2, 3, 8)[..., ::2]
    shapes("conv2d", image, image, None, arrays="torch")
    assert SEEN[0].is_contiguous()
    shapes("conv2d", image, image, None, arrays="torch", strides=True)
    assert SEEN[0].stride() == (48, 24, 8, 2)


@pytest.mark.usefixtures("torch")
def test_a_device_keeps_strides() -> None:
    image = np.arange(48.0).reshape(1, 2, 3, 8)[..., ::2]
    moved = tensor(image, "meta")
    assert (moved.device.type, moved.stride(), tuple(moved.shape)) == ("meta", (48, 24, 8, 2), (1, 2, 3, 4))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_kernel_of_torch_is_right_by_one_option(torch: Any) -> None:
    def convolves(input: Any, weight: Any, bias: Any, stride: Any, padding: Any, *steps: Any) -> Any:
        if not isinstance(padding, str) and isinstance(padding[0], tuple):
            raise NotImplementedError("both sides alike")
        return torch.nn.functional.conv2d(input, weight, bias, stride, padding, *steps)

    report = check(convolves, "smoke", arrays="torch")
    assert report.passed
    reasons = {result.detail for result in report.results if result.outcome == "unsupported"}
    assert "NotImplementedError: Invalid padding string: 'same_upper'" in reasons


def test_a_device_that_is_not_there(torch: Any) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TargetError, match=r"^device='cuda' is not there: "):
        run_case(looks, CASE, arrays="torch", device="cuda")


def test_jax_keeps_64_bits() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    shapes(
        "conv2d", np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2), np.float32)[..., ::-1], None, arrays="jax", device="cpu"
    )
    assert isinstance(SEEN[0], jax.Array)
    assert [str(array.dtype) for array in SEEN[:2]] == ["float64", "float32"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"layout": "NHWX"}, ValueError, "layout='NHWX' must be the letters of 'NCHW' in some order; did you mean 'NHWC'?"),
        ({"layout": "NHC"}, ValueError, "layout='NHC' must be the letters of 'NCHW' in some order; did you mean 'NHWC'?"),
        ({"weight_layout": "HWI0"}, ValueError, "weight_layout='HWI0' must be the letters of 'OIHW' in some order"),
        ({"arrays": "tensors"}, ValueError, "arrays='tensors' must be one of 'numpy', 'torch', 'jax'"),
        ({"arrays": "torch", "device": "cdua:1"}, ValueError, "device='cdua:1' must be one of cpu, cuda, mps, xpu for arrays='torch'; did you mean 'cuda'?"),
        ({"arrays": "jax", "device": "mps"}, ValueError, "device='mps' must be one of cpu, gpu, cuda, rocm, tpu for arrays='jax'"),
        ({"device": "cuda"}, ValueError, "device='cuda' must be None for arrays=None: torch and jax have devices"),
        ({"arrays": "jax", "strides": True}, ValueError, "strides=True must be False for arrays='jax'"),
        ({"layuot": "NHWC"}, TypeError, "layuot= is no argument here; did you mean layout=?"),
        ({"supports": "float33"}, ValueError, "supports='float33' must be one of float32, float64"),
        ({"supports": "no-dilatoin"}, ValueError, "did you mean 'no-dilation'?"),
        ({"supports": "no-float32"}, ValueError, "supports='no-float32' must be one of"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_refused(words: Any, error: type[Exception], message: str) -> None:
    for call in (lambda: run_case(looks, CASE, **words), lambda: check(looks, "smoke", **words)):
        with pytest.raises(error) as caught:
            call()
        assert message in str(caught.value)


@pytest.mark.parametrize("target", ["torch", "exec:cat"])
def test_what_makes_its_own_arrays_is_given_none(target: str) -> None:
    with pytest.raises(ValueError, match=r"^arrays='torch' must be None for "):
        check(target, "smoke", arrays="torch")


@pytest.mark.parametrize(("name", "value"), [("layout", "NHWC"), ("device", "cuda")])
def test_a_framework_has_an_adapter_of_its_own(name: str, value: str) -> None:
    refusal = rf"^{name}='{value}' must be None for 'refconv', which has an adapter of its own$"
    with pytest.raises(ValueError, match=refusal):
        check("refconv", "smoke", **{name: value})  # type: ignore[arg-type]


def test_a_framework_may_be_asked_for_what_it_supports() -> None:
    assert check("refconv", "smoke", supports="no-groups").passed


def test_what_is_not_said_to_be_supported_is_not_run() -> None:
    def undefined(input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
        assert groups == 1
        assert input.dtype == np.float32
        return refconv.conv2d(input, weight, bias, stride, padding, dilation, groups)

    report = check(undefined, "smoke", supports="float32,no-groups")
    assert report.headline() == "RIGHT in the 14 of 20 cases that it supports"
    assert report.command.endswith(" --supports float32,no-groups")
    assert {result.detail for result in report.results if result.outcome == "unsupported"} == {
        "not said to be supported: groups",
        "not said to be supported: float64",
    }
    assert check(undefined, "smoke", supports=("float32", "no-groups")).passed
    assert not check(undefined, "smoke", supports="no-groups").passed
