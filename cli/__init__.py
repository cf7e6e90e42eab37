"""The command `semcom`, one file a noun. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from typing import Any

import click

from ..errors import Interrupted, SemcomError
from .blocks import blocks, new_block
from .check import check
from .control import set_parameter, status, stop, swap
from .env import env
from .export import export
from .fetch import fetch
from .graph import graph
from .grc import grc
from .measure import measure
from .plot import plot
from .radio import radio
from .run import run
from .schema import schema
from .sheet import sheet
from .sweep import sweep
from .systems import systems
from .train import train

__all__ = ["main"]

atexit.register(gc.freeze)  # Python would search all of torch for garbage before it ends: half a second of a short run


class _Semcom(click.Group):
    """Turns the project's errors into one message and an exit code; a traceback only with ``SEMCOM_DEBUG=1``."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SemcomError as error:
            if os.environ.get("SEMCOM_DEBUG"):
                raise
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            if os.environ.get("SEMCOM_DEBUG"):
                raise
            click.echo("interrupted", err=True)
            ctx.exit(Interrupted.exit_code)
        except BrokenPipeError:  # `semcom blocks | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except OSError as error:  # `semcom blocks > /dev/full`
            if os.environ.get("SEMCOM_DEBUG"):
                raise
            with contextlib.suppress(OSError, ValueError):  # what could not be written would be tried again at exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            where = error.filename if isinstance(error.filename, str) else "standard output"
            click.echo(f"{where}: {error.strerror or error}; free space there, or choose another place", err=True)
            ctx.exit(1)


@click.group(cls=_Semcom, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="gr-semcom", message="gr-semcom %(version)s")
def main() -> None:
    """Semantic image communication as a signal chain: flowgraphs in YAML, simulated, streaming or over the air."""


for command in (run, check, graph, schema, blocks, new_block, systems, env, sweep, plot, sheet, measure):
    main.add_command(command)
for command in (train, fetch, export, status, set_parameter, swap, stop, grc, radio):
    main.add_command(command)
