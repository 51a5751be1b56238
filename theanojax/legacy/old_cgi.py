"""`cgi`, which Python 3.13 dropped: the functions that are about text."""

from __future__ import annotations

import html
from urllib.parse import parse_qs as parse_qs, parse_qsl as parse_qsl


def escape(s: str, quote: bool = False) -> str:
    """`s` with ``&``, ``<`` and ``>`` as HTML has them, and quotation marks if `quote`."""
    return html.escape(s, quote).replace("&#x27;", "'")
