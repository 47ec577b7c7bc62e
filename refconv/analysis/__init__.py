"""What does a stack of convolutions see?  Receptive fields, footprints and gridding, exactly and without running it.

>>> from refconv.analysis import Conv, Layers
>>> Layers.parse("k3 k3d2") == Layers([Conv(3), Conv(3, dilation=2)])
True
"""

from refconv.analysis import zoo
from refconv.analysis.axis_use import AxisUse
from refconv.analysis.dilation_design import Design, design_dilations, fewest_layers
from refconv.analysis.exact_rule import HoleFree, hole_free
from refconv.analysis.footprint import Footprint, footprint, footprints
from refconv.analysis.graph.coverage import Coverage, coverage
from refconv.analysis.graph.in_image import InImage, Tiling, in_image, tiling
from refconv.analysis.graph.network_graph import Graph, from_onnx
from refconv.analysis.graph.torch_program import from_torch
from refconv.analysis.gridding import Gridding, gridding
from refconv.analysis.hdc import Hdc, Principle, hdc
from refconv.analysis.layers import Conv, Layer, Pool
from refconv.analysis.network import Layers, Parallel
from refconv.analysis.receptive_field import ReceptiveField, receptive_field
from refconv.analysis.region import Region
from refconv.analysis.repair import Repair, repair_dilations
from refconv.analysis.upsampling import ConvTranspose, Upsample
from refconv.analysis.valid_weights import ValidWeights, valid_weights

__all__ = [
    "AxisUse",
    "Conv",
    "ConvTranspose",
    "Coverage",
    "Design",
    "Footprint",
    "Graph",
    "Gridding",
    "Hdc",
    "HoleFree",
    "InImage",
    "Layer",
    "Layers",
    "Parallel",
    "Pool",
    "Principle",
    "ReceptiveField",
    "Region",
    "Repair",
    "Tiling",
    "Upsample",
    "ValidWeights",
    "coverage",
    "design_dilations",
    "fewest_layers",
    "footprint",
    "footprints",
    "from_onnx",
    "from_torch",
    "gridding",
    "hdc",
    "hole_free",
    "in_image",
    "receptive_field",
    "repair_dilations",
    "tiling",
    "valid_weights",
    "zoo",
]
