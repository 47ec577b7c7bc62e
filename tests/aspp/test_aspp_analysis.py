"""What ASPP sees, against what it computes: an image of ones counts taps, and one pixel of one shows who reads it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from refusals import naming

from refconv.analysis import footprint, receptive_field
from refconv.aspp import aspp, aspp_branches, aspp_layers, aspp_valid_weights, parameter_shapes


def ones(rates: tuple[int, ...]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    shapes = parameter_shapes(1, 1, rates, variant="simple")
    return {name: np.full(shape, float(name.endswith("weight"))) for name, shape in shapes.items()}


@pytest.mark.parametrize("size", [(13, 13), (7, 16), (1, 20)], ids=str)
def test_valid_weights_are_what_the_branches_count_on_ones(size: tuple[int, int]) -> None:
    rates = (6, 2, 18)
    *convolutions, _ = aspp_branches(np.ones((1, *size)), ones(rates), rates, variant="simple").items()
    valid = aspp_valid_weights(size, rates)
    assert list(valid) == [name for name, _ in convolutions] == ["convs.0", "convs.1", "convs.2", "convs.3"]
    for name, counted in convolutions:
        assert valid[name].counts == Counter(counted.astype(int).ravel().tolist())


def test_the_footprint_is_what_the_output_reads() -> None:
    rates = (3, 1, 5)
    parameters = ones(rates)
    parameters["convs.4.1.weight"] *= 0  # the mean, which the network leaves out
    use = footprint(aspp_layers(rates))
    response = np.zeros((11, 11))
    for h, w in np.ndindex(11, 11):
        pixel = np.zeros((1, 11, 11))
        pixel[0, h, w] = 1
        response[h, w] = aspp(pixel, parameters, rates, variant="simple")[0, 5, 5]
    np.testing.assert_array_equal(use.counts, response)


def test_the_rates_are_deeplabv3_s_unless_given() -> None:
    assert receptive_field(aspp_layers()).size == (37, 37)
    assert aspp_layers() == aspp_layers([6, 12, 18])
    assert aspp_valid_weights(65)["convs.3"].counts == {9: 841, 6: 2088, 4: 1296}
    assert len(aspp_layers([]).branches) == 1


def test_bad_rates_are_refused() -> None:
    for function in (aspp_layers, lambda rates: aspp_valid_weights(9, rates)):
        with pytest.raises(ValueError, match=naming("rates[1]=0 … 1")):
            function([1, 0])
