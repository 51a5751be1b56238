"""Docstrings, which are plain text with numpy's headings, as Markdown."""

import re

HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
CODE = re.compile(r"(``.+?``|`[^`\n]+`)", re.DOTALL)
ITEM = re.compile(r"^(?P<names>[\w*, `.]+?) : (?P<kind>.*)$")


def described(doc):
    """The Markdown of a docstring, whose headings are bold lines and whose parameters are a list."""
    parts = HEADING.split(doc)
    written = [prose(parts[0])]
    for heading, text in zip(parts[1::2], parts[2::2]):
        body = items(text) if heading in ("Parameters", "Raises", "Attributes", "Other Parameters") else prose(text)
        written.append("**%s**\n\n%s" % (heading, body))
    return "\n\n".join(part.strip("\n") for part in written)


def items(text):
    """A list of `name : what it is`, whose other lines are indented; what does not look so stays a paragraph."""
    rows, after = [], []
    for line in text.strip("\n").splitlines():
        found = ITEM.match(line)
        if found and not after:
            rows.append("- **%s**: %s" % (found["names"].replace("*", "\\*"), escaped(found["kind"])))
        elif line.startswith("    ") and rows and not after:
            rows[-1] += " " + escaped(line.strip())
        elif line.strip() and rows and not after and not line.startswith(" ") and re.fullmatch(r"[\w*, ]+", line):
            rows.append("- **%s**:" % line.strip().replace("*", "\\*"))
        else:
            after.append(line)
    return "\n".join(rows) + "\n\n" + prose("\n".join(after))


def prose(text):
    """Paragraphs: what is Markdown by accident is escaped, doctests and indented lines are listings."""
    written = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        lines = paragraph.splitlines()
        if lines and lines[0].lstrip().startswith(">>>"):
            written.append("```pycon\n%s\n```" % "\n".join(line.strip() for line in lines))
        elif lines and all(line.startswith("    ") for line in lines):
            written.append("```text\n%s\n```" % "\n".join(line[4:] for line in lines))
        else:
            written.append(escaped(paragraph))
    return "\n\n".join(written)


def escaped(text):
    """`text` in which only code is marked."""
    parts = CODE.split(text)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([*_<|\[\]{}$#])", r"\\\1", parts[i])
    return "".join(parts)
