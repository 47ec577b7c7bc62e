"""What a kernel does to its sums before it returns them: ``activation(scale·sum + shift + residual)``.

Kernels fuse the layers that follow a convolution into it.  The truth follows through the same steps, and so does the
bound: a scale per channel multiplies it, a shift or a residual adds a rounding of its own, and a map that moves no two
numbers further apart than they were, a 1-Lipschitz one such as max(·, 0), leaves it as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from refconv.numbers.dtypes import as_array, is_integral
from refconv.numbers.formats import Array, FloatInfo

EpilogueLike: TypeAlias = "str | Callable[[Array], npt.ArrayLike] | Mapping[str, Any] | Epilogue | None"

STEPS: Final = ("scale", "shift", "residual")  # in this order, and then the activation
NAMED: Final = {"relu": "relu", "relu6": "relu6", "leaky_relu": "leaky_relu=SLOPE", "clamp": "clamp=LEAST,MOST"}
FUNCTION_ROUNDINGS: Final = 4  # that evaluating a function may take: CUDA's libraries grant their own 2 ulps at most
_PROBES: Final = np.sort(np.concatenate([[0.0], *(sign * 2.0 ** np.linspace(-12, 8, 641) for sign in (-1, 1))]))


@dataclass(frozen=True, slots=True)
class Epilogue:
    """The steps after a sum, and, once they are known, the numbers of the first three."""

    text: str = ""  # as on the command line: "scale+shift+residual+relu"; of a function, its name
    steps: tuple[str, ...] = ()  # those of scale, shift and residual that there are
    limits: tuple[float, float] = (-np.inf, np.inf)  # between which results are clipped: (0, inf) of a ReLU
    slope: float = 1.0  # by which numbers below 0 are multiplied
    function: Callable[[Array], npt.ArrayLike] | None = None  # an activation of the caller's own
    # The scale and the shift of each channel, (O,), and the residual, of the shape of the result.
    arrays: Mapping[str, Array] = field(default_factory=dict, compare=False)
    rank: int = field(default=2, compare=False)  # how many axes of space a result has

    @classmethod
    def of(cls, given: EpilogueLike) -> Epilogue:
        """Read what a caller gives: text, a function, or a mapping with the numbers of the steps.

        >>> epilogue = Epilogue.of({"scale": [1.0, 2.0], "activation": "relu6"})
        >>> epilogue.text, epilogue.steps, epilogue.limits
        ('scale+relu6', ('scale',), (0.0, 6.0))
        """
        if given is None or isinstance(given, Epilogue):
            return given or cls()
        if isinstance(given, Mapping):
            return cls._of_mapping(given)
        if callable(given):
            return cls(getattr(given, "__name__", repr(given)), function=_checked(given))
        if not isinstance(given, str):
            raise TypeError(f"epilogue={given!r} must be text, a function or a mapping, not {type(given).__name__}")
        *words, last = given.split("+")
        if last in STEPS:
            words, last = [*words, last], ""
        unknown = [word for word in words if word not in STEPS]
        if unknown and unknown[0].partition("=")[0] not in NAMED:
            raise ValueError(_unknown(given, unknown[0]))
        if words != [step for step in STEPS if step in words]:
            raise ValueError(f"epilogue={given!r} must have its steps in the order scale, shift, residual, activation")
        return replace(_activation(given, last), text=given, steps=tuple(words))

    @classmethod
    def _of_mapping(cls, given: Mapping[str, Any]) -> Epilogue:
        unknown = [name for name in given if name not in (*STEPS, "activation")]
        if unknown:
            raise ValueError(_unknown(dict.fromkeys(given, ...), unknown[0]))
        arrays = {step: as_array(f"epilogue[{step!r}]", given[step]) for step in STEPS if step in given}
        rest = cls.of(given.get("activation"))
        return replace(rest, text="+".join(filter(None, (*arrays, rest.text))), steps=tuple(arrays), arrays=arrays)

    @property
    def rounds(self) -> bool:
        """Whether it rounds even whole numbers of which no step leaves the type."""
        return self.slope != 1 or self.function is not None

    @property
    def clips(self) -> bool:
        """Whether it takes a maximum or a minimum."""
        return self.limits != (-np.inf, np.inf)

    def refuse(self, dtype: np.dtype[Any]) -> str:
        """Return why results of this type cannot go through it; empty where they can."""
        if dtype.kind == "c" and (self.clips or self.slope != 1 or self.function):
            return f"epilogue={self.text!r} is for real numbers, not {dtype}"
        wholes = all(is_integral(array.dtype) for array in self.arrays.values())
        if is_integral(dtype) and (self.slope != 1 or self.function or not wholes):
            return f"epilogue={self.text!r} makes no whole numbers of whole numbers"
        return ""

    def _numbers(self, step: str, value: Array) -> Array:
        """Return the numbers of a step for such a result, in its type."""
        if step not in self.arrays:
            raise ValueError(f"epilogue={self.text!r} needs numbers: pass a mapping, epilogue={{{step!r}: ...}}")
        array, wanted = self.arrays[step], value.shape if step == "residual" else value.shape[-self.rank - 1 :][:1]
        if array.shape != wanted:
            raise ValueError(f"epilogue[{step!r}] has shape {array.shape}, where {wanted} was expected")
        return array.reshape(wanted if step == "residual" else (-1, *(1,) * self.rank)).astype(value.dtype)

    def after(self, value: Array, error: Array, kind: FloatInfo | None) -> tuple[Array, Array]:
        """Return exact sums after all steps, and how far a kernel may be off that was off by `error` before them.

        `kind` is the type in which the kernel does the steps; None where nothing is rounded in them.
        """
        unit, smallest = (kind.unit, kind.smallest) if kind is not None else (0.0, 0.0)
        with np.errstate(all="ignore"):
            if "scale" in self.steps:
                factor = self._numbers("scale", value)
                value, error = value * factor, np.abs(factor) * error
                error = error + unit * (np.abs(value) + error) + smallest
            for step in ("shift", "residual"):
                if step in self.steps:
                    value = value + self._numbers(step, value)
                    error = error + unit * (np.abs(value) + error)
            if self.slope != 1:
                below, value = value < 0, np.where(value < 0, self.slope * value, value)
                error = error + below * (2 * unit * np.abs(value) + smallest)  # the slope may be rounded as well
            if self.function is not None:
                value = np.asarray(self.function(value), value.dtype)
                error = error + FUNCTION_ROUNDINGS * (unit * (np.abs(value) + error) + smallest)
            if self.clips:
                value = _clipped(value, self.limits)
                rounded = error + unit * np.abs(value) * np.isin(value, self.limits)  # a limit may be rounded
                error = np.where(np.isnan(value), error, rounded)
        return value, error

    def __call__(self, value: Array) -> Array:
        """Return what becomes of sums, in their own type."""
        return self.after(value, np.zeros(()), None)[0]


NONE: Final = Epilogue()


def _clipped(value: Array, limits: tuple[float, float]) -> Array:
    if is_integral(value.dtype):
        info = np.iinfo(value.dtype)
        least, most = int(max(limits[0], info.min)), int(min(limits[1], info.max))
        return np.asarray(np.clip(value, least, most))
    return np.asarray(np.clip(value, *limits))


def _activation(given: str, word: str) -> Epilogue:
    """Read an activation: ``"relu"``, ``"relu6"``, ``"leaky_relu=0.1"`` or ``"clamp=-1,1"``."""
    name, equals, numbers = word.partition("=")
    try:
        values = [float(number) for number in numbers.split(",")] if equals else []
    except ValueError:
        raise ValueError(f"epilogue={given!r}: {numbers!r} must be numbers, as in {NAMED.get(name, word)}") from None
    match name, values:
        case "", []:
            return Epilogue()
        case "relu", []:
            return Epilogue(limits=(0.0, np.inf))
        case "relu6", []:
            return Epilogue(limits=(0.0, 6.0))
        case "leaky_relu", [slope] if abs(slope) <= 1:
            return Epilogue(slope=slope)
        case "clamp", [least, most] if least <= most:
            return Epilogue(limits=(least, most))
    if name not in NAMED:
        raise ValueError(_unknown(given, name))
    rule = {"leaky_relu": ", with a slope of 1 at most", "clamp": ", with LEAST <= MOST"}.get(name, "")
    raise ValueError(f"epilogue={given!r} must be written {NAMED[name]}{rule}")


def _unknown(given: object, word: str) -> str:
    near = get_close_matches(word, (*STEPS, *NAMED))
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"epilogue={given!r} has {word!r}; it must be made of {', '.join((*STEPS, *NAMED.values()))}{hint}"


def _checked(function: Callable[[Array], npt.ArrayLike]) -> Callable[[Array], npt.ArrayLike]:
    """Refuse a function that moves two numbers further apart, or that maps an array to another shape."""
    name = getattr(function, "__name__", repr(function))
    values = np.asarray(function(_PROBES.copy()), np.float64)
    if values.shape != _PROBES.shape:
        raise ValueError(f"epilogue={name} must return an array of the shape that it gets, element by element")
    apart, before = np.abs(np.diff(values)), np.diff(_PROBES)
    worst = int(np.argmax(apart - before))
    if not (apart <= before * (1 + 2.0**-20) + 2.0**-50).all():
        pair = " and ".join(f"{number:.4g}" for number in _PROBES[worst : worst + 2])
        moves = f"it moves {pair} further apart ({apart[worst] / before[worst]:.3g} times)"
        raise ValueError(f"epilogue={name} must be 1-Lipschitz, or there is no bound: {moves}")
    return function
