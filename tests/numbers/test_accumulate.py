from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arrays import Array
from refusals import naming

from refconv.numbers.accumulate import accumulate
from refconv.numbers.dtypes import as_operands
from refconv.numbers.parts import Latest, Part, per_channel

WHOLE: list[Part] = [Part((), (), (), None)]


class Sums:
    """(Σ first)·(Σ second) as the only image and channel, and what it was asked for."""

    def __init__(self) -> None:
        self.seen: list[tuple[Array, Array, Any]] = []
        self.shares: list[int] = []

    def __call__(self, first: Array, seconds: Sequence[Array], plan: Any) -> list[Array]:
        self.seen += [(first, second, plan) for second in seconds]
        return [np.asarray(first.sum() * second.sum(), first.dtype).reshape(1, 1) for second in seconds]

    def of(
        self,
        first: Any,
        second: Any,
        *bias: Any,
        parts: list[Part] = WHOLE,
        shape: tuple[int, ...] = (1, 1),
        **keywords: Any,
    ) -> Any:
        """Accumulate them."""
        names = ("input", "weight", "bias")
        operands = {name: np.asarray(value) for name, value in zip(names, (first, second, *bias), strict=False)}

        def cut(share: int) -> Iterator[Part]:
            self.shares.append(share)
            yield from parts

        return accumulate(self, cut, operands, shape, **{"terms": 1} | keywords)

    @property
    def types(self) -> list[np.dtype[Any]]:
        """The types that it was handed."""
        return [operand.dtype for first, second, _ in self.seen for operand in (first, second)]


@pytest.mark.parametrize(
    ("first", "second", "addend", "terms", "wide"),
    [
        (2**26, 2**26, 2**52, 1, "f8"),  # 2^52 + 2^52
        (2**26, 2**26, 2**52 + 1, 1, "i8"),
        (2**26, 2**26, 0, 2, "f8"),
        (2**26, 2**26, 0, 3, "i8"),
        (2**31, 2**31, 0, 1, "i8"),
        (2**31, 2**31, 2**62, 1, "O"),
        (-(2**31), 2**31, -1, 2, "O"),
        (2**31, 2**31, 2**62 - 1, 1, "i8"),
    ],
)
@pytest.mark.parametrize("exact", [False, True])
def test_integers_are_accumulated_in_what_holds_the_largest_sum(
    first: int, second: int, addend: int, terms: int, wide: str, exact: bool
) -> None:
    sums = Sums()
    result = sums.of([first], [second], [addend], terms=terms, dtype=np.float64, exact=exact)
    assert sums.types == [np.dtype(wide)] * 2
    assert sums.shares == [1]
    assert result.dtype == np.float64
    assert result == float(first * second + addend)


def test_a_bias_takes_the_type_of_the_sums_too() -> None:
    assert Sums().of([2**62], [1], [2**62 - 1]).item() == 2**63 - 1
    assert Sums().of(np.array([100], np.int8), np.array([1], np.int8), np.array([100], np.int8)).item() == 200


def test_floats_are_accumulated_in_float64_and_rounded_once() -> None:
    sums = Sums()
    result = sums.of(np.array([1, 2**-11, 2**-24], np.float16), np.ones(1, np.float16), terms=3)
    assert sums.types == [np.float64] * 2
    assert result.dtype == np.float16
    assert result == 1 + 2**-10
    # the bias is added before
    assert sums.of(np.array([1.0], np.float16), np.ones(1, np.float16), np.array([2**-11 + 2**-24])) == 1 + 2**-10


def test_the_names_of_the_operands_are_in_the_messages() -> None:
    operands = {"left": np.ones(1), "right": np.ones(1, complex)}
    with pytest.raises(TypeError, match=naming("float64 … right … complex128")):
        accumulate(Sums(), lambda _: WHOLE, operands, (1, 1), terms=1, dtype=float)


def test_exact_is_asked_for_floats_alone() -> None:
    lost = [2.0**60, 1, -(2.0**60)]
    assert Sums().of(lost, [1.0], terms=3).item() == 0
    sums = Sums()
    assert sums.of(lost, [1.0], terms=3, exact=True).item() == 1
    assert sums.shares == [4]
    assert set(sums.types) == {np.dtype(np.float64)}
    cases: list[tuple[Any, dict[str, Any]]] = [
        (([2], [3]), {}),
        (([2], [3]), {"dtype": float}),
        (([2.0], [3]), {"dtype": object}),
    ]
    for operands, options in cases:
        sums = Sums()
        assert sums.of(*operands, **options, exact=True).item() == 6
        assert len(sums.seen) == 1  # as it stands, and in no digits
        assert sums.shares == [1]
    result = sums.of(np.array([2j], np.complex64), np.array([3.0]), exact=True)
    assert result.item() == 6j
    assert result.dtype == np.complex128


def test_what_is_not_finite_takes_the_other_way() -> None:
    def times(first: Array, seconds: Sequence[Array], _: Any) -> list[Array]:
        for numbers in (first, *seconds):
            if numbers.dtype != object:  # Python's integers, as which numbers so far apart are added up in the end
                assert (abs(numbers[np.isfinite(numbers)]) <= 2**25).all()  # digits, or signs: nothing can overflow
        if first.dtype != object and not np.isfinite(first).all():
            assert set(first[np.isfinite(first)].tolist()) <= {-1, 0, 1}
        return [np.asarray(first * second) for second in seconds]

    first, second = np.array([[1e308, np.inf, -5, 0, np.nan]]), np.array([[8.0, -7, np.inf, np.inf, 3]])
    with np.errstate(all="raise"):
        result = accumulate(times, lambda _: WHOLE, {"a": first, "b": second}, (1, 5), terms=1, exact=True)
    np.testing.assert_array_equal(result, [[np.inf, -np.inf, -np.inf, np.nan, np.nan]])


def test_a_bias_is_added_to_its_own_channel() -> None:
    def product(_: Array, seconds: Sequence[Array], shape: tuple[int, ...]) -> list[Array]:
        return [np.zeros(shape) for _ in seconds]

    def of(shape: tuple[int, ...], *parts: Part, exact: bool) -> Any:
        operands = {"input": np.ones(1), "weight": np.ones(1), "bias": np.array([1.0, 2, 3])}
        return accumulate(product, lambda _: parts, operands, shape, terms=1, exact=exact).tolist()

    for exact in (False, True):
        found = of((2, 3, 1, 2), Part((), (), (), (2, 3, 1, 2)), exact=exact)
        assert found == 2 * [[[[1, 1]], [[2, 2]], [[3, 3]]]]
        # of a part, its own channels
        ends = slice(0, 1), slice(1, 3)
        parts = [Part((slice(0, 1), end), (), (), (1, end.stop - end.start, 2)) for end in ends]
        assert of((1, 3, 2), *parts, exact=exact) == [[[1, 1], [2, 2], [3, 3]]]
    assert per_channel(np.array([1, 2]), 2).tolist() == [1, 2]
    assert per_channel(np.array([1, 2]), 4).tolist() == [[[1]], [[2]]]


def test_operands_are_named_and_a_missing_bias_is_not_there() -> None:
    assert list(as_operands(input=[1], weight=[2])) == ["input", "weight"]
    assert list(as_operands(input=[1], weight=[2], bias=None)) == ["input", "weight"]
    operands = as_operands(input=[1], weight=[2], bias=[3])
    assert {name: operand.tolist() for name, operand in operands.items()} == {"input": [1], "weight": [2], "bias": [3]}
    with pytest.raises(TypeError, match=r"^bias has dtype"):
        as_operands(input=[1], weight=[2], bias=["x"])
    with pytest.raises(TypeError, match=naming("weight is None …")):
        as_operands(input=[1], weight=None)


# Parts


def numbered(target: slice, first: Any, second: Any, plan: str) -> Part:
    return Part((slice(0, 1), target), (first,), (second,), plan)


@pytest.mark.parametrize("exact", [False, True])
def test_every_part_of_the_factors_makes_its_part_of_the_result(exact: bool) -> None:
    # (1 + 2)·10 and 2·(100 + 1000), the second from two parts that are added up; pixels may come by their numbers
    parts = [
        numbered(slice(0, 1), [1, 0], slice(0, 1), "a"),
        numbered(slice(1, 2), [1], slice(1, 2), "b"),
        numbered(slice(1, 2), [1], slice(2, 3), "c"),
    ]
    sums = Sums()
    result = sums.of([1.0, 2, 3], [10.0, 100, 1000], parts=parts, shape=(1, 2), exact=exact)
    assert result.tolist() == [[30, 2200]]
    assert [plan for _, _, plan in sums.seen][:1] == ["a"]
    assert {plan for _, _, plan in sums.seen} == {"a", "b", "c"}
    biased = sums.of([1.0, 2, 3], [10.0, 100, 1000], [5.0, 7.0], parts=parts, shape=(1, 2), exact=exact)
    assert biased.tolist() == [[35, 2207]]  # once, not once for each part


@pytest.mark.parametrize("exact", [False, True])
def test_parts_of_one_place_are_added_up_before_anything_is_rounded(exact: bool) -> None:
    # 2048 + 1 + 1 in float16 would be 2048, was each part rounded
    parts = [numbered(slice(0, 1), slice(i, i + 1), slice(0, 1), "") for i in range(3)]
    factors = np.array([2048, 1, 1], np.float16), np.ones(1, np.float16)
    assert Sums().of(*factors, parts=parts, exact=exact, terms=3).item() == 2050


@pytest.mark.parametrize("dtype", ["f4", "i8", "O"])
def test_of_no_parts_there_are_zeros(dtype: str) -> None:
    factors = np.ones(2, dtype), np.ones(3, dtype)
    for exact in (False, True):
        result = Sums().of(*factors, parts=[], shape=(2, 3), exact=exact)
        assert result.tolist() == [[0, 0, 0], [0, 0, 0]]
        assert result.dtype == np.dtype(dtype)


def test_a_part_is_made_ready_once_as_long_as_it_is_asked_for() -> None:
    asked: list[Any] = []

    def prepare(part: npt.NDArray[Any]) -> str:
        asked.append(part.tolist())
        return f"number {len(asked)}"

    latest = Latest(np.arange(10, 16).reshape(2, 3), prepare)
    answers: list[Any] = [
        latest[places] for places in [(slice(0, 1),), (slice(0, 1),), (slice(0, 2), [2, 0, 2]), (slice(0, 1),)]
    ]
    assert answers == ["number 1", "number 1", "number 2", "number 3"]
    assert asked == [[[10, 11, 12]], [[12, 10, 12], [15, 13, 15]], [[10, 11, 12]]]
    everything: Callable[[Any], Any] = Latest(np.arange(2), lambda part: part).__getitem__
    assert everything(()).tolist() == [0, 1]
