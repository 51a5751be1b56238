"""Names that nothing uses: ``make lint`` runs this, with vulture, in the linters' environment.

What programs written for Theano call is not dead because nothing here calls it: tests/public_names.txt, what
theanojax/legacy/ defines, the parameters of functions, and the names in tests/kept_names.txt, which has only such.
"""

import os
import re
import sys

from vulture import Vulture

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What is there for programs, and cases that are all functions of their module.
FOR_OTHERS = tuple(os.path.join(*folder, "") for folder in (("theanojax", "legacy"), ("tests", "golden")))
# Found by their form or put into a table by what decorates them.
BY_FORM = ["test_*", "Test*", "pytest_*", "pytestmark", "__*__"]
REGISTERED = "@pytest.* @program @step @both_ways @raises @scalar_rule @length_rule @while_rewriting".split()


def words(file):
    with open(os.path.join(ROOT, "tests", file), encoding="utf-8") as lines:
        return {name for line in lines if line[0] != "#" for name in line.split()}


def unused():
    """What vulture reports, parameters left out."""
    found = Vulture(ignore_names=BY_FORM, ignore_decorators=REGISTERED)
    folders = [os.path.join(ROOT, folder) for folder in ("theanojax", "theano", "tests", "benchmarks")]
    found.scavenge(folders, exclude=[os.path.join(ROOT, "tests", "old_programs", "*")])
    for item in found.get_unused_code(min_confidence=60):
        if not (item.typ == "variable" and item.confidence == 100):
            yield os.path.relpath(item.filename, ROOT), item


def main():
    kept, public = words("kept_names.txt"), {re.sub(r".*\.", "", name) for name in words("public_names.txt")}
    reported = set()
    wrong = []
    for path, item in unused():
        reported.add(item.name)
        if item.name not in kept | public and not path.startswith(FOR_OTHERS):
            wrong.append(f"{path}:{item.first_lineno}: unused {item.typ} '{item.name}'")
    wrong += [f"tests/kept_names.txt: '{name}' is used, or gone" for name in sorted(kept - reported)]
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
