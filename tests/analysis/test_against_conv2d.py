"""What the analysis says without running a network, and what conv2d computes when it is run."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sampled import one_in
from stacks import paths_from_every_pixel, random_network

from refconv.analysis import Layers, footprint
from refconv.analysis.trace import feature_maps

GROUPS, IN_A_GROUP = 20, 500


def whole_image(network: Layers, output: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Return the footprint's counts on the whole image, zeros included."""
    use = footprint(network, output, size)
    counts = np.zeros(size, dtype=np.int64)
    rows, columns = use.region.rows, use.region.columns
    counts[rows.start : rows.stop, columns.start : columns.stop] = use.counts
    return counts


@pytest.mark.parametrize("group", one_in(20, range(GROUPS)))
def test_ten_thousand_random_networks_read_what_conv2d_says(group: int) -> None:
    rng = random.Random(group)
    compared = 0
    while compared < IN_A_GROUP:
        network, size = random_network(rng, rng.randint(1, 3)), (rng.randint(1, 6), rng.randint(1, 6))
        try:
            outputs = feature_maps(network, size)[-1]
        except ValueError:  # a feature map vanishes
            continue
        if outputs[0] * outputs[1] > 2000:
            continue
        output = rng.randrange(outputs[0]), rng.randrange(outputs[1])
        paths = paths_from_every_pixel(network, size)
        assert paths.shape[2:] == outputs, network
        np.testing.assert_array_equal(whole_image(network, output, size), paths[:, :, *output], str(network))
        compared += 1
