"""Notebooks as pages: they are run, and what their cells show goes below these."""

import os
import sys
import tempfile

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from scripts.docs.pages import ROOT


def page(path):
    """The Markdown of a notebook with what its cells gave just now; an error in one of them ends the build."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        local = {"transport": "ipc", "ip": os.path.join(folder, "kernel")} if os.name == "posix" else {}
        manager = AsyncKernelManager(**local)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        manager._kernel_spec = KernelSpec(argv=command, env={"PYTHONPATH": str(ROOT)}, language="python")
        client = NotebookClient(notebook, km=manager, timeout=120, resources={"metadata": {"path": folder}})
        client.owns_km = True  # the end of the block ends the kernel
        client.execute()
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.cell_type == "code":
            parts.append("```python\n%s\n```" % cell.source)
            parts += [shown(output) for output in cell.outputs]
    return "\n\n".join(filter(None, parts)) + "\n"


def shown(output):
    """What one output of a cell is on the page."""
    if output.output_type == "stream":
        return "```output\n%s\n```" % output.text.rstrip() if output.name == "stdout" else ""
    data = output.data
    for kind in ("text/html", "image/svg+xml"):
        if kind in data:
            return '````{raw} html\n<div class="shown">%s</div>\n````' % data[kind]
    return "```output\n%s\n```" % data["text/plain"]
