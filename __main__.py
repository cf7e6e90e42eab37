"""Runs the command `semcom` as `python -m semcom`."""

from __future__ import annotations

from .cli import main

main()
