"""What does a stack of convolutions see?  Receptive fields, footprints and gridding, exactly and without running it.

>>> from refconv.analysis import Conv, Layers
>>> Layers.parse("k3 k3d2") == Layers([Conv(3), Conv(3, dilation=2)])
True
"""

from refconv.analysis.layers import Conv, ConvTranspose, Layer, Pool, Upsample
from refconv.analysis.network import Layers, Parallel

__all__ = ["Conv", "ConvTranspose", "Layer", "Layers", "Parallel", "Pool", "Upsample"]
