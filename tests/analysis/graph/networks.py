"""Networks by name, with an image for each: those of torchvision and timm, and a few that everybody writes.

`table_of_models.py` reads them, and `verify_models.py` holds them against gradients.  Nothing here needs torch until it is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

DETECTORS = (
    "fasterrcnn_mobilenet_v3_large_fpn",
    "retinanet_resnet50_fpn",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
)
OWN = ("TCN", "WaveNet", "U-Net, transposed", "U-Net, bilinear")


@cache
def sequences() -> SimpleNamespace:
    """Return modules for sequences."""
    nn: Any = importlib.import_module("torch").nn

    class Causal(nn.Module):  # type: ignore[misc]  # torch may be missing
        """Two causal convolutions and a shortcut: padded on both sides, and chomped."""

        def __init__(self, channels: int, kernel: int, rate: int) -> None:
            super().__init__()
            self.chomp = (kernel - 1) * rate
            make = partial(nn.Conv1d, channels, channels, kernel, padding=self.chomp, dilation=rate)
            self.first, self.second, self.act = make(), make(), nn.ReLU()

        def forward(self, sound: Any) -> Any:
            inner = self.act(self.first(sound)[:, :, : -self.chomp])
            return self.act(sound + self.act(self.second(inner)[:, :, : -self.chomp]))

    class WaveNet(nn.Module):  # type: ignore[misc]  # torch may be missing
        """Ten gated causal layers of two taps, at rates 1, 2, 4 ... 512."""

        def __init__(self) -> None:
            super().__init__()
            self.rates = [2**level for level in range(10)]
            self.start, self.end = nn.Conv1d(1, 8, 1), nn.Conv1d(8, 16, 1)
            self.gated = nn.ModuleList(nn.Conv1d(8, 16, 2, dilation=rate) for rate in self.rates)
            self.out = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in self.rates)
            self.skip = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in self.rates)
            self.tanh, self.sigmoid, self.act = nn.Tanh(), nn.Sigmoid(), nn.ReLU()

        def forward(self, sound: Any) -> Any:
            sound, total = self.start(sound), 0
            for rate, gated, out, skip in zip(self.rates, self.gated, self.out, self.skip, strict=True):
                value, gate = gated(nn.functional.pad(sound, (rate, 0))).chunk(2, 1)
                both = self.tanh(value) * self.sigmoid(gate)
                sound, total = sound + out(both), total + skip(both)
            return self.end(self.act(total))

    return SimpleNamespace(Causal=Causal, WaveNet=WaveNet)


@cache
def unet() -> Any:
    """Return the class of U-Nets."""
    torch: Any = importlib.import_module("torch")
    nn = torch.nn

    class UNet(nn.Module):  # type: ignore[misc, name-defined]  # torch may be missing
        """Four levels down and up again, with padded 3x3 convolutions in pairs."""

        def __init__(self, *, is_bilinear: bool) -> None:
            super().__init__()
            widths = [4, 8, 16, 32, 32]
            self.is_bilinear, self.pool = is_bilinear, nn.MaxPool2d(2)
            self.down = nn.ModuleList(map(self.pair, [3, *widths], widths))
            up = nn.Conv2d if is_bilinear else partial(nn.ConvTranspose2d, stride=2)
            size = 1 if is_bilinear else 2
            self.up = nn.ModuleList(up(widths[level + 1], widths[level], size) for level in (3, 2, 1, 0))
            self.joined = nn.ModuleList(self.pair(2 * widths[level], widths[level]) for level in (3, 2, 1, 0))

        def pair(self, before: int, after: int) -> Any:
            layers = [
                nn.Conv2d(before, after, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(after, after, 3, padding=1),
                nn.ReLU(),
            ]
            return nn.Sequential(*layers)

        def forward(self, image: Any) -> Any:
            maps = [self.down[0](image)]
            for down in self.down[1:]:
                maps.append(down(self.pool(maps[-1])))
            here = maps.pop()
            for up, joined in zip(self.up, self.joined, strict=True):
                skip = maps.pop()
                if self.is_bilinear:
                    here = nn.functional.interpolate(here, size=skip.shape[-2:], mode="bilinear")
                here = joined(torch.cat([skip, up(here)], dim=1))
            return here

    return UNet


@cache
def around() -> SimpleNamespace:
    """Return modules around networks."""
    torch: Any = importlib.import_module("torch")
    nn = torch.nn

    class Upto(nn.Module):  # type: ignore[misc, name-defined]  # torch may be missing
        """A network up to one of its modules."""

        def __init__(self, network: Any, part: str) -> None:
            super().__init__()
            self.network, self.part = network, part

        def forward(self, image: Any) -> Any:
            found: list[Any] = []
            hook = self.network.get_submodule(self.part).register_forward_hook(
                lambda _module, _given, out: found.append(out)
            )
            self.network(image)
            hook.remove()
            return found[0]

    class First(nn.Module):  # type: ignore[misc, name-defined]  # torch may be missing
        """The first output of a network that has several, in a list or by name."""

        def __init__(self, network: Any) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: Any) -> Any:
            out = self.network(image)
            out = list(out.values()) if isinstance(out, dict) else out
            return out[0] if isinstance(out, list | tuple) else out

    class Detached(nn.Module):  # type: ignore[misc, name-defined]  # torch may be missing
        """A module whose result is no part of the gradient, and does not make what it multiplies grow."""

        def __init__(self, module: Any) -> None:
            super().__init__()
            self.module = module

        def forward(self, image: Any) -> Any:
            return torch.ones_like(self.module(image))

    return SimpleNamespace(Upto=Upto, First=First, Detached=Detached)


def own(name: str) -> Any:
    """Return one of the networks that are written here."""
    made, torch = sequences(), importlib.import_module("torch")
    if name == "TCN":  # its four taps at rates 1 ... 64 see 763
        return torch.nn.Sequential(torch.nn.Conv1d(1, 8, 1), *(made.Causal(8, 4, 2**level) for level in range(7)))
    return made.WaveNet() if name == "WaveNet" else unet()(is_bilinear="bilinear" in name)


def image_for(name: str, rows: int, columns: int) -> Any:
    """Return an image of that many rows, or for networks of sequences a sequence."""
    torch: Any = importlib.import_module("torch")
    return torch.rand((1, 1, rows) if name in {"TCN", "WaveNet"} else (1, 3, rows, columns))


def _models() -> Any:
    return importlib.import_module("torchvision").models


def classifier(name: str) -> Any:
    options = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    return getattr(_models(), name)(weights=None, **options)


def segmenter(name: str) -> Any:
    return around().First(getattr(_models().segmentation, name)(weights=None, weights_backbone=None))


def detector(name: str) -> Any:
    """Return a detector's backbone, up to its first feature map."""
    return around().First(getattr(_models().detection, name)(weights=None, weights_backbone=None).backbone)


def timm(name: str) -> Any:
    """Return one of timm's networks up to its last feature map."""
    return importlib.import_module("timm").create_model(name, pretrained=False, num_classes=0, global_pool="")


def makers(find: Callable[[str], Any], names: tuple[str, ...]) -> dict[str, Callable[[], Any]]:
    """Return what makes each of some networks."""
    return {name: partial(find, name) for name in names}
