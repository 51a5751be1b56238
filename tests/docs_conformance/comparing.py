"""Whether two texts that programs printed say the same."""

import re

# What differs from run to run, or from folder to folder, and what stands for it.
SET_ASIDE = [
    (re.compile(r'^ *File "[^"\n]*playing\.py", line.*\n(    .*\n)?', re.M), ""),  # what runs the blocks
    (re.compile(r"0x[0-9a-fA-F]+"), "0x"),
    (re.compile(r"(?<![\w.])/(?:[\w.+-]+/)+"), ""),  # folders
    (re.compile(r"[ \t]+$", re.M), ""),
]
SET = re.compile(r"(?<![\w])\{([^{}:]+, [^{}:]+)\}")
NUMBER = re.compile(r"(?<![\w.])[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?(?![\w])")

# What came of a block, and how the report says it.
OUTCOMES = {
    "same": "run on Theano, and print the same here",
    "digits": "the same but for the last digits of floats",
    "drawn": "print other numbers at each run on Theano; all else is the same",
    "differs": "print another text",
    "other text": "fail, as their page shows, and with another text here",
    "fails here": "fail here only",
    "another error": "fail on both, with another error",
    "fails": "fail on both, with the same error",
    "runs here": "fail on Theano only",
}
WELL = ("same", "digits", "drawn")
RUN = (*WELL, "differs", "other text", "fails here")  # on Theano


def plain(text):
    """`text` without addresses, folders and our frames, and with sets in order."""
    for pattern, instead in SET_ASIDE:
        text = pattern.sub(instead, text)
    text = SET.sub(lambda found: "{%s}" % ", ".join(sorted(found[1].split(", "))), text)
    return text.strip()


def close(a, b):
    """Whether two texts are the same but for numbers, and these nearly so."""
    if masked(a) != masked(b):
        return False
    pairs = zip(NUMBER.finditer(a), NUMBER.finditer(b))
    return all(abs(float(x[0]) - float(y[0])) <= 1e-5 * max(1e-3, abs(float(x[0]))) for x, y in pairs)


def masked(text):
    return NUMBER.sub("#", text).split()


def outcome(block, theirs, ours, again=lambda: None):
    """Of OUTCOMES: what came of a block. `theirs` and `ours` are rows of playing, or None where it ended before.

    `again` gives a second row of Theano's.
    """
    if theirs is None or ours is None:
        return "fails" if theirs is None or theirs["error"] else "fails here"
    a, b = plain(theirs["text"]), plain(ours["text"])
    if theirs["error"] and not block.fails:
        return "fails" if a == b else "another error" if ours["error"] else "runs here"
    if a == b:
        return "same"
    if theirs["error"] != ours["error"]:
        return "fails here" if ours["error"] else "differs"
    if close(a, b):
        return "digits"
    if masked(a) == masked(b):
        second = again()
        if second is not None and plain(second["text"]) != a:
            return "drawn"
    return "other text" if theirs["error"] else "differs"
