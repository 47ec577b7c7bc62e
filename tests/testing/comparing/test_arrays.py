from __future__ import annotations

import sys
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pytest

from refconv import conv2d
from refconv.testing import compare_conv2d
from refconv.testing.comparing.arrays import to_numpy

Array = npt.NDArray[Any]
VALUES = np.array([[1.0, -2.5, 0.25], [4.0, 0.0, -7.0]])  # which the narrowest types hold


def test_arrays_are_handed_through() -> None:
    assert to_numpy("input", VALUES) is VALUES
    assert to_numpy("input", [[1, 2]]).tolist() == [[1, 2]]
    assert to_numpy("input", 5).shape == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "the bias has dtype <U4; it must be a number type (the bias ())"),
        (None, "the bias is None; it must be an array"),
        (np.ma.masked_array([1]), "the bias is a masked array; the mask would be lost, so fill it first"),
    ],
    ids=["text", "None", "masked"],
)
def test_what_is_no_array_is_refused_by_name(value: object, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        to_numpy("the bias", value)
    assert str(caught.value) == message


# By protocol: objects that offer what frameworks offer, and nothing else


class OnADevice:
    """Like CuPy: NumPy's own protocol refuses, and `get` copies."""

    __cuda_array_interface__: dict[str, Any] = {}  # noqa: RUF012

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        raise TypeError("implicit conversion is not allowed")

    def get(self) -> Array:
        return VALUES


class SpeaksDLPack:
    def __init__(self, array: Array) -> None:
        self.array = array

    def __dlpack__(self, **keywords: Any) -> Any:
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class SpeaksBoth(SpeaksDLPack):
    def __array__(self, dtype: object = None, copy: object = None) -> Array:
        return VALUES + 1


class ATensor:
    """Like PyTorch's on a GPU: `detach`, then `cpu`, and only what comes of that is readable."""

    def __init__(self, stage: str = "attached") -> None:
        self.stage = stage

    def detach(self) -> ATensor:
        assert self.stage == "attached"
        return ATensor("detached")

    def cpu(self) -> ATensor:
        assert self.stage == "detached"
        return ATensor("here")

    def __array__(self, dtype: object = None, copy: object = None) -> Array:
        assert self.stage == "here"
        return VALUES


class WithGet:
    """Has a `get` that means something else."""

    def get(self) -> NoReturn:
        raise AssertionError

    def __array__(self, dtype: object = None, copy: object = None) -> Array:
        return VALUES


def test_an_array_on_a_device_is_copied_from_it() -> None:
    assert to_numpy("input", OnADevice()) is VALUES


def test_a_tensor_is_taken_off_its_graph_and_its_device() -> None:
    assert to_numpy("input", ATensor()) is VALUES


def test_what_speaks_dlpack_alone_is_read_through_that() -> None:
    found = to_numpy("input", SpeaksDLPack(VALUES))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, VALUES)


def test_numpys_own_protocol_goes_first() -> None:
    np.testing.assert_array_equal(to_numpy("input", SpeaksBoth(VALUES)), VALUES + 1)
    assert to_numpy("input", WithGet()) is VALUES


def test_a_convolution_of_such_objects() -> None:
    image, kernel = VALUES.reshape(1, 1, 2, 3), np.ones((1, 1, 1, 2))
    truth = conv2d(image, kernel, np.ones(1))
    arrays = [SpeaksDLPack(array) for array in (truth, image, kernel, np.ones(1))]
    assert compare_conv2d(*arrays).passed  # type: ignore[arg-type]
    assert compare_conv2d(SpeaksDLPack(truth + 1), image, kernel, np.ones(1)).mismatched == 4


def test_no_framework_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "jax", "tensorflow", "cupy"):
        monkeypatch.setitem(sys.modules, name, None)
    for value in (VALUES, OnADevice(), ATensor(), SpeaksDLPack(VALUES), VALUES.tolist()):
        np.testing.assert_array_equal(to_numpy("input", value), VALUES)


# The frameworks themselves, where they are installed


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool", "complex64"])
def test_torchs_common_types(name: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    values = np.abs(VALUES).astype(name)
    found = to_numpy("input", torch.from_numpy(values))
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_torchs_narrow_types(name: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    tensor = torch.tensor(VALUES).to(getattr(torch, name))
    for view, expected in [(tensor, VALUES), (tensor.T, VALUES.T), (tensor[:, ::2], VALUES[:, ::2])]:
        found = to_numpy("input", view)
        assert found.dtype == getattr(ml_dtypes, name)
        np.testing.assert_array_equal(found.astype(float), expected)
    assert to_numpy("input", torch.tensor(2.5).to(getattr(torch, name))).astype(float) == 2.5


def test_a_narrow_torch_type_without_ml_dtypes_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(TypeError, match=r"pip install 'refconv\[lowp\]'"):
        to_numpy("input", torch.ones(3, dtype=torch.bfloat16))
    assert to_numpy("input", torch.ones(3)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_torch_with_a_graph(dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.tensor(VALUES, dtype=getattr(torch, dtype), requires_grad=True)
    for value in (tensor, tensor * 1, torch.nn.Parameter(tensor)):
        np.testing.assert_array_equal(to_numpy("input", value).astype(float), VALUES)
    assert tensor.requires_grad


def test_torchs_pending_conjugation_and_negation() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    values = torch.tensor([1 + 2j, -3 + 0.5j])
    conjugate = values.conj()
    assert conjugate.is_conj()
    assert to_numpy("input", conjugate).tolist() == [1 - 2j, -3 - 0.5j]
    negative = conjugate.imag
    assert negative.is_neg()
    assert to_numpy("input", negative).tolist() == [-2, -0.5]


def test_a_subclass_of_torchs_tensor() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    subclass = type("Image", (torch.Tensor,), {"__module__": __name__})
    for dtype in (torch.float32, torch.bfloat16):
        tensor = torch.tensor(VALUES, dtype=dtype).as_subclass(subclass)
        np.testing.assert_array_equal(to_numpy("input", tensor).astype(float), VALUES)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16", "int8"])
def test_jax(name: str) -> None:
    jnp = pytest.importorskip("jax.numpy", reason="jax is not installed")
    found = to_numpy("input", jnp.asarray(VALUES, dtype=name))
    assert found.dtype.name == name
    np.testing.assert_array_equal(found.astype(float), VALUES.astype(np.int8 if name == "int8" else float))


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16", "int8"])
def test_tensorflow(name: str) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="tensorflow is not installed")
    found = to_numpy("input", tensorflow.cast(tensorflow.constant(VALUES), name))
    assert found.dtype.name == name
    np.testing.assert_array_equal(found.astype(float), VALUES.astype(np.int8 if name == "int8" else float))


def test_a_convolution_in_bfloat16_by_torch() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("ml_dtypes", reason="the narrow types come from ml_dtypes")
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 6, 7, 9, generator=generator).bfloat16()
    kernel = torch.randn(4, 3, 3, 2, generator=generator).bfloat16().requires_grad_()
    actual = torch.nn.functional.conv2d(image, kernel, padding=(1, 0), groups=2)
    comparison = compare_conv2d(actual, image, kernel, padding=(1, 0), groups=2)
    assert comparison.passed
    assert comparison.elements == 2 * 4 * 7 * 8
    assert compare_conv2d(actual * 1.1, image, kernel, padding=(1, 0), groups=2).mismatched > 100


def test_a_dlpack_that_fails_says_so() -> None:
    comparison = compare_conv2d(SpeaksDLPack(np.array(["text"])), [[[1.0]]], [[[[1.0]]]])
    assert not comparison.passed
    assert comparison.problem.startswith("BufferError: ")
