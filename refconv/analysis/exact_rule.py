"""The exact rule: does a stack of dilated convolutions see every pixel of its receptive field?

Along one axis, a chain of layers reads the offsets

    Σ_j ρ_j·t_j        with taps 0 <= t_j < K_j and rates ρ_j = D_j · (the strides before layer j)

which run from 0 to ``Σ_j (K_j − 1)·ρ_j``.  The set of them does not depend on the order of the layers.  Sort the layers
with K > 1 by rate.  Then every offset is reached if and only if each layer steps no further than the receptive field of
the finer ones together:

    ρ_(1) <= 1        ρ_(i+1) <= 1 + Σ_{j<=i} (K_j − 1)·ρ_j

*Sufficient.*  If the finer layers reach 0 ... E, then with t steps of ρ they reach t·ρ ... t·ρ + E, and these intervals
leave nothing out between them where ρ <= E + 1.  *Necessary.*  If ρ_(i+1) > E + 1, then offset E + 1 is missed: the
finer layers reach E at most, and whatever has a step of a coarser layer in it is at least ρ_(i+1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from refconv.geometry.arguments import as_int, is_sequence

__all__ = ["HoleFree", "hole_free"]


@dataclass(frozen=True, slots=True)
class HoleFree:
    """The verdict of the exact rule; true where a stack has no holes.

    Attributes
    ----------
    rates, kernel_sizes : tuple of int
        One of each for every layer, in the order of the layers.
    layer : int or None
        Number, from 1, of the layer that breaks the rule; None where none does.
    missed : int or None
        A pixel that is not seen, counted from 0 at either end of the receptive field; None where all are seen.

    Examples
    --------
    >>> verdict = hole_free([1, 2, 9])
    >>> bool(verdict), verdict.layer, verdict.missed
    (False, 3, 7)
    >>> print(verdict.explain())
    layer 1 at rate 1: 1 <= 1, reaches 3
    layer 2 at rate 2: 2 <= 3, reaches 3 + 2·2 = 7
    layer 3 at rate 9: 9 > 7, the receptive field of the finer layers
    holes: pixel 7 of 0 ... 24 is not seen
    """

    rates: tuple[int, ...]
    kernel_sizes: tuple[int, ...]
    layer: int | None
    missed: int | None

    def __bool__(self) -> bool:
        return self.layer is None

    @property
    def receptive_field(self) -> int:
        """``1 + Σ (K − 1)·ρ``: the pixels from the first offset to the last, both counted."""
        return 1 + sum((kernel - 1) * rate for kernel, rate in zip(self.kernel_sizes, self.rates, strict=True))

    @property
    def verdict(self) -> str:
        """Whether there are holes, in a line."""
        pixels = f"0 ... {self.receptive_field - 1}"
        return f"no holes: all of {pixels} are seen" if self else f"holes: pixel {self.missed} of {pixels} is not seen"

    def explain(self) -> str:
        """Return the rule applied, one layer a line from the finest on, and the verdict."""
        lines: list[str] = []
        for layer, rate, reach in _finest_first(self.rates, self.kernel_sizes):
            start = f"layer {layer} at rate {rate}: {rate}"
            if layer == self.layer:
                limit = "the receptive field of the finer layers" if lines else "and the finest layer must step by 1"
                lines.append(f"{start} > {reach}, {limit}")
                break
            steps = self.kernel_sizes[layer - 1] - 1
            wider = reach + steps * rate
            lines.append(
                f"{start} <= {reach}, reaches " + (f"{reach} + {steps}·{rate} = {wider}" if lines else f"{wider}")
            )
        return "\n".join([*lines, self.verdict])


def hole_free(rates: Sequence[int], kernel_size: int | Sequence[int] = 3) -> HoleFree:
    """Decide by the exact rule whether a chain of convolutions sees every pixel of its receptive field.

    ``ρ_(1) <= 1`` and ``ρ_(i+1) <= 1 + Σ_{j<=i} (K_j − 1)·ρ_j`` over the layers with K > 1, sorted by rate.

    Parameters
    ----------
    rates : sequence of int
        One rate for each layer: its dilation times the strides of the layers before it.
    kernel_size : int or sequence of int
        K along this axis, for all layers or one for each.

    Returns
    -------
    HoleFree
        True or false as a condition; with the layer that breaks the rule, and a pixel that is missed as proof.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, a rate or a kernel size is not an int of at least 1, or there is not one for each layer.

    Notes
    -----
    The rule is proved in this module's first lines.  Its corollary: n layers of K taps see at most K^n pixels without
    holes, at rates 1, K, K² ..., and then use each pixel exactly once.

    Examples
    --------
    >>> [bool(hole_free(rates)) for rates in ([1, 2, 5], [1, 2, 9], [2, 2, 2], [1, 3, 9], [9, 1, 3])]
    [True, False, False, True, True]

    A layer of one tap sees what the others see, at any rate; a wider kernel bridges a wider step.

    >>> bool(hole_free([1, 8, 5], kernel_size=[3, 1, 2])), bool(hole_free([1, 5], kernel_size=[5, 2]))
    (False, True)
    """
    rates, kernel_sizes = as_stack("rate", rates, kernel_size)
    for layer, rate, reach in _finest_first(rates, kernel_sizes):
        if rate > reach:
            return HoleFree(rates, kernel_sizes, layer, missed=reach)
    return HoleFree(rates, kernel_sizes, None, None)


def _finest_first(rates: Sequence[int], kernel_sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (number, rate, receptive field of the finer layers) for the layers with more than one tap."""
    layers = zip(rates, range(1, len(rates) + 1), kernel_sizes, strict=True)
    reach = 1
    for rate, layer, kernel in sorted(layers):
        if kernel > 1:
            yield layer, rate, reach
            reach += (kernel - 1) * rate


def as_stack(
    name: str, rates: Sequence[int], kernel_size: int | Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the rates and the kernel sizes, one of each for every layer; `name` is for the messages."""
    if not is_sequence(rates):
        raise TypeError(f"{name}s={rates!r} must be a sequence of ints, one for each layer")
    if not len(rates):
        raise ValueError(f"{name}s={rates!r} must have at least one layer")
    numbers = range(1, len(rates) + 1)
    checked = tuple(as_int(f"layer {i}: {name}", rate, minimum=1) for i, rate in zip(numbers, rates, strict=True))
    if not is_sequence(kernel_size):
        return checked, (as_int("kernel_size", kernel_size, minimum=1),) * len(checked)
    if len(kernel_size) != len(checked):
        raise ValueError(
            f"kernel_size={kernel_size!r} must have {len(checked)} elements, one for each layer as {name}s={checked}"
        )
    kernels = (as_int(f"layer {i}: kernel_size", k, minimum=1) for i, k in zip(numbers, kernel_size, strict=True))
    return checked, tuple(kernels)
