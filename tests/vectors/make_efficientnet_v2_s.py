"""Makes efficientnet_v2_s.npz: what torchvision's features give for weights and a picture that formulas give.

Run where torchvision is installed: python tests/vectors/make_efficientnet_v2_s.py
"""

from __future__ import annotations

import datetime
import json
import math
import platform
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
SIZE = (64, 96)


def noise_like(count: int, salt: int) -> torch.Tensor:
    """``count`` float64 values in -1 to 1 from whole-number arithmetic, the same on every machine."""
    index = torch.arange(count, dtype=torch.int64)
    return ((index * index * 7919 + index * (104729 + 2 * salt) + salt * 611953) % 65521).double() / 32760 - 1


def fill(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Values for a state dict by the names and shapes alone; scaled so that every tensor shows in the output."""
    out = {}
    for salt, (name, old) in enumerate(sorted(tensors.items())):
        values = noise_like(old.numel(), salt).reshape(old.shape)
        if name.endswith("num_batches_tracked"):
            out[name] = torch.zeros(old.shape, dtype=old.dtype)
            continue
        if old.ndim == 4:  # uniform of variance 2 / fan-in
            values = values * math.sqrt(3 * 2 / old[0].numel())
        elif name.endswith("running_var"):
            values = 1 + 0.3 * values
        elif name.endswith("weight"):  # of a normalisation; 0.6 holds the signal at about one through forty blocks
            values = 0.6 * (1 + 0.3 * values)
        else:
            values = 0.2 * values
        out[name] = values.to(old.dtype)
    return out


def picture() -> torch.Tensor:
    """A normalised picture ``[1, 3, h, w]``."""
    height, width = SIZE
    return (noise_like(3 * height * width, 1) * 1.5).reshape(1, 3, height, width).float()


def main() -> None:
    """Run torchvision and write the vector and its certificate."""
    stubs = torch.library.Library("torchvision", "FRAGMENT")
    try:
        import torchvision

        note = "torchvision as installed"
    except RuntimeError:
        # Its compiled operators do not load beside a torch for CPUs only. The classification models use none of them.
        import sys

        for module in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[module]
        for operator in ("nms", "qnms"):
            stubs.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision

        note = (
            "torchvision's Python code from its wheel; the operators nms and qnms, which no classifier calls, stubbed"
        )
    torch.set_num_threads(1)
    network = torchvision.models.efficientnet_v2_s(weights=None).features.eval()
    network.load_state_dict(fill(network.state_dict()))
    with torch.inference_mode():
        stages, x = {}, picture()
        for index, stage in enumerate(network):
            x = stage(x)
            stages[f"mean_square_{index}"] = np.float64(x.double().square().mean())
    names = sorted(network.state_dict())
    shapes = [list(network.state_dict()[name].shape) for name in names]
    np.savez_compressed(
        HERE / "efficientnet_v2_s.npz", features=x.numpy(), names=np.array(names), shapes=json.dumps(shapes), **stages
    )
    certificate = {
        "tool": "torchvision.models.efficientnet_v2_s(weights=None).features",
        "version": torchvision.__version__,
        "torch": torch.__version__,
        "note": note,
        "command": "python tests/vectors/make_efficientnet_v2_s.py",
        "seed": None,
        "machine": platform.machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    (HERE / "efficientnet_v2_s.json").write_text(json.dumps(certificate, indent=2) + "\n")
    print({name: float(value) for name, value in stages.items()})


if __name__ == "__main__":
    main()
