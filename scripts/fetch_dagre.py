"""Puts dagre, which lays out the graphs of theanojax.d3viz, beside them: the released files, unchanged.

    python scripts/fetch_dagre.py

It needs npm. For another version change VERSION and TARBALL, run this and tests/test_d3viz.py, and commit what changed.
"""

import base64
import hashlib
import os
import subprocess
import tarfile
import tempfile

PACKAGE, VERSION = "@dagrejs/dagre", "3.1.3"
# dist.integrity of `npm view @dagrejs/dagre@VERSION`
TARBALL = "sha512-X4aUTwOReZvthaZWOVHqlJ52/ZdhZFEM4+Lh/uR4XooUSLE6p71bcy7MPGzYnNUcNh+nj+i/qJQpCMIdQnSmrg=="
FILES = {"package/dist/dagre.min.js": "dagre.min.js", "package/LICENSE": "dagre.LICENSE.txt"}
TARGET = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "theanojax", "d3viz")


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", "%s@%s" % (PACKAGE, VERSION)], cwd=folder, check=True)
        (name,) = os.listdir(folder)
        with open(os.path.join(folder, name), "rb") as file:
            found = "sha512-" + base64.b64encode(hashlib.sha512(file.read()).digest()).decode()
        if found != TARBALL:
            raise SystemExit("%s has the hash %s, and not %s" % (name, found, TARBALL))
        with tarfile.open(os.path.join(folder, name)) as tar:
            for source, target in FILES.items():
                with open(os.path.join(TARGET, target), "wb") as file:
                    file.write(tar.extractfile(source).read())


if __name__ == "__main__":
    main()
