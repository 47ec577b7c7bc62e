"""What follows a sum: the truth goes through it, and so does the bound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refconv import conv2d, conv_transpose1d, error_bound, error_bound_of
from refconv.bounds.epilogue import _PROBES, NONE, Epilogue
from refconv.numbers.formats import float_info

SINGLE = float_info(np.float32)
U = 2.0**-24


@pytest.mark.parametrize(
    ("text", "steps", "limits", "slope"),
    [
        ("relu", (), (0, math.inf), 1),
        ("relu6", (), (0, 6), 1),
        ("clamp=-1,2.5", (), (-1, 2.5), 1),
        ("leaky_relu=0.25", (), (-math.inf, math.inf), 0.25),
        ("scale+shift+residual+relu", ("scale", "shift", "residual"), (0, math.inf), 1),
        ("residual", ("residual",), (-math.inf, math.inf), 1),
        ("shift+leaky_relu=-1", ("shift",), (-math.inf, math.inf), -1),
    ],
)
def test_what_is_written_is_read(text: str, steps: tuple[str, ...], limits: Any, slope: float) -> None:
    epilogue = Epilogue.of(text)
    assert (epilogue.text, epilogue.steps, epilogue.limits, epilogue.slope) == (text, steps, limits, slope)


ALL = "scale, shift, residual, relu, relu6, leaky_relu=SLOPE, clamp=LEAST,MOST"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("rely", f"epilogue='rely' has 'rely'; it must be made of {ALL}; did you mean 'relu'?"),
        ("zebra", f"epilogue='zebra' has 'zebra'; it must be made of {ALL}"),
        ("scal+relu", f"epilogue='scal+relu' has 'scal'; it must be made of {ALL}; did you mean 'scale'?"),
        ("shift+scale", "epilogue='shift+scale' must have its steps in the order scale, shift, residual, activation"),
        ("relu+shift", "epilogue='relu+shift' must have its steps in the order scale, shift, residual, activation"),
        ("relu=1", "epilogue='relu=1' must be written relu"),
        ("clamp=2,1", "epilogue='clamp=2,1' must be written clamp=LEAST,MOST, with LEAST <= MOST"),
        ("clamp", "epilogue='clamp' must be written clamp=LEAST,MOST, with LEAST <= MOST"),
        ("leaky_relu=1.5", "epilogue='leaky_relu=1.5' must be written leaky_relu=SLOPE, with a slope of 1 at most"),
        ("clamp=a,b", "epilogue='clamp=a,b': 'a,b' must be numbers, as in clamp=LEAST,MOST"),
    ],
)
def test_what_cannot_be_read(given: str, message: str) -> None:
    with pytest.raises(ValueError, match="epilogue=") as caught:
        Epilogue.of(given)
    assert str(caught.value) == message


def test_other_things_are_no_epilogue() -> None:
    with pytest.raises(TypeError, match=r"^epilogue=3 must be text, a function or a mapping, not int$"):
        Epilogue.of(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"has 'scales'; .*did you mean 'scale'\?$"):
        Epilogue.of({"scales": [1.0]})
    with pytest.raises(
        ValueError, match=r"^epilogue=double must be 1-Lipschitz, .*: it moves \S+ and \S+ further apart \(2 times\)$"
    ):
        Epilogue.of(_named("double", lambda value: 2 * value))
    with pytest.raises(ValueError, match="must return an array of the shape that it gets"):
        Epilogue.of(_named("total", np.sum))


def test_a_function_that_is_steep_between_whole_numbers_is_refused() -> None:
    def steep(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(3 * values, -0.3, 0.3))

    with pytest.raises(ValueError, match=r"^epilogue=steep must be 1-Lipschitz, .*\(3 times\)$"):
        Epilogue.of(steep)


def test_a_function_is_tried_on_both_sides_of_0_in_steps_of_a_32nd_of_an_octave() -> None:
    assert (_PROBES[[0, 1, 640, 641, 642, -1]]).tolist() == [-256, -(2 ** (8 - 1 / 32)), -1 / 4096, 0, 1 / 4096, 256]
    assert _PROBES.size == 2 * (20 * 32 + 1) + 1


def _named(name: str, function: Any) -> Any:
    def own(value: Any) -> Any:
        return function(value)

    own.__name__ = name
    return own


# The truth


def test_the_steps_in_their_order() -> None:
    value = np.array([[[[1.0, -2.0]], [[3.0, -4.0]]]])
    given = {"scale": [2.0, 3.0], "shift": [10.0, 0.5], "residual": value, "activation": "relu"}
    # 2·1 + 10 + 1, 2·−2 + 10 − 2; 3·3 + 0.5 + 3, 3·−4 + 0.5 − 4 and so 0
    assert Epilogue.of(given)(value).tolist() == [[[[13.0, 4.0]], [[12.5, 0.0]]]]


def test_activations() -> None:
    value = np.array([-8.0, -0.5, 0.0, 3.0, 7.0])
    for text, expected in (
        ("relu", [0, 0, 0, 3, 7]),
        ("relu6", [0, 0, 0, 3, 6]),
        ("leaky_relu=0.25", [-2, -0.125, 0, 3, 7]),
        ("clamp=-1,4", [-1, -0.5, 0, 3, 4]),
    ):
        assert Epilogue.of(text)(value).tolist() == expected
    assert Epilogue.of(np.tanh)(value).tolist() == np.tanh(value).tolist()
    assert Epilogue.of("relu6")(np.array([-3, 5, 9])).tolist() == [0, 5, 6]
    assert NONE(value) is value


def test_numbers_must_fit_the_result() -> None:
    value = np.zeros((2, 3, 1, 4))
    with pytest.raises(ValueError, match=r"^epilogue\['scale'\] has shape \(2,\), where \(3,\) was expected$"):
        Epilogue.of({"scale": [1.0, 2.0]})(value)
    with pytest.raises(ValueError, match=r"^epilogue\['residual'\] has shape \(3,\), where \(2, 3, 1, 4\) was"):
        Epilogue.of({"residual": [1.0, 2.0, 3.0]})(value)
    with pytest.raises(
        ValueError, match=r"^epilogue='shift' needs numbers: pass a mapping, epilogue=\{'shift': ...\}$"
    ):
        Epilogue.of("shift")(value)


@pytest.mark.parametrize(
    ("given", "dtype", "problem"),
    [
        ("relu", np.complex64, "epilogue='relu' is for real numbers, not complex64"),
        ("leaky_relu=0.5", np.int64, "epilogue='leaky_relu=0.5' makes no whole numbers of whole numbers"),
        ({"scale": [0.5]}, np.int64, "epilogue='scale' makes no whole numbers of whole numbers"),
        ({"scale": [2]}, np.int64, ""),
        ("relu6", np.int64, ""),
        ({"shift": [1.0]}, np.complex64, ""),
        (np.tanh, np.float32, ""),
    ],
    ids=str,
)
def test_which_types_go_through_it(given: Any, dtype: Any, problem: str) -> None:
    assert Epilogue.of(given).refuse(np.dtype(dtype)) == problem


# The bound


def after(given: Any, value: float, error: float) -> float:
    return float(Epilogue.of(given).after(np.full((1, 1, 1, 1), value), np.full((1, 1, 1, 1), error), SINGLE)[1].item())


def test_a_map_that_moves_no_two_numbers_apart_keeps_the_bound() -> None:
    for text in ("relu", "relu6", "clamp=-9,9"):
        assert after(text, 3.0, 0.25) == 0.25
    assert after("leaky_relu=0.5", 3.0, 0.25) == 0.25
    # below 0 the slope's product is rounded, and it itself may be
    assert after("leaky_relu=0.5", -3.0, 0.25) == 0.25 + 2 * U * 1.5 + SINGLE.smallest
    assert after("clamp=-9,0.1", 3.0, 0.25) == 0.25 + U * 0.1  # a limit that float32 has to round


def test_each_step_adds_its_own_rounding() -> None:
    assert after({"scale": [-3.0]}, 2.0, 0.25) == 0.75 + U * 6.75 + SINGLE.smallest
    assert after({"shift": [4.0]}, 2.0, 0.25) == 0.25 + U * 6.25
    assert after({"residual": np.full((1, 1, 1, 1), -1.0)}, 2.0, 0.25) == 0.25 + U * 1.25
    assert after(np.tanh, 2.0, 0.25) == pytest.approx(0.25 + 4 * U * (math.tanh(2) + 0.25), rel=1e-12)


def test_a_nan_leaves_an_error_as_it_is() -> None:
    value, error = Epilogue.of("relu").after(np.array([np.nan, 1.0]), np.array([0.5, 0.5]), SINGLE)
    assert np.isnan(value[0])
    assert error.tolist() == [0.5, 0.5]


def test_error_bounds_know_epilogues() -> None:
    x, w = np.ones((1, 1, 1, 3), np.float32), np.ones((2, 1, 1, 1), np.float32)
    plain = error_bound(x, w, dtype=np.float32)
    scaled = error_bound(x, w, dtype=np.float32, epilogue={"scale": [1.0, 3.0]})
    # a scale is one rounding more, which may be folded into the weights: 2u/(1 − 2u) for u/(1 − u), and its own
    assert plain * 2**24 == pytest.approx(np.ones((1, 2, 1, 3)), rel=1e-6)
    np.testing.assert_allclose(scaled[0, :, 0, 0] * 2**24, [2 + 1, 3 * (2 + 1)], rtol=1e-6)
    bound = error_bound_of(conv_transpose1d, x[0], w[:, :, 0].reshape(1, 2, 1), dtype=np.float32, epilogue="relu")
    assert bound.shape == (1, 2, 3)


def test_an_honest_fused_kernel_stays_within_its_bound() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 8, 7, 9)).astype(np.float32), rng.normal(size=(6, 8, 3, 2)).astype(np.float32)
    numbers = {step: rng.normal(size=(6,)).astype(np.float32) for step in ("scale", "shift")}
    shape = conv2d(x, w).shape
    numbers["residual"] = rng.normal(size=shape).astype(np.float32)
    given = {**numbers, "activation": "relu"}
    truth = Epilogue.of(given)(conv2d(x, w, dtype=np.float64))
    each = {step: value.reshape(6, 1, 1) if value.ndim == 1 else value for step, value in numbers.items()}
    fused = np.maximum(conv2d(x, w) * each["scale"] + each["shift"] + each["residual"], 0)
    folded = np.maximum(conv2d(x, w * each["scale"][..., None], numbers["shift"]) + each["residual"], 0)
    bound = error_bound(x, w, dtype=np.float32, epilogue=given)
    assert (np.abs(fused - truth) <= bound).all()
    assert (np.abs(folded - truth) <= bound).all()
    assert (np.abs(np.maximum(fused, 1e-3) - truth) > bound).any()
