"""Sphinx's configuration; the pages of the blocks and of the command are made from the code each time."""

import sys
from pathlib import Path

from semcom import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generated_pages  # noqa: E402 - lies beside this file

generated_pages.write(HERE)

project = "gr-semcom"
author = "the gr-semcom authors"
copyright = f"{author}, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
default_role = "code"
exclude_patterns = ["_build"]
# A language name that Pygments does not know is still a mistake; a glob of pages that are not written yet is none.
suppress_warnings = ["toc.empty_glob"]

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
