"""A convolution of 8-bit numbers taken apart, and the mistakes that only it knows.

Its reading is that of the differences from the zero points, so that every mistake of a convolution means the same here:
what is new is that a zero point stands in the padding, and what becomes of the sum, ``round(sum·M) + Z_y``, saturated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Any, Final

import numpy as np

from refconv.numbers.formats import Array
from refconv.quantized.convolution import scales_of
from refconv.testing.diagnosis.directions import Convolution
from refconv.testing.diagnosis.mistakes import Change, Mistake
from refconv.testing.diagnosis.reading import Places

SIXTEEN_BITS: Final = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class EightBits(Convolution):
    """The output of a convolution of 8-bit numbers is asked for; input and weight are the differences."""

    input_zero: int = 0  # Z_x
    weight_zero: Array = field(default_factory=lambda: np.zeros(1, np.int64))  # Z_w, (O,)
    output_zero: int = 0  # Z_y
    least: tuple[int, int] = (0, 0)  # the least numbers of the input's type and of the weight's
    units: tuple[Fraction, ...] = ()  # S_x·S_w in each output channel; empty where the sum is the result
    unit: Fraction = Fraction(1)  # S_y
    limits: tuple[int, int] = (0, 0)  # of the output's type
    rounding: Callable[[Fraction], int] = round  # from sum·M to a whole number
    bias_unit: Fraction | None = None  # what one unit of the bias stands for, if not one of the sum
    wraps: bool = False  # whether what is beyond the type keeps its last 8 bits
    # Whether two products at a time are added up in 16 bits that saturate: "", or neighbours in the order
    # "channels first" or "channels last" with the input made unsigned, or the "weight".
    pairs: str = ""

    def values(self, places: Places) -> Array:
        """Return the elements at some places."""
        sums = Convolution.values(self, places)
        if not self.units:
            return sums
        images, channels, *_ = self.origin(places, self.shape)
        biases = np.zeros_like(sums) if self.bias_unit is None else self.bias[images, channels]
        late = (self.bias_unit or 0) / self.unit
        multipliers = [unit / self.unit for unit in self.units]
        added = zip(sums, biases, channels, strict=True)
        exact = ((int(total - bias) * multipliers[o], int(bias) * late) for total, bias, o in added)
        numbers = np.array([self.rounding(product + more % 1) + math.floor(more) for product, more in exact], np.int64)
        least, largest = self.limits
        numbers += self.output_zero
        return (numbers - least) % 256 + least if self.wraps else np.clip(numbers, least, largest)

    def _added(self, *places: Array) -> Array:
        """Return what is added to the products of each element: the bias, and what saturated pairs are short of."""
        bias = self.bias[places[0], places[1]]
        if not self.pairs:
            return np.asarray(bias)
        one, other = self._gathered(*places)
        zeros = self.weight_zero[places[1]].reshape(-1, *(1,) * (other.ndim - 1))
        unsigned = (0, self.least[1]) if self.pairs == "weight" else (self.least[0], 0)
        products = (one + (self.input_zero - unsigned[0])) * (other + zeros - unsigned[1])
        if self.pairs == "channels last":
            products = np.moveaxis(products, 1, -1)
        flat = products.reshape(len(products), -1)
        pairs = np.pad(flat, ((0, 0), (0, flat.shape[1] % 2))).reshape(len(flat), -1, 2).sum(axis=2)
        return np.asarray(bias + (np.clip(pairs, SIXTEEN_BITS.min, SIXTEEN_BITS.max) - pairs).sum(axis=1))


def eight_bits(reading: Mapping[str, Any], operands: Mapping[str, Array], told: Mapping[str, Any]) -> EightBits:
    """Return the right reading, given that of the numbers as they are."""
    zeros = np.broadcast_to(np.int64(told.get("weight_zero_point", 0)), len(reading["weight"])).astype(np.int64)
    limits = np.iinfo(operands["input"].dtype)
    more: dict[str, Any] = {}
    if "output_scale" in told:
        scales = scales_of(
            told["input_scale"], told["weight_scale"], told["output_scale"], channels=reading["weight"].shape[:1]
        )
        units = tuple(np.broadcast_to(np.array(scales.sums), len(zeros)))
        more = {"units": units, "unit": scales.output, "output_zero": int(told["output_zero_point"])}
    input_zero = int(told.get("input_zero_point", 0))
    differences = {
        "input": reading["input"].astype(np.int64) - input_zero,
        "weight": reading["weight"].astype(np.int64) - zeros.reshape(-1, *(1,) * (reading["weight"].ndim - 1)),
        "bias": reading["bias"].astype(np.int64),
    }
    return EightBits(
        **{**reading, **differences},
        input_zero=input_zero,
        weight_zero=zeros,
        least=(int(limits.min), int(np.iinfo(operands["weight"].dtype).min)),
        limits=(int(limits.min), int(limits.max)),
        **more,
    )


def _changed(change: Callable[[EightBits], EightBits]) -> Change:
    """Return the change as one of any reading; of others than 8 bits it changes nothing."""
    return lambda reading: change(reading) if isinstance(reading, EightBits) else reading


def _weight_plus(more: Callable[[EightBits], Array]) -> Change:
    """Add numbers, to be broadcast over the weight, to what it is."""
    return _changed(lambda reading: replace(reading, weight=reading.weight + more(reading)))


def _scaled(parts: Callable[[EightBits], dict[str, Any]]) -> Change:
    """Change what becomes of the sum, where anything does."""
    return _changed(lambda reading: replace(reading, **parts(reading)) if reading.units else reading)


def _padded(reading: EightBits, number: int) -> EightBits:
    """Put a number, as a difference from the zero point, into the padding."""
    sides = [axis.padding for axis in reading.axes]
    if not number or not any(map(any, sides)):
        return reading
    image = np.pad(reading.input, ((0, 0), (0, 0), *sides), constant_values=number)
    whole = replace(reading, input=image)
    return whole.with_axes(lambda axis: replace(axis, input_size=axis.input_size + sum(axis.padding), padding=(0, 0)))


def _with_input(reading: EightBits, more: int) -> EightBits:
    """Add a number to what is read of the input, its padding included."""
    return replace(_padded(reading, more), input=_padded(replace(reading, input=reading.input + more), more).input)


def _column(reading: EightBits) -> Array:
    """Return Z_w, to be broadcast over the weight."""
    return reading.weight_zero.reshape(-1, *(1,) * (reading.weight.ndim - 1))


def _swapped(reading: EightBits) -> EightBits:
    """Subtract each zero point from the other array."""
    own, other = reading.input_zero, int(reading.weight_zero[0])
    if (reading.weight_zero != other).any():
        return reading
    return replace(_with_input(reading, own - other), weight=reading.weight + (other - own))


def _of_first_group(units: tuple[Fraction, ...], reading: EightBits) -> tuple[Fraction, ...]:
    each = len(units) // reading.groups
    return tuple(units[o % each] for o in range(len(units)))


_DIFFERENCE: Final = "(input − Z_x)·(weight − Z_w) is added up, with Z_x in the padding"
_ROUNDED: Final = "sum·M is rounded to the nearest whole number, halves to the even one"
_SATURATE: Final = "what is beyond the type's range becomes the nearest number within it"
_BIAS: Final = "the bias is added to the sum before it is scaled: it counts in units of S_x·S_w[o]"

EIGHT_BITS: Final = (
    Mistake("padded-with-zero", _changed(lambda reading: _padded(reading, -reading.input_zero)), is_common=True).says(
        "the padding holds the number 0, not the zero point", "the padding stands for 0, and so holds Z_x"
    ),
    Mistake(
        "input-zero-point-forgotten",
        _changed(lambda reading: replace(reading, input=reading.input + reading.input_zero)),
    ).says("the zero point of the input is not subtracted", _DIFFERENCE),
    Mistake("input-zero-point-forgotten", _changed(lambda reading: _with_input(reading, reading.input_zero))).says(
        "the zero point of the input stands in the padding, and is not subtracted", _DIFFERENCE
    ),
    Mistake("weight-zero-point-forgotten", _weight_plus(_column), is_common=True).says(
        "the zero point of the weight is not subtracted", _DIFFERENCE
    ),
    Mistake("weight-zero-point-added", _weight_plus(lambda reading: 2 * _column(reading))).says(
        "the zero point of the weight is added, not subtracted", _DIFFERENCE
    ),
    Mistake("input-zero-point-added", _changed(lambda reading: _with_input(reading, 2 * reading.input_zero))).says(
        "the zero point of the input is added, not subtracted", _DIFFERENCE
    ),
    Mistake("zero-points-swapped", _changed(_swapped)).says(
        "the zero point of the input is subtracted from the weight, and that of the weight from the input", _DIFFERENCE
    ),
    Mistake(
        "weight-zero-point-of-first-channel", _weight_plus(lambda reading: _column(reading) - reading.weight_zero[0])
    ).says("the zero point of the first kernel is taken for all", "kernel o has the zero point Z_w[o]"),
    *(
        Mistake("pairs-saturate-in-16-bits", _changed(partial(replace, pairs=order))).says(
            f"products are added up in pairs in 16 bits, which saturate, {how}",
            "a sum of two products of 8 bits takes 17 bits, the whole sum 32",
        )
        for order, how in {
            "channels first": "channels first",
            "channels last": "channels last",
            "weight": "the weight taken for numbers without a sign",
        }.items()
    ),
    Mistake("wraps-for-saturation", _scaled(lambda _: {"wraps": True}), is_common=True).says(
        "what is beyond 8 bits wraps round", _SATURATE
    ),
    Mistake("scale-of-first-channel", _scaled(lambda reading: {"units": reading.units[:1] * len(reading.units)})).says(
        "the scale of the first kernel is taken for all", "output channel o has the scale S_w[o]"
    ),
    Mistake("scales-of-first-group", _scaled(lambda reading: {"units": _of_first_group(reading.units, reading)})).says(
        "every group is scaled with the first group's scales", "output channel o has the scale S_w[o]"
    ),
    Mistake("rounds-toward-zero", _scaled(lambda _: {"rounding": math.trunc})).says(
        "it cuts off what is behind the point", _ROUNDED
    ),
    Mistake("rounds-down", _scaled(lambda _: {"rounding": math.floor})).says("it rounds down", _ROUNDED),
    Mistake("output-zero-point-forgotten", _scaled(lambda _: {"output_zero": 0})).says(
        "the zero point of the output is not added", "Z_y is added to what is rounded, before it saturates"
    ),
    Mistake(
        "clamped-at-the-zero-point", _scaled(lambda reading: {"limits": (reading.output_zero, reading.limits[1])})
    ).says("a ReLU is applied: nothing is below the zero point of the output", _SATURATE),
    Mistake(
        "clamped-at-zero", _scaled(lambda reading: {"limits": (max(0, reading.limits[0]), reading.limits[1])})
    ).says(
        "nothing is below the number 0, where a ReLU of real numbers would be",
        "a ReLU's 0 is the zero point Z_y; here there is none",
    ),
    Mistake("bias-in-units-of-the-output", _scaled(lambda reading: {"bias_unit": reading.unit})).says(
        "the bias is added after scaling, in units of the output's scale", _BIAS
    ),
    Mistake("bias-not-scaled", _scaled(lambda _: {"bias_unit": Fraction(1)})).says(
        "the bias is taken for real numbers, as if its scale were 1", _BIAS
    ),
    Mistake("bias-in-units-of-the-first-channel", _scaled(lambda reading: {"bias_unit": reading.units[0]})).says(
        "the bias counts in units of the first kernel's scale in every channel", _BIAS
    ),
)
