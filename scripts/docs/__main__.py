"""`python -m scripts.docs`, which is `make docs`: the site, in build/docs/html, from the pages and the code.

Sphinx, as most names here are made from tables at run time: what reads sources finds no docstring of `T.exp`. Nothing
is asked of a network, and anything that Sphinx warns of, a link that leads nowhere or a page without a place, ends it.
"""

import re
import shutil
import sys
import time
from pathlib import Path

from sphinx.cmd.build import main as sphinx

from scripts.docs import copies, pages, reference

HERE = Path(__file__).parent
BUILD = pages.ROOT / "build" / "docs"


def build():
    """The exit status: 0 if the site is there."""
    start = time.monotonic()
    source = BUILD / "source"
    shutil.rmtree(BUILD, ignore_errors=True)
    (source / "_static").mkdir(parents=True)
    shutil.copy(HERE / "conf.py", source)
    shutil.copy(HERE / "site.css", source / "_static")
    copies.copy(source)
    reference.write(source / "reference")
    options = ["-b", "html", "-n", "-W", "--keep-going", "-q", "-d", str(BUILD / "doctrees")]
    status = sphinx([*options, str(source), str(BUILD / "html")])
    if not status and (found := loaded_from_elsewhere()):
        print("\n".join(["pages load what is on other hosts:", *sorted(found)]), file=sys.stderr)
        status = 1
    if not status:
        print("%s, in %.0f s" % ((BUILD / "html" / "index.html").relative_to(pages.ROOT), time.monotonic() - start))
    return status


def loaded_from_elsewhere():
    """What pages and styles ask other hosts for: scripts, pictures, fonts, styles. Links ask for nothing."""
    tag = r'<(?:script|img|iframe|link rel="stylesheet")[^>]*(?:src|href)="((?:https?:)?//[^"]+)'
    asks = re.compile(tag + r"""|url\(["']?((?:https?:)?//[^)"']+)""")
    pages = [path for kind in ("html", "css") for path in (BUILD / "html").rglob("*." + kind)]
    return {a or b for path in pages for a, b in asks.findall(path.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    sys.exit(build())
