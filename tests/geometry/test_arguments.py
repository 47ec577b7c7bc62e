from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from refconv.geometry.arguments import (
    LARGEST_INT,
    LINE,
    PADDING_STRINGS,
    PLANE,
    VOLUME,
    Space,
    adding_context,
    as_int,
    as_padding,
    as_pair,
    check_choice,
    is_sequence,
)


def test_largest_int_is_the_largest_index_of_a_64_bit_array() -> None:
    assert LARGEST_INT == 9223372036854775807  # 2^63 − 1


def test_padding_strings_are_the_four_of_the_design() -> None:
    assert PADDING_STRINGS == ("valid", "same", "same_upper", "same_lower")


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_as_int_takes_every_kind_of_integer(value: object) -> None:
    number = as_int("stride", value, minimum=1)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("minimum", [0, 1, 7])
def test_as_int_takes_its_minimum_and_the_largest_int(minimum: int) -> None:
    assert as_int("stride", minimum, minimum) == minimum
    assert as_int("stride", LARGEST_INT, minimum) == LARGEST_INT


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ([1, 2], True),
        ((1, 2), True),
        (range(2), True),
        ([], True),
        (np.array([1, 2]), True),
        (np.array(1), False),
        (1, False),
        ("ab", False),
        (b"12", False),
        ({1, 2}, False),
        (None, False),
    ],
)
def test_is_sequence_tells_lists_from_numbers_and_strings(value: object, is_one: bool) -> None:
    assert is_sequence(value) is is_one


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        (2, (2, 2)),
        (np.int64(2), (2, 2)),
        ((2, 5), (2, 5)),
        ([2, 5], (2, 5)),
        (np.array([2, 5]), (2, 5)),
        (range(2, 4), (2, 3)),
    ],
)
def test_as_pair_gives_height_and_width(value: object, pair: tuple[int, int]) -> None:
    result = as_pair("stride", value, minimum=1)
    assert result == pair
    assert [type(number) for number in result] == [int, int]


@pytest.mark.parametrize(
    ("value", "padding"),
    [
        (0, ((0, 0), (0, 0))),
        (2, ((2, 2), (2, 2))),
        ((2, 5), ((2, 2), (5, 5))),
        ([2, 5], ((2, 2), (5, 5))),
        (((1, 2), (3, 4)), ((1, 2), (3, 4))),
        ([[1, 2], (3, 4)], ((1, 2), (3, 4))),
        (np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))),
        (np.array([2, 5]), ((2, 2), (5, 5))),
        ("valid", "valid"),
        ("same", "same"),
        ("same_upper", "same_upper"),
        ("same_lower", "same_lower"),
    ],
)
def test_as_padding_gives_top_bottom_left_right(value: object, padding: object) -> None:
    assert as_padding(value) == padding


PADDING_FORMS = "an int, a pair (height, width) or ((top, bottom), (left, right))"
BAD: list[tuple[Callable[..., object], tuple[object, ...], type[Exception], str]] = [
    (as_int, ("stride", 0, 1), ValueError, "stride=0 must be at least 1"),
    (as_int, ("stride", -1, 1), ValueError, "stride=-1 must be at least 1"),
    (as_int, ("padding", -1, 0), ValueError, "padding=-1 must be at least 0"),
    (
        as_int,
        ("stride", LARGEST_INT + 1, 1),
        ValueError,
        "stride=9223372036854775808 must be at most 9223372036854775807",
    ),
    (as_int, ("stride", 1.0, 1), TypeError, "stride=1.0 must be an int, not float"),
    (as_int, ("stride", "1", 1), TypeError, "stride='1' must be an int, not str"),
    (as_int, ("stride", None, 1), TypeError, "stride=None must be an int, not NoneType"),
    (as_int, ("stride", True, 1), TypeError, "stride=True must be an int, not bool"),
    (as_int, ("stride", False, 0), TypeError, "stride=False must be an int, not bool"),
    (as_int, ("stride", np.True_, 1), TypeError, "stride=np.True_ must be an int, not bool"),
    (as_pair, ("stride", 0, 1), ValueError, "stride=0 must be at least 1"),
    (as_pair, ("stride", (0, 1), 1), ValueError, "stride[0]=0 must be at least 1"),
    (as_pair, ("stride", (1, 0), 1), ValueError, "stride[1]=0 must be at least 1"),
    (as_pair, ("stride", (1, 2.0), 1), TypeError, "stride[1]=2.0 must be an int, not float"),
    (
        as_pair,
        ("stride", (1, 2, 3), 1),
        ValueError,
        "stride=(1, 2, 3) has length 3; it must be an int or a pair (height, width)",
    ),
    (as_pair, ("stride", [], 1), ValueError, "stride=[] has length 0; it must be an int or a pair (height, width)"),
    (
        as_pair,
        ("ends", (1, 2, 3), 1, "(first, last)"),
        ValueError,
        "ends=(1, 2, 3) has length 3; it must be an int or a pair (first, last)",
    ),
    (as_pair, ("stride", "22", 1), TypeError, "stride='22' must be an int, not str"),
    (as_padding, (-1,), ValueError, "padding=-1 must be at least 0"),
    (as_padding, ((1, -2),), ValueError, "padding[1]=-2 must be at least 0"),
    (as_padding, (((1, 2), (3, -4)),), ValueError, "padding[1][1]=-4 must be at least 0"),
    (as_padding, (((-1, 2), (3, 4)),), ValueError, "padding[0][0]=-1 must be at least 0"),
    (as_padding, (((1, 2), 3),), ValueError, f"padding=((1, 2), 3) must be {PADDING_FORMS}"),
    (as_padding, ((1, (2, 3)),), ValueError, f"padding=(1, (2, 3)) must be {PADDING_FORMS}"),
    (as_padding, (((1, 2), "34"),), ValueError, f"padding=((1, 2), '34') must be {PADDING_FORMS}"),
    (as_padding, (b"same",), TypeError, "padding=b'same' must be an int, not bytes"),
    (
        as_padding,
        ((1, 2, 3),),
        ValueError,
        "padding=(1, 2, 3) has length 3; it must be an int or a pair (height, width)",
    ),
    (as_padding, ((),), ValueError, "padding=() has length 0; it must be an int or a pair (height, width)"),
    (
        as_padding,
        (((1, 2), (3, 4), (5, 6)),),
        ValueError,
        f"padding=((1, 2), (3, 4), (5, 6)) must be {PADDING_FORMS}",
    ),
    (as_padding, (((1, 2),),), ValueError, f"padding=((1, 2),) must be {PADDING_FORMS}"),
    (
        as_padding,
        (((1, 2, 3), (4, 5)),),
        ValueError,
        "padding[0]=(1, 2, 3) has length 3; it must be an int or a pair (top, bottom)",
    ),
    (
        as_padding,
        (((1, 2), [3]),),
        ValueError,
        "padding[1]=[3] has length 1; it must be an int or a pair (left, right)",
    ),
    (
        as_padding,
        ("SAME",),
        ValueError,
        "padding='SAME' must be one of 'valid', 'same', 'same_upper', 'same_lower', or numbers",
    ),
]


@pytest.mark.parametrize(("function", "arguments", "error", "message"), BAD)
def test_bad_arguments_are_refused_with_their_value(
    function: Callable[..., object], arguments: tuple[object, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$") as caught:
        function(*arguments)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "the helper's own traceback is noise"


@pytest.mark.parametrize("error", [TypeError, ValueError])
def test_adding_context_appends_the_shapes(error: type[Exception]) -> None:
    with (
        pytest.raises(error, match=r"^groups=3 is odd \(input \(1, 2\)\)$") as caught,
        adding_context("input (1, 2)"),
    ):
        raise error("groups=3 is odd")
    assert type(caught.value) is error


def test_adding_context_leaves_other_errors_alone() -> None:
    with pytest.raises(OverflowError, match=r"^too large$"), adding_context("input (1, 2)"):
        raise OverflowError("too large")


@pytest.mark.parametrize(
    ("space", "value", "padding"),
    [
        (LINE, 2, ((2, 2),)),
        (LINE, (2,), ((2, 2),)),
        (LINE, ((1, 2),), ((1, 2),)),
        (LINE, "same", "same"),
        (VOLUME, 2, ((2, 2), (2, 2), (2, 2))),
        (VOLUME, (1, 2, 3), ((1, 1), (2, 2), (3, 3))),
        (VOLUME, [(1, 2), (3, 4), (5, 6)], ((1, 2), (3, 4), (5, 6))),
    ],
)
def test_as_padding_of_one_axis_and_of_three(space: Space, value: object, padding: object) -> None:
    assert as_padding(value, space) == padding


@pytest.mark.parametrize(
    ("space", "value", "message"),
    [
        (LINE, (1, 2), "padding=(1, 2) has length 2; it must be an int or a tuple (length,)"),
        (LINE, ((1, 2), (3, 4)), "padding=((1, 2), (3, 4)) must be an int, a tuple (length,) or ((before, after),)"),
        (LINE, ((1, 2, 3),), "padding[0]=(1, 2, 3) has length 3; it must be an int or a pair (before, after)"),
        (VOLUME, (1, 2), "padding=(1, 2) has length 2; it must be an int or a triple (depth, height, width)"),
        (
            VOLUME,
            ((1, 2), (3, 4), 5),
            f"padding=((1, 2), (3, 4), 5) must be an int, {VOLUME.numbers} or ((front, back), (top, bottom), (left, right))",
        ),
        (VOLUME, ((1, 2), (3, 4), (5, -6)), "padding[2][1]=-6 must be at least 0"),
        (VOLUME, ((1,), (3, 4), (5, 6)), "padding[0]=(1,) has length 1; it must be an int or a pair (front, back)"),
        (VOLUME, ((1, 2), (3,), (5, 6)), "padding[1]=(3,) has length 1; it must be an int or a pair (top, bottom)"),
        (VOLUME, ((1, 2), (3, 4), (5,)), "padding[2]=(5,) has length 1; it must be an int or a pair (left, right)"),
    ],
)
def test_bad_paddings_of_one_axis_and_of_three(space: Space, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        as_padding(value, space)


def test_the_spaces_are_named() -> None:
    assert [(space.rank, space.axes, space.pixels, space.taps) for space in (LINE, PLANE, VOLUME)] == [
        (1, ("length",), "L", "K"),
        (2, ("height", "width"), "H, W", "K_h, K_w"),
        (3, ("depth", "height", "width"), "Z, H, W", "K_d, K_h, K_w"),
    ]


def test_a_choice_is_one_of_the_choices() -> None:
    check_choice("colour", "red", ("red", "blue"))
    for value in ("green", None, [], ["red"], 1):
        with pytest.raises(ValueError, match=f"^{re.escape(f'colour={value!r} must be one of')} 'red', 'blue'$"):
            check_choice("colour", value, {"red": 1, "blue": 2})
