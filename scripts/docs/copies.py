"""The pages that are written by hand, as Sphinx reads them: links lead to pages, flowcharts are drawn."""

import re
import shutil

from scripts.docs import notebook, pages
from scripts.docs.diagrams import drawn
from scripts.docs.pages import DOCS, ROOT

LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"^(```+).*?^\1", re.MULTILINE | re.DOTALL)


def copy(target):
    """Copy all pages that are written by hand, and their pictures, to the folder `target`."""
    missing = {path.stem for path in DOCS.iterdir() if path.suffix in (".md", ".ipynb")} - {*pages.listed(), "index"}
    if missing:
        raise SystemExit("%s has no place for these pages of docs/: %s" % (pages.__file__, ", ".join(sorted(missing))))
    for page in DOCS.glob("*.md"):
        (target / page.name).write_text(drawn(_linked(page.read_text(), "docs")))
    for path in DOCS.glob("*.ipynb"):
        (target / (path.stem + ".md")).write_text(_linked(notebook.page(path), "docs"))
    for name, path in filter(lambda page: pages.there(page[0]), pages.OUTSIDE.items()):
        (target / (name + ".md")).write_text(_linked((ROOT / path).read_text(), ""))
    if (DOCS / "pictures").exists():
        shutil.copytree(DOCS / "pictures", target / "pictures")
    with open(target / "index.md", "a") as file:
        file.write("\n" + "\n\n".join(_contents(*group) for group in pages.NAVIGATION.items()) + "\n")


def _contents(caption, names):
    lines = ["```{toctree}", ":hidden:", ":caption: " + caption, "", *filter(pages.there, names.split()), "```"]
    return "\n".join(lines)


def _linked(text, folder):
    """`text` of a page in `folder`, with its links to files of the repository leading to pages of the site."""
    outside = {(ROOT / path).resolve(): name + ".md" for name, path in pages.OUTSIDE.items()}
    outside[(ROOT / "README.md").resolve()] = "index.md"

    def link(match):
        words, (path, hash_, anchor) = match[1], match[2].partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        file = (ROOT / folder / path).resolve()
        if file not in outside and not file.is_relative_to(DOCS):
            raise SystemExit("a page in %r links to %s, which is no page" % (folder or ".", match[2]))
        page = outside.get(file) or str(file.relative_to(DOCS)).replace(".ipynb", ".md")
        # What is called by the name of its file there has its title on the site.
        return "[%s](%s)" % ("" if words.endswith(".md") and not anchor else words, page + hash_ + anchor)

    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(link, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, LINK.sub(link, text[at:])])
