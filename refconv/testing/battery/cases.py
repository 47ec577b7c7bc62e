"""A case: an operation with arguments, the arrays to call it with, and the truth.

A case is its name: `names` reads it.  The seed is made from the name, so that the name alone brings back the same
arrays on every machine.
"""

from __future__ import annotations

import inspect
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import cycle
from typing import Any, Final, TypeAlias

import numpy as np

from refconv.bounds.arithmetic import DIRECT, Arithmetic
from refconv.bounds.summation import Precision
from refconv.bounds.sums import for_all, magnitude
from refconv.bounds.winograd import WINOGRAD
from refconv.geometry.arguments import IntOrPair, PaddingLike
from refconv.geometry.plan import ConvGeometry
from refconv.numbers.dtypes import is_integral, result_dtype, wide_dtype
from refconv.numbers.formats import Array, as_dtype, float_info
from refconv.operations import OPERATIONS, Call, Operation
from refconv.testing.battery.data import BIASES, DATA, LARGEST, ROUNDED, exact_magnitude, integers, normals, uniforms
from refconv.testing.battery.eight_bits import operands_of, quantities_of
from refconv.testing.battery.layouts import LAYOUTS
from refconv.testing.comparing.compare import compare_by_convention
from refconv.testing.comparing.comparison import Comparison
from refconv.testing.comparing.reference import Reference, Standard
from refconv.testing.comparing.standards import in_format

__all__ = ["Case"]

Shape: TypeAlias = tuple[int, ...]

DTYPES: Final = {
    "f32": "float32",
    "f64": "float64",
    "f16": "float16",
    "bf16": "bfloat16",
    "i8": "int8",
    "u8": "uint8",
    "c64": "complex64",
    "c128": "complex128",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
}
INTEGERS: Final = ("i8", "u8", "i16", "i32", "i64")
MOST_NUMBERS: Final = 1 << 24  # of an array, and
MOST_WORK: Final = 1 << 34  # multiplications, of a case that is computed in full
RANDOM: Final = "random"  # the family of cases that no list has
REJECTED: Final = "rejected"  # and of those that ought to be refused


def has_ml_dtypes() -> bool:
    """Whether ml_dtypes is installed, and with it bfloat16."""
    return find_spec("ml_dtypes") is not None


@dataclass(frozen=True, slots=True)
class Case:
    """One set of arguments for an operation, with reproducible arrays and the truth.

    Parameters
    ----------
    id : str
        Its name, which for a valid case says everything else.
    input_shape, weight_shape, bias_shape : tuple of int
        (N, C, H, W) or (C, H, W); (O, C/G, K_h, K_w); (O,) or None; of another operation, as it has them.  A gradient
        has those of the convolution whose gradient it is.
    stride, padding, dilation, groups
        As in `refconv.conv2d`, in the form in which a target gets them: pairs, ``((T, B), (L, R))`` or a string.
    dtype : str
        The type of the arrays: ``"f32"``, ``"f64"``, ``"f16"``, ``"bf16"`` (which needs ml_dtypes), ``"c64"``,
        ``"c128"``, ``"i8"``, ``"u8"``, ``"i16"``, ``"i32"`` or ``"i64"``.  A result has the same one, save for
        integers: these are exact in any type that holds them.
    data : str
        ``"exact"``: whole numbers so small that every partial sum, in any order, is exact; the result must be equal.
        ``"real"``: normal numbers; the result must be within the bound.  ``"nan"`` and ``"inf"``: exact, with those
        in the input.  ``"zero"``: exact, and all products cancel.  ``"cancel"``: real, and huge products cancel.
        ``"negzero"``: an input of zeros of both signs.  ``"ones"``: ones throughout, so that an output counts what it
        adds up.  ``"onetap"``: numbered pixels, and one tap for each output channel, so that an output names its pixel.
        ``"subnormal"``: exact, and below the least normal number.  ``"nanweight"`` and ``"infweight"``: exact, with
        those in the kernel.  ``"spread"``: real, with exponents far apart.  ``"extreme"``: of integers, the least and
        the largest that there are.  ``"subnormalweight"``: exact, and the kernel is what is subnormal.
        ``"pruned"``: exact, and most weights are 0, all of the last kernel's among them.
        ``"overflow"``: real, and half of the sums overflow.  ``"uniform"``: real, pixels from 0 to 1 and weights within
        ±1/√n, n the numbers of one kernel.  ``"nanbias"``, ``"infbias"`` and ``"zerobias"``: exact,
        with those, zeros of both signs, in the bias.  Of 8-bit numbers, see `eight_bits`.
    layout : str
        How the arrays lie in memory.
    family : str
        What the case is there for: its row in the report.
    rejects : str
        What is wrong with the arguments, if a target ought to refuse them; empty for a valid case.
    op : str
        The operation: one of `refconv.operations.OPERATIONS`, such as ``"conv2d"`` or ``"conv_transpose1d_weight"``.
    output_padding, output_size : tuple of int
        Of a transposed convolution; the size is empty where it follows from the rest.
    grad_output_shape : tuple of int
        Of a gradient, the shape of the output's.
    arithmetic : Arithmetic
        How the kernel works that is asked: exact data are such that nothing is rounded in it.
    largest : int
        The largest whole number that exact data may hold.
    other_dtype, bias_dtype : str
        The type of the second factor and of the bias, where that is another one.  The data are exact in all of them,
        and a result may have any one of them: there is no convention.
    laid_out : str
        The only array that the layout is of, such as ``"weight"``; all, where that is empty.
    threads : bool
        Whether it is called from other threads than the main one as well, and from two at once.
    is_searched : bool
        Whether a failure is compared with what every known mistake predicts, which takes longer than all else.

    Examples
    --------
    >>> from refconv.testing import find_case
    >>> case = find_case("n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32")
    >>> case.input_shape, case.weight_shape, case.bias_shape
    ((2, 6, 7, 9), (10, 3, 2, 3), (10,))
    >>> case.kwargs()
    {'stride': (2, 1), 'padding': (1, 0), 'dilation': (1, 2), 'groups': 2}
    >>> case.expected().shape
    (2, 10, 4, 5)
    >>> import refconv
    >>> print(case.check(refconv.conv2d(*case.arrays(), **case.kwargs())))
    all 400 elements agree

    Of a gradient, one of the three leading arguments is a shape.

    >>> case = find_case("conv2d_weight-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32")
    >>> image, weight_size, grad_output = case.arrays()
    >>> image.shape, weight_size, grad_output.shape
    ((2, 6, 7, 9), (10, 3, 2, 3), (2, 10, 4, 5))
    """

    id: str
    input_shape: tuple[int, ...]
    weight_shape: tuple[int, ...]
    bias_shape: tuple[int, ...] | None = None
    stride: IntOrPair = (1, 1)
    padding: PaddingLike = (0, 0)
    dilation: IntOrPair = (1, 1)
    groups: int = 1
    dtype: str = "f32"
    data: str = "exact"
    layout: str = "contiguous"
    family: str = field(default="", compare=False)
    rejects: str = ""
    op: str = "conv2d"
    output_padding: tuple[int, ...] = (0, 0)
    output_size: Shape = ()
    grad_output_shape: Shape = ()
    arithmetic: Arithmetic = field(default=DIRECT, compare=False)
    largest: int = field(default=LARGEST, compare=False)
    other_dtype: str = ""
    bias_dtype: str = ""
    laid_out: str = ""
    threads: bool = False
    is_searched: bool = field(default=True, compare=False)

    def __str__(self) -> str:
        return self.id

    @property
    def operation(self) -> Operation:
        """What is asked for."""
        return OPERATIONS[self.op]

    def kwargs(self) -> dict[str, Any]:
        """Return stride, padding and the other parameters, by name and in the operation's order."""
        return {name: getattr(self, name) for name in self.operation.parameters}

    def arrays(self) -> tuple[Any, ...]:
        """Return the leading arguments, such as (input, weight, bias).

        The arrays are new, of the same values at every call and on every machine; a bias that is not there is None, and
        the size that a gradient is to have is a tuple.
        """
        return self.arguments(self.operands())[: len(self.operation.leading)]

    def arguments(self, operands: Mapping[str, Array]) -> tuple[Any, ...]:
        """Return all arguments in the operation's order, as a target gets them, with these arrays in their places."""
        leading = {**operands, **self._told}
        return *(leading.get(name) for name in self.operation.leading), *self.kwargs().values()

    def called(self, target: Callable[..., Any], operands: Mapping[str, Array]) -> Any:
        """Return what a target makes of these arrays under the case's parameters."""
        arguments = self.arguments(operands)
        if not self.output_size:
            return target(*arguments, **self._steps())
        if not _takes_output_size(target):
            raise NotImplementedError("it takes no output_size")
        return target(*arguments, output_size=self.output_size, **self._steps())

    def operands(self) -> dict[str, Array]:
        """Return new arrays by name: the factors, in the operation's order, and the bias where there is one."""
        bits = np.random.PCG64(zlib.crc32(self.id.encode()))
        shapes = {name: getattr(self, f"{name}_shape") for name in (*self.operation.factors, "bias")}
        if self.operation.arithmetic:
            there = {name: shape for name, shape in shapes.items() if shape is not None}
            whole = operands_of(bits, there, self.dtypes, self.data, self.products)
            return {name: self.in_memory(name, array) for name, array in whole.items()}
        most = 0 if self.data in ROUNDED else max(1, self.largest_number())
        values = {name: self._values(bits, shape, name, most) for name, shape in shapes.items() if shape is not None}
        image, kernel = (*(values[name] for name in self.operation.factors), np.ones((1, 1)))[:2]
        DATA[self.data](image, kernel, self.numpy_dtype)
        for place, number in zip(range(len(values.get("bias", ()))), cycle(BIASES.get(self.data, (None,)))):
            if number is not None:
                values["bias"][place] = number
        return {name: self.in_memory(name, values[name]) for name in self.operation.leading if name in values}

    def drawn_anew(self, draw: int) -> Case:
        """Return the same case with other numbers, whose seed is its name."""
        return replace(self, id=f"{self.id}+{draw}")

    def declared(self, arithmetic: Arithmetic) -> Case:
        """Return the case as a kernel is asked it that works like this; where Winograd's algorithm cannot, directly.

        Whole numbers of a transform are so small, if that can be, that it errs by less than a half.
        """
        if self.rejects or (arithmetic == self.arithmetic and not arithmetic.epilogue.text):
            return self
        if arithmetic.algorithm in WINOGRAD and not WINOGRAD[arithmetic.algorithm].fits(self.plan):
            arithmetic = replace(arithmetic, algorithm="direct")
        case = replace(self, arithmetic=arithmetic)
        if arithmetic.algorithm == "direct" or self.data != "exact":
            return case
        return replace(case, largest=case.largest_below_a_half(case.reference().allowed))

    def largest_below_a_half(self, errors: Array) -> int:
        """Return the largest whole numbers for which errors, in proportion to products, are below 1/2; at least 1."""
        worst = float(np.max(errors, initial=0.0, where=np.isfinite(errors)))
        return max(1, min(self.largest, int(self.largest_number() * math.sqrt(0.49 / max(worst, 0.49)))))

    def _steps(self) -> dict[str, Array]:
        """Return the numbers of the epilogue's steps, by name: what a target is given beside its arguments."""
        steps, plan = self.arithmetic.epilogue.steps, self.plan if self.arithmetic.epilogue.steps else None
        if plan is None:
            return {}
        bits = np.random.PCG64(zlib.crc32(f"{self.id}+epilogue".encode()))
        shape = (plan.input_shape if self.operation.is_transposed else plan.output_shape)[not plan.batched :]
        channels, most = shape[-len(plan.axes) - 1 :][:1], max(1, self.largest_number())
        values = {step: self._values(bits, shape if step == "residual" else channels, step, most) for step in steps}
        if "scale" in steps and self.data not in ROUNDED:
            values["scale"] = np.where(values["scale"].real > 0, 2.0, -1.0)  # so that nothing is rounded
        return {step: value.astype(self.numpy_dtype) for step, value in values.items()}

    @property
    def how(self) -> Arithmetic:
        """How the kernel works, with the numbers of its epilogue."""
        if not self.arithmetic.epilogue.steps:
            return self.arithmetic
        return replace(self.arithmetic, epilogue=replace(self.arithmetic.epilogue, arrays=self._steps()))

    @property
    def _told(self) -> dict[str, Any]:
        """What a gradient is told of the shape that it is to have; or what 8-bit numbers stand for."""
        size, operation = self.operation.size, self.operation
        if operation.arithmetic:
            bits = np.random.PCG64(zlib.crc32(self.id.encode()) + 1)
            kernels = self.weight_shape[0]
            return {**quantities_of(bits, operation.quantities, self.dtypes, self.data, kernels, self.products)}
        return {size: getattr(self, size.replace("_size", "_shape"))} if size else {}

    @property
    def dtypes(self) -> dict[str, str]:
        """The word for the type of each array that may be there: of the factors, and of the bias."""
        words = (self.dtype, self.other_dtype or self.dtype)
        bias = "i32" if self.operation.arithmetic else self.bias_dtype or self.dtype
        return {"bias": bias} | dict(zip(self.operation.factors, words, strict=False))

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type of the arrays; a TypeError where it is one of ml_dtypes, and that is not installed."""
        return as_dtype(DTYPES[self.dtype])

    @property
    def result_dtype(self) -> np.dtype[Any]:
        """The type of a result: that of the arrays, but int64 for integers, which stands for all that hold it."""
        if self.operation.arithmetic:
            return self.call().result_dtype()
        factors = (as_dtype(DTYPES[self.dtypes[name]]) for name in self.operation.factors)
        return result_dtype(*factors)

    def _values(self, bits: np.random.PCG64, shape: tuple[int, ...], name: str, most: int) -> Array:
        is_own = self.data in ("exact", "uniform") and self.dtypes.get(name) == "f32"  # already, where nothing is lost
        dtype = np.dtype(np.float32 if is_own else np.float64)

        def real() -> Array:
            if self.data == "uniform":
                return uniforms(bits, shape, 0 if name == "input" else math.prod(self.weight_shape[1:]), dtype)
            if self.data in ROUNDED:
                return normals(bits, shape)
            return integers(bits, shape, most, dtype)

        if self.dtype.startswith("c"):
            return real() + 1j * real()
        return np.abs(real()) if "u8" in self.dtypes.values() else real()

    def in_memory(self, name: str, values: Array) -> Array:
        """Return these numbers in the type and the layout of one of the arrays."""
        layout = self.layout if self.laid_out in ("", name) else "contiguous"
        typed = values.astype(as_dtype(DTYPES[self.dtypes[name]]), copy=False)
        return LAYOUTS[layout](typed, self.operation.space.rank)

    def largest_number(self) -> int:
        """Return the largest whole number that exact data may hold; 0 if there are too many terms for any.

        Integers are taken to be added up in 32 bits, one of them the sign.
        """
        terms = self.products * (2 if self.dtype.startswith("c") else 1)
        if self.arithmetic.epilogue.steps:
            terms = 2 * terms + 4  # a scale of 2, of products and bias, a shift and a residual
        digits = [31 if word in INTEGERS else float_info(DTYPES[word]).digits for word in self.dtypes.values()]
        if self.dtype in INTEGERS:
            return min(self.largest, exact_magnitude(terms, min(digits)))
        precision = Precision.of(DTYPES[self.dtype], self.arithmetic)
        held = self.largest if precision.multiplier is None else 2**precision.multiplier.digits
        return min(self.largest, held, exact_magnitude(terms, min(*digits, precision.accumulator.digits)))

    @property
    def products(self) -> int:
        """The most products that one element of the result adds up."""
        operation, (_, second, *taps) = self.operation, self.weight_shape
        if operation.asked == "output":
            return second * math.prod(taps)
        if operation.asked == "input":
            return self.weight_shape[0] // max(1, self.groups) * math.prod(taps)
        rank = operation.space.rank
        shape: Shape = getattr(self, f"{operation.roles['output']}_shape")  # of what lies at the plan's output
        return math.prod(shape) // max(1, math.prod(shape[-rank - 1 : len(shape) - rank]))

    @property
    def bulk(self) -> float:
        """How large it is, by its arrays and its multiplications; above 1 it is verified, and not computed in full."""
        if self.rejects or self.operation.arithmetic:
            return 0.0
        plan = self.plan
        numbers = max(math.prod(shape) for shape in (plan.input_shape, plan.weight_shape, plan.output_shape))
        return max(numbers / MOST_NUMBERS, math.prod(plan.output_shape) * plan.taps_per_output / MOST_WORK)

    @property
    def plan(self) -> ConvGeometry:
        """The plan, of a gradient that of what it is one of; a TypeError or ValueError where arguments do not fit."""
        shapes = {"input": self.input_shape, "weight": self.weight_shape}
        biases = {} if self.bias_shape is None else {"bias": self.bias_shape}
        forward = self.operation.forward
        parameters = {name: getattr(self, name) for name in forward.parameters}
        return forward.plan(shapes | biases, parameters | self._output_size)

    @property
    def _output_size(self) -> dict[str, Shape]:
        return {"output_size": self.output_size} if self.output_size else {}

    def expected(self) -> Array:
        """Return the truth, in float64 or complex128; for arguments that must be refused, raise what refconv raises."""
        call = self.call()
        return call(dtype=wide_dtype(*call.dtypes))

    def largest_partial_sum(self) -> float:
        """Return ``max(Σ|x||w| + |b|)``, which no partial sum exceeds in any order of summation.

        For exact data, which are whole numbers, this is the proof that nothing rounds: it is at most 2^24 in float32,
        and 2^53 in float64, up to where those types hold every whole number.
        """
        total = self.call().each(magnitude)()
        return float(np.max(total, initial=0.0, where=np.isfinite(total)))

    def check(self, actual: object, operands: dict[str, Array] | None = None) -> Comparison:
        """Compare a target's result, which may be anything at all, with the truth.

        That is computed of these operands, if they are known to be as they were drawn.
        """
        call = self.call(operands)
        comparison = compare_by_convention(actual, call, self._standard(self._dtype_like(actual)))
        if not comparison.zeros or self.operation.arithmetic or "bias" in call.operands:  # which is added everywhere
            return comparison
        unreached = call.each(np.ones_like)() == 0
        return replace(comparison, unreached=int(unreached.sum()))

    def _dtype_like(self, actual: object) -> np.dtype[Any]:
        """Return the type that a result of mixed types has, where one of them has it: there is no convention."""
        dtype = self.result_dtype
        if not (self.other_dtype or self.bias_dtype) or is_integral(dtype):
            return dtype
        name = str(getattr(actual, "dtype", "")).rpartition(".")[2]  # such as torch.float32
        return as_dtype(name) if name in {DTYPES[word] for word in self.dtypes.values()} else dtype

    def call(self, operands: dict[str, Array] | None = None) -> Call:
        """Return the call of refconv's own function, with these operands, or with new ones."""
        return Call(self.operation, operands or self.operands(), self._told | self.kwargs() | self._output_size)

    def reference(self, actual: object = None) -> Reference:
        """Return the truth, of the type of what was returned where that may have one of several, and what it allows."""
        dtype = self.result_dtype if actual is None else self._dtype_like(actual)
        return self._standard(dtype).reference(self.call())

    @property
    def standard(self) -> Standard:
        """What a result is held to."""
        return self._standard(self.result_dtype)

    def _standard(self, dtype: np.dtype[Any]) -> Standard:
        how = self.how
        chances = 0.0
        if how.confidence is not None and not is_integral(dtype):
            chances = for_all(Precision.of(dtype, how), self.call()).chances
        any_integer = self.operation.arithmetic != "quantized"
        return Standard(dtype, how, chances, any_integer=any_integer, is_exact=self.is_exact)

    @property
    def is_exact(self) -> bool:
        """Whether nothing is rounded in this case, in any order of summation, by a kernel that works as was said."""
        how = self.arithmetic
        if self.data in ROUNDED or how.algorithm != "direct":
            return False
        if self.dtype in INTEGERS or (how.accumulate_dtype is how.input_dtype is None):
            return True
        precision = Precision.of(DTYPES[self.dtype], how)
        kinds = (precision.accumulator, precision.multiplier or precision.accumulator)
        operands = [operand.astype(wide_dtype(operand.dtype)) for operand in self.operands().values()]
        finite = [operand[np.isfinite(operand)] for operand in operands]
        if any((in_format(operand, kind) != operand).any() for operand in finite for kind in kinds):
            return False
        unit = precision.result.smallest if self.data == "subnormal" else 1.0
        steps = len(how.epilogue.steps)
        most = self.largest_partial_sum() * (2 if steps else 1) + 2 * self.largest * steps
        return most <= 2.0**precision.accumulator.digits * unit


def _takes_output_size(target: Callable[..., Any]) -> bool:
    """Whether a target says that it has such an argument: itself, or what its decorators are around."""
    try:
        inner, outer = (inspect.signature(target, follow_wrapped=follow).parameters for follow in (True, False))
    except (TypeError, ValueError):  # of a builtin, which does not say
        return False
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in inner.values())
    return takes_any or "output_size" in {*inner, *outer}
