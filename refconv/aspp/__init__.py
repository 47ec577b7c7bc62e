"""Atrous spatial pyramid pooling: one map read by parallel branches of different reach, then brought together.

::

            ┌─ convs.0    1×1 convolution ────────────────────────────────────────────┐
            ├─ convs.1    3×3 convolution, dilation = padding = the first rate ───────┤
    input ──┼─ ...        and so for every rate ──────────────────────────────────────┼─ concatenate ─ project ─ output
            ├─ convs.n    3×3 convolution, dilation = padding = the last rate ────────┤                1×1
            └─ convs.n+1  mean of the image ─ 1×1 convolution ─ resized back to H×W ──┘

A padding equal to the rate keeps the map's size.  What stands behind every convolution depends on the variant:

deeplabv3
    Batch norm and ReLU; the convolution has no bias.  (The dropout behind the projection is the identity at inference.)
simple
    Nothing; the convolution has a bias.

Source: Chen, Papandreou, Schroff & Adam, "Rethinking atrous convolution for semantic image segmentation" (2017),
section 3.3, known as DeepLabv3.  The names of the parameters are those of torchvision's state dict.
"""

from refconv.aspp.analysis import aspp_layers, aspp_valid_weights
from refconv.aspp.module import aspp, aspp_branches
from refconv.aspp.parameters import atrous_rates, parameter_shapes

__all__ = ["aspp", "aspp_branches", "aspp_layers", "aspp_valid_weights", "atrous_rates", "parameter_shapes"]
