"""Draws docs/pictures/power.svg, the function of the README's example as a notebook shows it.

python scripts/readme_picture.py
"""

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures" / "power.svg"


def picture():
    """The text of the picture."""
    listing = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    names = {"__name__": "readme"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(listing, "README.md", "exec"), names)
    drawn = names["power"]._repr_mimebundle_()["image/svg+xml"]
    return re.sub(r"\s*built at [^\n<]*", "", drawn) + "\n"


if __name__ == "__main__":
    TARGET.write_text(picture())
