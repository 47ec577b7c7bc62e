"""What does a stack of convolutions see?  Receptive fields, footprints and gridding, exactly and without running it.

>>> from refconv.analysis import Conv, Layers
>>> Layers.parse("k3 k3d2") == Layers([Conv(3), Conv(3, dilation=2)])
True
"""

from refconv.analysis import zoo
from refconv.analysis.footprint import Footprint, footprint, footprints
from refconv.analysis.layers import Conv, Layer, Pool
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.receptive_field import ReceptiveField, receptive_field
from refconv.analysis.region import Region
from refconv.analysis.upsampling import ConvTranspose, Upsample

__all__ = [
    "Conv",
    "ConvTranspose",
    "Footprint",
    "Layer",
    "Layers",
    "Parallel",
    "Pool",
    "ReceptiveField",
    "Region",
    "Upsample",
    "footprint",
    "footprints",
    "receptive_field",
    "zoo",
]
