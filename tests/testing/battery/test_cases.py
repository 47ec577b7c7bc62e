from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refconv import conv2d, conv_transpose2d
from refconv.bounds.arithmetic import Arithmetic
from refconv.testing import Case, cases, find_case
from refconv.testing.battery.cases import DTYPES
from refconv.testing.battery.names import parse_case

DEFAULT = "n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32"

VALID = cases()
FAMILIES = tuple(dict.fromkeys(case.family for case in VALID))


def of_family(found: Sequence[Case], family: str) -> list[Case]:
    return [case for case in found if case.family == family]


def named(parameter: Any) -> str:
    return str(parameter.id if isinstance(parameter, Case) else parameter)


def test_a_name_says_everything() -> None:
    assert parse_case(DEFAULT, "a family") == Case(
        id=DEFAULT,
        input_shape=(2, 6, 7, 9),
        weight_shape=(10, 3, 2, 3),
        bias_shape=(10,),
        stride=(2, 1),
        padding=(1, 0),
        dilation=(1, 2),
        groups=2,
        dtype="f32",
        data="exact",
        layout="contiguous",
    )
    assert parse_case(DEFAULT, "a family").family == "a family"


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("c3-o4-g1-7x8-k3-s1-p1-d1-f32", "input_shape", (3, 7, 8)),
        ("n0-c3-o4-g1-7x8-k3-s1-p1-d1-f32", "input_shape", (0, 3, 7, 8)),
        ("n2-c0-o4-g1-7x8-k3-s1-p1-d1-f32", "weight_shape", (4, 0, 3, 3)),
        ("n12-c345-o67-g1-89x10-k3-s1-p1-d1-f32", "input_shape", (12, 345, 89, 10)),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d1-f32", "bias_shape", None),
        ("n1-c3-o4-g1-7x8-k3-s2-p1-d1-f32", "stride", (2, 2)),
        ("n1-c3-o4-g1-7x8-k3-s2x3-p1-d1-f32", "stride", (2, 3)),
        ("n1-c3-o4-g1-7x8-k3-s2-p4-d1-f32", "padding", (4, 4)),
        ("n1-c3-o4-g1-7x8-k3-s2-p4x5-d1-f32", "padding", (4, 5)),
        ("n1-c3-o4-g1-7x8-k3-s2-p4+5x6+7-d1-f32", "padding", ((4, 5), (6, 7))),
        ("n1-c3-o4-g1-7x8-k3-s1-pvalid-d1-f32", "padding", "valid"),
        ("n1-c3-o4-g1-7x8-k3-s1-psame-d1-f32", "padding", "same"),
        ("n1-c3-o4-g1-7x8-k3-s2-psame_upper-d1-f32", "padding", "same_upper"),
        ("n1-c3-o4-g1-7x8-k3-s2-psame_lower-d1-f32", "padding", "same_lower"),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d2-f32", "dilation", (2, 2)),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d1x3-f32", "dilation", (1, 3)),
        ("n1-c6-o4-g2-7x8-k3-s1-p1-d1-f32", "groups", 2),
        ("n1-c6-o4-g2-7x8-k3-s1-p1-d1-f32", "weight_shape", (4, 3, 3, 3)),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d1-f64", "dtype", "f64"),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d1-f32-real", "data", "real"),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d1-f32-fortran", "layout", "fortran"),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d1-bias-f32-real-big_endian", "layout", "big_endian"),
        ("n1-c3-o4-g1-7x8-k3-s1-p1-d1-bias-f32-real-big_endian", "data", "real"),
    ],
)
def test_names_are_read(name: str, attribute: str, value: object) -> None:
    case = find_case(name)
    assert getattr(case, attribute) == value
    assert case.id == name


def as_pair(pair: Any) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def as_name(case: Case) -> str:
    """Write the name anew from everything but the name."""
    *batch, channels, height, width = case.input_shape
    out_channels, _, *kernel = case.weight_shape
    padding = case.padding
    if isinstance(padding, tuple):
        sides = [f"{side[0]}+{side[1]}" for side in padding if isinstance(side, tuple)]
        padding = "x".join(sides) if sides else as_pair(padding)
    words = [
        *(f"n{size}" for size in batch),
        f"c{channels}-o{out_channels}-g{case.groups}-{height}x{width}",
        f"k{as_pair(kernel)}-s{as_pair(case.stride)}-p{padding}-d{as_pair(case.dilation)}",
        *([f"bias{case.bias_dtype or ''}"] if case.bias_shape else []),
        f"{case.dtype}x{case.other_dtype}" if case.other_dtype else case.dtype,
        *([case.data] if case.data != "exact" else []),
        *([case.layout] if case.layout != "contiguous" else []),
        *([case.laid_out] if case.laid_out else []),
        *(["threads"] if case.threads else []),
    ]
    return "-".join(words)


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_are_the_names_of_what_they_hold(family: str) -> None:
    for case in of_family(VALID, family):
        assert as_name(case) == case.id
        assert find_case(case.id) == case


@pytest.mark.parametrize(
    "name",
    [
        "",
        "smoke",
        "n2",
        DEFAULT + "-",
        " " + DEFAULT,
        DEFAULT + "\n",
        DEFAULT.upper(),
        DEFAULT.replace("f32", "f8"),
        DEFAULT.replace("7x9", "7"),  # a size is always two numbers
        DEFAULT.replace("s2x1", "s2x1x1"),
        DEFAULT.replace("s2x1", "s-2"),
        DEFAULT.replace("s2x1", "s02x1"),
        DEFAULT.replace("p1x0", "p1+0x1+0x2+3"),
        DEFAULT + "-exact",  # goes without saying
        DEFAULT + "-contiguous",
        DEFAULT.replace("p1x0", "p1+0"),
        DEFAULT.replace("p1x0", "psane"),
        DEFAULT.replace("-bias", "-biased"),
        DEFAULT + "-fake",
        DEFAULT + "-fortran-real",  # data first
        "reject-nothing",
    ],
)
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^case .* must read like 'n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-bias-f32'$"):
        find_case(name)


@pytest.mark.parametrize(
    ("twice", "once"),
    [("s2x2", "s2"), ("k3x3", "k3"), ("p1x1", "p1"), ("p1+1x0+0", "p1x0"), ("p2+2x2+2", "p2"), ("d1x1", "d1")],
)
def test_numbers_that_are_said_twice_are_refused_with_the_name_that_says_them_once(twice: str, once: str) -> None:
    word = next(word for word in DEFAULT.split("-") if word[0] == twice[0])
    name, right = (DEFAULT.replace(f"-{word}-", f"-{other}-") for other in (twice, once))
    with pytest.raises(ValueError, match=f"^case '{re.escape(name)}' must read like '{re.escape(right)}'$"):
        find_case(name)
    assert find_case(right).id == right


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (DEFAULT.replace("g2", "g4"), "groups=4 must divide both input channels C=6 and output channels O=10"),
        (DEFAULT.replace("g2", "g0"), "groups=0 must be at least 1"),
        (DEFAULT.replace("s2x1", "s0"), r"stride\[0\]=0 must be at least 1"),
        (DEFAULT.replace("d1x2", "d1x0"), r"dilation\[1\]=0 must be at least 1"),
        (DEFAULT.replace("k2x3", "k2x0"), r"kernel_size\[1\]=0 must be at least 1"),
        (DEFAULT.replace("d1x2", "d1x9"), "kernel width 3 at dilation 9 spans 19 pixels"),
        (DEFAULT.replace("p1x0", "psame"), "stride=2 must be 1 for padding='same'"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_case(name)


def test_more_terms_than_exact_data_can_have_are_refused() -> None:
    name = f"n1-c{2**24}-o1-g1-1x1-k1-s1-p0-d1-f32"  # the arrays are not made
    with pytest.raises(ValueError, match=f"^case '{name}' adds up too many terms for exact data; write '{name}-real'$"):
        find_case(name)
    assert find_case(name + "-real").data == "real"
    assert find_case(name.replace("f32", "f64")).data == "exact"


def test_a_case_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        find_case(DEFAULT).groups = 3  # type: ignore[misc]


def test_the_default_arrays_are_these() -> None:
    image, kernel, bias = find_case(DEFAULT).arrays()
    assert bias is not None
    assert [image.dtype, kernel.dtype, bias.dtype] == [np.float32] * 3
    assert [image.shape, kernel.shape, bias.shape] == [(2, 6, 7, 9), (10, 3, 2, 3), (10,)]
    # written down from a first run: whole numbers of magnitude 32 at most, for 19·32² <= 2^24
    assert image[0, 0, 0].tolist() == [23, 13, 6, 14, 32, -19, -26, 27, -23]
    assert kernel[0, 0].tolist() == [[-20, -9, 13], [30, 14, -16]]
    assert bias.tolist() == [-24, -28, 12, 8, -32, -32, -12, 27, -18, -25]


def test_the_default_real_arrays_are_these() -> None:
    image, _, bias = find_case(DEFAULT + "-real").arrays()
    assert bias is not None
    # written down from a first run; rounded from float64 to float32, and written as float64
    assert image[0, 0, 0, :3].tolist() == [-0.25982436537742615, 1.4942834377288818, 1.3660268783569336]
    assert bias[:2].tolist() == [2.15851092338562, 0.27439379692077637]


def test_the_truth_of_the_default_case_by_hand() -> None:
    case = find_case(DEFAULT)
    image, kernel, bias = case.arrays()
    assert bias is not None
    # output 0, 0, 0, 0 reads image rows −1 and 0 and columns 0, 2 and 4 of channels 0 to 2
    assert case.expected()[0, 0, 0, 0] == (image[0, :3, 0, 0:5:2] * kernel[0, :, 1]).sum() + bias[0] == -456
    # output 1, 9, 3, 4 reads rows 5 and 6 and columns 4, 6 and 8 of the second group's channels 3 to 5
    assert case.expected()[1, 9, 3, 4] == (image[1, 3:, 5:, 4::2] * kernel[9]).sum() + bias[9]
    assert case.expected().shape == (2, 10, 4, 5)
    assert case.expected().dtype == np.float64


def digest(chosen: list[Case]) -> str:
    total = hashlib.sha256()
    for case in chosen:
        for array in case.arrays():
            if array is not None:
                total.update(f"{case.id} {array.shape} {array.dtype.str} {array.strides}".encode())
                total.update(array.tobytes())
    return total.hexdigest()


def test_arrays_are_the_same_in_another_process() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "import test_cases; from refconv.testing import cases; print(test_cases.digest(cases()))"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(cases())


def test_every_call_gives_new_arrays() -> None:
    case = find_case(DEFAULT)
    first, second = case.arrays(), case.arrays()
    for one, other in zip(first, second, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one, other)
        assert not np.shares_memory(one, other)


def test_input_and_weight_and_bias_differ() -> None:
    # three operands of one shape: they must not come from the same start of the stream
    image, kernel, bias = Case("any", (1, 1, 2, 2), (1, 1, 2, 2), (4,)).arrays()
    assert bias is not None
    assert len({tuple(operand.ravel().tolist()) for operand in (image, kernel, bias)}) == 3


def test_the_seed_is_the_name() -> None:
    one, other = Case("one", (1, 1, 2, 2), (1, 1, 2, 2)), Case("other", (1, 1, 2, 2), (1, 1, 2, 2))
    assert one.arrays()[0].tolist() != other.arrays()[0].tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_layouts_are_those_of_the_name(family: str) -> None:
    for case in of_family(VALID, family):
        for name, array in case.operands().items():
            if not array.size:
                continue
            has_rows, size = array.ndim > 1, array.itemsize
            root = array if array.base is None else array.base
            packed = np.empty(array.shape, array.dtype).strides
            found = {
                "contiguous": array.flags.c_contiguous and array.flags.writeable,
                "fortran": array.flags.f_contiguous,
                "channels_last": not has_rows or array.shape[-3] == 1 or array.strides[-3] == array.itemsize,
                "strided": array.strides[-1] == 2 * size,
                "pitched": array.strides[-1] == size and not (has_rows and array.flags.c_contiguous),
                "some_channels": array.strides[1:] == packed[1:] and root.size > array.size,
                "some_channels_last": not has_rows
                or (array.strides[-3], array.strides[-1]) == (size, size * (array.shape[-3] + 3)),
                "one_plane": array.size * 3 == root.size and (array.strides[-2:] == packed[-2:] or not has_rows),
                "unaligned": not array.flags.aligned,
                "negative": array.strides[-1] == -size,
                "negative_columns": array.strides == (*packed[:-1], -size),
                "negative_rows": not has_rows or array.strides[-2:] == (-packed[-2], size),
                "negative_channels": array.strides[max(0, array.ndim - 3)] < 0
                and sum(n < 0 for n in array.strides) == 1,
                "broadcast": array.strides[0] == 0,
                "read_only": not array.flags.writeable,
                "big_endian": array.dtype.str.startswith(">"),
            }
            assert found[case.layout if case.laid_out in ("", name) else "contiguous"], name
            assert array.dtype.newbyteorder("=") == DTYPES[case.dtypes[name]]


EXACT = [case for case in VALID if case.data == "exact"]


@pytest.mark.parametrize("family", FAMILIES)
def test_exact_data_are_exact_in_any_order(family: str) -> None:
    for case in of_family(EXACT, family):
        of_type = {"f32": 24, "f64": 53, "f16": 11, "bf16": 8, "i8": 31, "u8": 31, "c64": 24}
        of_type |= {"c128": 53, "i16": 31, "i32": 31, "i64": 31}
        digits = min(of_type[word] for word in case.dtypes.values())
        for operand in case.arrays():
            if operand is not None:
                assert all((part == np.trunc(part)).all() for part in (operand.real, operand.imag))
                assert (operand != 0).all()  # a tap that is lost is seen
        wide = np.complex128 if case.dtype.startswith("c") else np.float64
        image, kernel, bias = (None if operand is None else np.abs(operand.astype(wide)) for operand in case.arrays())
        sums = conv2d(image, kernel, bias, **case.kwargs(), dtype=np.float64)  # type: ignore[arg-type]
        assert case.largest_partial_sum() == sums.max(initial=0)
        assert case.largest_partial_sum() <= 2**digits


def test_a_result_of_mixed_types_has_the_type_of_one_of_them_or_the_common_one_and_of_integers_that_alone() -> None:
    def kept(types: str, returned: str) -> str:
        case = find_case(f"n1-c2-o3-g1-4x5-k1-s1-p0-d1-{types}")
        return case.reference(np.zeros((1, 3, 4, 5), returned)).dtype.name

    assert kept("f16xf32", "float16") == "float16"
    assert kept("f16xf32", "float64") == "float32"
    assert kept("f32", "float16") == "float32"
    assert kept("i8xi16", "int8") == kept("i8xi16", "int16") == "int64"


def test_the_largest_partial_sum_by_hand() -> None:
    case = find_case("n1-c3-o1-g1-1x1-k1-s1-p0-d1-bias-f32")
    assert [operand.ravel().tolist() for operand in case.arrays() if operand is not None] == [
        [29, 26, 9],
        [11, -5, -19],
        [-5],
    ]
    assert case.expected().item() == 13  # 319 − 130 − 171 − 5
    assert case.largest_partial_sum() == 625  # 319 + 130 + 171 + 5
    empty = find_case("n0-c3-o1-g1-1x1-k1-s1-p0-d1-bias-f32")
    assert empty.largest_partial_sum() == 0


@pytest.mark.parametrize(("channels", "largest"), [(16383, 32), (16384, 31)])
def test_exact_data_use_all_digits_of_float32(channels: int, largest: int) -> None:
    # (16383 + 1)·32² = 2^24, up to which float32 holds every whole number; one product more is too many
    case = find_case(f"n1-c{channels}-o2-g1-1x1-k1-s1-p0-d1-f32")
    assert np.abs(case.arrays()[0]).max() == np.abs(case.arrays()[1]).max() == largest
    assert case.largest_partial_sum() <= 2**24


@pytest.mark.parametrize(("channels", "largest"), [(2**21 - 1, 32), (2**21, 31)])
def test_exact_whole_numbers_use_all_bits_but_the_sign(channels: int, largest: int) -> None:
    # (2^21 − 1 + 1)·32² = 2^31; the arrays are not made
    assert find_case(f"n1-c{channels}-o1-g1-1x1-k1-s1-p0-d1-i8").largest_number() == largest


def test_the_largest_partial_sum_is_not_rounded_to_the_type_of_the_case() -> None:
    case = find_case(DEFAULT + "-real")
    assert case.largest_partial_sum() != float(np.float32(case.largest_partial_sum()))


def test_defaults_of_a_case() -> None:
    case = Case("id", (1, 1, 2, 3), (1, 1, 1, 1))
    assert (case.dtype, case.data, case.layout) == ("f32", "exact", "contiguous")
    assert (case.bias_shape, case.family, case.rejects) == (None, "", "")
    assert not hasattr(case, "__dict__")
    assert case.kwargs() == {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    assert list(case.kwargs()) == ["stride", "padding", "dilation", "groups"]


def test_a_case_is_the_same_whatever_is_declared_and_however_large_its_numbers_are() -> None:
    case = find_case(DEFAULT)
    assert replace(case, arithmetic=Arithmetic.of(algorithm="fft")) == case
    assert replace(case, largest=3) == case
    assert replace(case, is_searched=False) == case
    assert replace(case, dtype="f64") != case


def test_real_data_are_no_whole_numbers() -> None:
    image, kernel, _ = find_case(DEFAULT + "-real").arrays()
    assert (image != np.trunc(image)).all()
    assert (kernel != np.trunc(kernel)).all()


def test_exact_data_ask_for_equality() -> None:
    case = find_case(DEFAULT)
    actual = case.expected().astype(np.float32)
    assert case.check(actual).passed
    assert case.check(actual).bound == 0
    actual[1, 2, 3, 4] = np.nextafter(actual[1, 2, 3, 4], np.float32(np.inf))
    assert case.check(actual).mismatched == 1


def test_real_data_ask_for_the_bound() -> None:
    case = find_case(DEFAULT + "-real")
    actual = case.expected().astype(np.float32)
    actual[1, 2, 3, 4] = np.nextafter(actual[1, 2, 3, 4], np.float32(np.inf))
    assert case.check(actual).passed
    assert case.check(actual).bound > 0
    actual[1, 2, 3, 4] += 1e-3
    assert case.check(actual).worst_index == (1, 2, 3, 4)


@pytest.mark.parametrize(("dtype", "other"), [("f32", np.float64), ("f64", np.float32)])
def test_a_case_asks_for_its_type(dtype: str, other: type[np.floating[Any]]) -> None:
    case = find_case(f"n1-c1-o1-g1-2x3-k1-s1-p0-d1-{dtype}")
    assert case.check(case.expected().astype(other)).problem.startswith("dtype float")


def test_any_whole_numbers_that_hold_the_result_will_do() -> None:
    case = find_case("n1-c1-o1-g1-2x3-k1-s1-p0-d1-i8")
    assert all(case.check(case.expected().astype(dtype)).passed for dtype in (np.int16, np.int64))
    assert not case.check(case.expected().astype(np.float32)).passed


def test_what_must_be_refused_has_no_truth() -> None:
    with pytest.raises(ValueError, match=r"stride\[0\]=0 must be at least 1"):
        find_case("reject-stride-zero").expected()


def test_both_axes_may_be_padded_by_the_same_unequal_sides() -> None:
    assert find_case("n1-c1-o1-g1-3x4-k1-s1-p1+0x1+0-d1-f32").padding == ((1, 0), (1, 0))


@pytest.mark.parametrize("padding", ["p1+1x2+2", "p0+0x0+0", "p1+1x1+1", "p2x2"])
def test_equal_sides_have_one_name(padding: str) -> None:
    with pytest.raises(ValueError, match="must read like"):
        find_case(f"n1-c1-o1-g1-3x4-k1-s1-{padding}-d1-f32")


@pytest.mark.parametrize(
    ("words", "zeros", "unreached"),
    [("f32", 18, 18), ("bias-f32", 0, 0)],  # 2 rows of 3 in padding, in 3 channels; a bias is added there, too
)
def test_zeros_in_padding_that_no_product_is_added_to_are_counted(words: str, zeros: int, unreached: int) -> None:
    case = find_case(f"n1-c2-o3-g1-2x3-k1-s1-p1x0-d1-{words}")
    operands = {name: np.ones_like(array) for name, array in case.operands().items()}
    truth = np.full((1, 3, 4, 3), 2 + ("bias" in words), np.float32)
    truth[:, :, [0, -1]] -= 2
    found = case.check(truth, operands)
    assert (found.passed, found.elements, found.zeros, found.unreached) == (True, 36, zeros, unreached)


@pytest.mark.parametrize(
    ("words", "chances"),
    [
        ("f32", 192),  # 3·4·4 elements of 2·2 products, each rounded as often
        ("bias-f32", 240),  # and a bias
        ("i8", 0),
    ],
)
def test_a_confidence_is_for_the_roundings_of_all_elements(words: str, chances: float) -> None:
    case = find_case(f"n1-c2-o3-g1-4x5-k1x2-s1-p0-d1-{words}")
    assert case.declared(Arithmetic.of(confidence=0.9)).standard.chances == chances
    assert case.standard.chances == 0


@pytest.mark.parametrize(
    ("epilogue", "sums", "exact"),
    # Up to 2^11 = 2048 float16 has all whole numbers; a scale doubles, and each of two steps adds 2·32.
    [("", 2048, True), ("", 2049, False), ("scale+shift", 960, True), ("scale+shift", 961, False)],
)
def test_whole_numbers_are_exact_as_long_as_all_sums_and_steps_have_a_place(
    epilogue: str, sums: int, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Case, "largest_partial_sum", lambda _: sums)
    how = Arithmetic.of(accumulate_dtype="float16", epilogue=epilogue)
    case = find_case("n1-c2-o3-g1-4x5-k1x2-s1-p0-d1-f16").declared(how)
    assert (case.largest, case.is_exact) == (32, exact)


def test_a_declared_scale_rounds_nothing_of_whole_numbers() -> None:
    for data, values in {"": {-1.0, 2.0}, "-real": None}.items():
        case = find_case(DEFAULT + data).declared(Arithmetic.of(epilogue="scale"))
        scale = case.how.epilogue.arrays["scale"]
        assert scale.shape == (10,)
        assert scale.dtype == np.float32
        assert values is None or set(scale.tolist()) == values


def test_the_steps_of_an_epilogue_are_of_the_shape_of_what_they_meet() -> None:
    output = (2, 10, 4, 5)  # (7 + 2 − 2) // 2 + 1 rows, 9 − 5 + 1 columns
    for name, batch in {DEFAULT: slice(0, 4), DEFAULT.removeprefix("n2-"): slice(1, 4)}.items():
        case = find_case(name).declared(Arithmetic.of(epilogue="scale+shift+residual"))
        arrays = case.how.epilogue.arrays
        shapes = {"scale": (10,), "shift": (10,), "residual": output[batch]}
        assert {step: array.shape for step, array in arrays.items()} == shapes
    case = find_case("conv_transpose2d-n2-c6-o10-g2-7x9-k2x3-s2x1-p1x0-d1x2-f32")
    arrays = case.declared(Arithmetic.of(epilogue="scale+residual")).how.epilogue.arrays
    assert (arrays["scale"].shape, arrays["residual"].shape) == (
        (10,),
        case.called(conv_transpose2d, case.operands()).shape,
    )
