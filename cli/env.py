"""`semcom env`: versions and devices, what to put into a report of a problem."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import click

__all__ = ["env", "environment"]


SHOWN = (
    "gr-semcom numpy scipy pyzmq msgspec pydantic pyyaml click rich pillow scikit-image torch torchmetrics safetensors "
    "av onnxruntime matplotlib"
).split()


def environment() -> dict[str, str]:
    """Return names and versions of what decides how this installation behaves."""
    found = {"python": f"{platform.python_version()} ({sys.executable})", "platform": platform.platform()}
    found["cores"] = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    for name in SHOWN:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    found["gpu"] = _gpu()
    return found


def _gpu() -> str:
    try:
        import torch
    except ImportError:
        return "unknown: torch is not installed"
    if not torch.cuda.is_available():
        return "none"
    return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


@click.command()
def env() -> None:
    """Show versions and devices: what to put into a report of a problem."""
    for key, value in environment().items():
        click.echo(f"{key:<16} {value}")
