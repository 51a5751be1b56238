"""The machinery of rewriting: walkers, patterns, databases; the rewrites themselves are in rewrites/."""
