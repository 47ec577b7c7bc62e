"""How does a target want to be called?  Whose arrays it takes, in which order their axes lie, and what it supports.

By default it gets NumPy's arrays, (N, C, *pixels) and (O, C/G, *taps), in every layout in memory that they can have.
What is said here is done around the target: it is called with what it asks for, and its result is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import wraps
from typing import Any, Final, NamedTuple, Unpack

import numpy as np

from refconv.bounds.arithmetic import WORDS, Arithmetic, Spoken, Words
from refconv.geometry.arguments import check_choice
from refconv.numbers.formats import Array
from refconv.operations import OPERATIONS
from refconv.testing.adapters import plain
from refconv.testing.battery.cases import Case
from refconv.testing.battery.features import read_supports, unsupported
from refconv.testing.comparing.arrays import to_numpy
from refconv.testing.comparing.comparison import exception_text
from refconv.testing.frameworks import FRAMEWORKS, Target
from refconv.testing.frameworks.jax import jax_array
from refconv.testing.frameworks.torch import refusals, tensor
from refconv.testing.programs.program import PREFIXES
from refconv.testing.targets import TargetError

__all__: list[str] = []

_IMAGES: Final = ("input", "grad_output", "residual")  # lie as the layout says; so does a result that is no weight


class _Arrays(NamedTuple):
    """How to make a framework's arrays of NumPy's, on which devices, and what its refusals are turned into."""

    make: Callable[[Array, str], Any] | None = None
    devices: tuple[str, ...] = ()
    refusals: Callable[[], AbstractContextManager[None]] = nullcontext


ARRAYS: Final = {
    "numpy": _Arrays(),
    "torch": _Arrays(tensor, ("cpu", "cuda", "mps", "xpu"), refusals),
    "jax": _Arrays(jax_array, ("cpu", "gpu", "cuda", "rocm", "tpu")),
}


class Manner(Words, total=False):
    """What a caller may say of a target: how it works, and how it wants to be called."""

    arrays: str | None
    device: str | None
    layout: str | None
    weight_layout: str | None
    strides: bool
    supports: str | Collection[str] | None


@dataclass(frozen=True, slots=True)
class Interface(Spoken):
    """How a target wants to be called.

    Parameters
    ----------
    arrays : {"numpy", "torch", "jax"} or None
        Whose arrays it takes; these are contiguous, aligned and writable.  None: NumPy's in every layout, unless
        another order of the axes is asked for.
    device : str or None
        Where they lie: of PyTorch's ``"cuda"`` or ``"cuda:1"``, of JAX's ``"gpu"``; None for the framework's default.
    layout, weight_layout : str or None
        The order of the axes of images (input, output, their gradients, a residual) and of weights, in letters: any
        order of ``"NCHW"`` and ``"OIHW"``, over one axis of ``"NCW"`` and ``"OIW"``, over three of ``"NCDHW"`` and
        ``"OIDHW"``.  Where there is no batch, its letter is passed over.  Stride, padding and dilation stay in the
        order of the pixels' axes, down and then along.
    strides : bool
        Whether arrays that were asked for come in every layout that a case has, as far as their framework has it.
    supports : tuple of str
        The types and features that it supports: see `refconv.testing.battery.features`.
    op : str
        What it computes.

    Examples
    --------
    >>> import refconv
    >>> def nhwc(input, weight, bias, stride, padding, dilation, groups):
    ...     output = refconv.conv2d(input.transpose(0, 3, 1, 2), weight, bias, stride, padding, dilation, groups)
    ...     return output.transpose(0, 2, 3, 1)
    >>> image, kernel = np.ones((1, 2, 5, 7)), np.ones((4, 2, 3, 3))
    >>> Interface(layout="NHWC").around(nhwc)(image, kernel, None, (1, 1), (0, 0), (1, 1), 1).shape
    (1, 4, 3, 5)
    """

    arrays: str | None = None
    device: str | None = None
    layout: str | None = None
    weight_layout: str | None = None
    strides: bool = False
    supports: tuple[str, ...] = ()
    op: str = "conv2d"

    @classmethod
    def of(cls, target: object, op: str, **words: Unpack[Manner]) -> tuple[Interface, Arithmetic]:
        """Read and check what a caller says of a target: how it wants to be called, and how it works."""
        given: dict[str, Any] = {**words}
        for name in given.keys() - {*INTERFACE_WORDS, *WORDS}:
            near = get_close_matches(name, (*INTERFACE_WORDS, *WORDS))
            raise TypeError(f"{name}= is no argument here{f'; did you mean {near[0]}=?' if near else ''}")
        said = {name: given.pop(name) for name in INTERFACE_WORDS if name in given}
        interface = cls(**said | {"supports": read_supports(said.get("supports"))}, op=op)
        interface._check(target)
        how = Arithmetic.of(**given)
        how.applied(OPERATIONS[op])
        return interface, how

    def _check(self, target: object) -> None:
        """Refuse what is unknown, or does not go together."""
        if isinstance(target, str) and target in FRAMEWORKS:
            for name, value in self.said.items():
                if name != "supports":
                    raise ValueError(f"{name}={value!r} must be None for {target!r}, which has an adapter of its own")
        if self.arrays is not None:
            check_choice("arrays", self.arrays, ARRAYS)
        devices = ARRAYS[self.arrays or "numpy"].devices
        if self.device is not None and self.device.partition(":")[0] not in devices:
            near = get_close_matches(self.device, devices)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"device={self.device!r} must be one of {', '.join(devices)} for arrays={self.arrays!r}{hint}"
                if devices
                else f"device={self.device!r} must be None for arrays={self.arrays!r}: torch and jax have devices"
            )
        self._orders()
        if self.strides and self.arrays == "jax":
            raise ValueError("strides=True must be False for arrays='jax', whose arrays have none")
        if isinstance(target, str) and target.startswith(PREFIXES) and self.arrays not in (None, "numpy"):
            raise ValueError(f"arrays={self.arrays!r} must be None for a program, which gets files")

    @property
    def said(self) -> dict[str, Any]:
        """What was said, by name, but not by default."""
        given = {name: getattr(self, name) for name in INTERFACE_WORDS if getattr(self, name)}
        return given | ({"supports": ",".join(self.supports)} if self.supports else {})

    def refuse(self, case: Case) -> str:
        """Return why a case is not asked: what the target does not say that it supports; nothing, where it is asked."""
        return unsupported(case, self.supports) if self.supports else ""

    def _orders(self) -> dict[str, tuple[int, ...]]:
        """Return the order in which refconv's axes lie for the target, of each array that has another one."""
        operation = OPERATIONS[self.op]
        pixels = "DHW"[-operation.space.rank :]
        orders: dict[str, tuple[int, ...]] = {}
        if self.layout:
            orders |= dict.fromkeys(_IMAGES, _order("layout", self.layout, f"NC{pixels}"))
        if self.weight_layout:
            native = f"{'IO' if operation.is_transposed else 'OI'}{pixels}"
            orders["weight"] = _order("weight_layout", self.weight_layout, native)
        return orders

    def around(self, target: Target) -> Target:
        """Return a target that takes and returns arrays as the battery has them, and calls this one as it wants."""
        operation, orders = OPERATIONS[self.op], self._orders()
        is_plain = not self.strides and (self.arrays is not None or bool(orders))
        if not (is_plain or orders or self.arrays):
            return target
        kind = ARRAYS[self.arrays or "numpy"]
        names = (*operation.leading, *operation.parameters)
        answer = {"weight": "weight", "bias": ""}.get(operation.by, "input")
        make = kind.make and self._maker(kind.make)

        def presented(name: str, value: Any) -> Any:
            order = orders.get(name.removesuffix("_size"), ())
            if not isinstance(value, np.ndarray):
                return tuple(value[axis] for axis in _fit(order, len(value))) if order and value is not None else value
            array = value.transpose(_fit(order, value.ndim)) if order else value
            array = plain(array) if is_plain else array
            return make(array) if make else array

        @wraps(target)
        def called(*arguments: Any, **steps: Any) -> Any:
            given = {**dict(zip(names, arguments, strict=False)), **steps}
            passed = {name: presented(name, value) for name, value in given.items()}
            with kind.refusals():
                result = target(
                    *(passed[name] for name in names[: len(arguments)]), **{name: passed[name] for name in steps}
                )
            for name, value in given.items():
                if isinstance(value, np.ndarray) and self.arrays != "jax":  # whose arrays nobody writes to
                    _write_back(value, passed[name], orders.get(name, ()))
            return _read_back(result, orders.get(answer, ()))

        return called

    def _maker(self, make: Callable[[Array, str], Any]) -> Callable[[Array], Any]:
        """Return what makes arrays on the device; a TargetError where the framework or the device is not there."""
        device = self.device or ""
        try:
            make(np.zeros(1, np.float32), device)
        except ModuleNotFoundError:
            raise TargetError(f"arrays={self.arrays!r} needs {self.arrays}, which is not installed") from None
        except Exception as error:
            raise TargetError(f"device={self.device!r} is not there: {exception_text(error)}") from error
        return lambda array: make(array, device)


def _order(name: str, text: str, native: str) -> tuple[int, ...]:
    """Return where the axes that a layout names stand in refconv's own; Z is a depth, too, and L a length."""
    letters = str(text).upper().replace("Z", "D").replace("L", "W")
    if sorted(letters) != sorted(native):
        usual = (native, f"{native[0]}{native[2:]}{native[1]}", f"{native[2:]}{native[1]}{native[0]}")
        near = get_close_matches(letters, usual, cutoff=0)
        raise ValueError(f"{name}={text!r} must be the letters of {native!r} in some order; did you mean {near[0]!r}?")
    return tuple(map(native.index, letters))


def _fit(order: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Return an order for an array that may lack the first axis, its batch: (0, 2, 3, 1) as (1, 2, 0)."""
    missing = len(order) - rank
    return tuple(axis - missing for axis in order if axis >= missing)


def _read_back(result: Any, order: tuple[int, ...]) -> Any:
    """Return a result with its axes in refconv's order; as it is, where it is no array of so many."""
    try:
        array = to_numpy("the result", result) if order else None
    except Exception:  # noqa: BLE001  # whatever it is, the case will say so
        return result
    if array is None or array.ndim not in (len(order), len(order) - 1):
        return result
    return array.transpose(np.argsort(_fit(order, array.ndim)))


def _write_back(array: Array, passed: Any, order: tuple[int, ...]) -> None:
    """Let what a target has written to its copy of an operand be seen in the operand."""
    found = _read_back(to_numpy("an operand", passed), order)
    is_its_own = array.flags.writeable and found.shape == array.shape and not np.may_share_memory(found, array)
    if is_its_own and found.tobytes() != array.astype(found.dtype).tobytes():
        array[...] = found


INTERFACE_WORDS: Final = tuple(field.name for field in fields(Interface) if field.name != "op")
AS_IS: Final = Interface()
