"""Which pages the site has, and in which order."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

# The navigation: pages of docs/ by their names. Those of `OUTSIDE` lie in the root of the repository.
NAVIGATION = {
    "First": "start first_steps tutorial install moving old_programs differences guarantees faq examples",
    "Using it": "performance loops debugging profiling pictures devices parallel scale",
    "Extending it": "own_ops c_ops rewrites jax",
    "Libraries": "libraries testing",
    "Reference": "flags reference/index errors status parity parity_pymc glossary changelog",
    "How it is made": "architecture contributing security benchmarks growth conformance fuzz",
}
GENERATED = {"reference/index"}
OUTSIDE = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md", "security": "SECURITY.md"}


def listed():
    """The names of all pages in the navigation."""
    return [name for names in NAVIGATION.values() for name in names.split()]


def there(name):
    """Whether there is a page of this name."""
    source = ROOT / OUTSIDE[name] if name in OUTSIDE else DOCS / name
    return name in GENERATED or source.exists() or source.with_suffix(".md").exists() or _notebook(name).exists()


def _notebook(name):
    return DOCS / (name + ".ipynb")
