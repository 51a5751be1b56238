"""Which pages the site has, in which order, and how they are copied to where Sphinx reads them."""

import re
import shutil
from pathlib import Path

from scripts.docs.diagrams import drawn

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

# The navigation: pages of docs/ by their names. Those of `OUTSIDE` lie in the root of the repository.
NAVIGATION = {
    "First": ["start", "first_steps", "install", "moving", "old_programs", "differences", "guarantees", "faq"],
    "Using it": ["performance", "loops", "debugging", "profiling", "pictures", "devices", "parallel", "scale"],
    "Extending it": ["own_ops", "c_ops", "rewrites", "jax"],
    "Libraries": ["libraries", "testing"],
    "Reference": ["flags", "reference/index", "errors", "status", "parity", "changelog"],
    "How it is made": ["architecture", "contributing", "benchmarks", "conformance", "fuzz"],
}
GENERATED = {"reference/index"}
OUTSIDE = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}

LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"^(```+).*?^\1", re.MULTILINE | re.DOTALL)


def listed():
    """The names of all pages in the navigation."""
    return [name for names in NAVIGATION.values() for name in names]


def there(name):
    """Whether there is a page of this name."""
    source = ROOT / OUTSIDE[name] if name in OUTSIDE else DOCS / name
    return name in GENERATED or source.exists() or source.with_suffix(".md").exists() or _notebook(name).exists()


def _notebook(name):
    return DOCS / (name + ".ipynb")


def copy(target):
    """Copy all pages that are written by hand, and their pictures, to the folder `target`."""
    missing = {path.stem for path in DOCS.iterdir() if path.suffix in (".md", ".ipynb")} - {*listed(), "index"}
    if missing:
        raise SystemExit("%s has no place for these pages of docs/: %s" % (__file__, ", ".join(sorted(missing))))
    for page in DOCS.glob("*.md"):
        (target / page.name).write_text(drawn(_linked(page.read_text(), "docs")))
    for name, path in OUTSIDE.items():
        (target / (name + ".md")).write_text(_linked((ROOT / path).read_text(), ""))
    if (DOCS / "pictures").exists():
        shutil.copytree(DOCS / "pictures", target / "pictures")
    with open(target / "index.md", "a") as file:
        file.write("\n" + "\n\n".join(_contents(*group) for group in NAVIGATION.items()) + "\n")


def _contents(caption, names):
    lines = ["```{toctree}", ":hidden:", ":caption: " + caption, "", *filter(there, names), "```"]
    return "\n".join(lines)


def _linked(text, folder):
    """`text` of a page in `folder`, with its links to files of the repository leading to pages of the site."""
    pages = {(ROOT / path).resolve(): name + ".md" for name, path in OUTSIDE.items()}
    pages[(ROOT / "README.md").resolve()] = "index.md"

    def link(match):
        words, (path, hash_, anchor) = match[1], match[2].partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        file = (ROOT / folder / path).resolve()
        if file not in pages and not file.is_relative_to(DOCS):
            raise SystemExit("a page in %r links to %s, which is no page" % (folder or ".", match[2]))
        page = pages.get(file) or str(file.relative_to(DOCS))
        # What is called by the name of its file there has its title on the site.
        return "[%s](%s)" % ("" if words.endswith(".md") and not anchor else words, page + hash_ + anchor)

    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(link, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, LINK.sub(link, text[at:])])
