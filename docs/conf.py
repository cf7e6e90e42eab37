"""Sphinx's configuration; the pages of the blocks and of the command are made from the code each time."""

import html
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from semcom import __version__
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generated_pages  # noqa: E402 - lies beside this file

generated_pages.write(HERE)

project = "gr-semcom"
author = "the gr-semcom authors"
copyright = f"{author}, Apache-2.0"
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
default_role = "code"
exclude_patterns = ["_build"]

html_math_renderer = "mathml"
html_theme = "alabaster"
html_static_path = ["_static"]
html_css_files = ["semcom.css"]
html_title = "gr-semcom"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "description": "Images over radio channels, by meaning instead of by bits",
    "fixed_sidebar": True,
    "page_width": "1080px",
    "sidebar_width": "230px",
    "show_powered_by": False,
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
}
html_sidebars = {"**": ["about.html", "searchbox.html", "navigation.html"]}


def setup(app: Sphinx) -> None:
    """Write equations as MathML, which browsers draw by themselves: the manual reads offline."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(_mathml(node))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f"<p>{_mathml(node)}</p>\n")
    raise nodes.SkipNode


def _mathml(node: nodes.math | nodes.math_block) -> str:
    tex = node.astext().replace(r"\dots", r"\ldots")
    try:
        return tex2mathml(tex, as_block=isinstance(node, nodes.math_block))
    except MathError as error:
        logging.getLogger(__name__).warning("an equation cannot be drawn: %s: %s", error, tex, location=node)
        return f"<code>{html.escape(tex)}</code>"
