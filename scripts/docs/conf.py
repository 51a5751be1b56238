"""Sphinx's configuration for `python -m scripts.docs`, which copies it beside the pages."""

import importlib.metadata

project = "theanojax"
copyright = "the authors of theanojax"
release = importlib.metadata.version("theanojax")

language = "en"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4  # page.md#a-heading, as on the pages that a repository's host shows
suppress_warnings = []
nitpicky = True

html_theme = "furo"
html_title = "theanojax " + release
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = True
# Nothing is loaded from other hosts: the theme has no fonts of its own, and there is no formula to be drawn.
html_math_renderer = None
pygments_style = "default"
pygments_dark_style = "monokai"
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries = False
