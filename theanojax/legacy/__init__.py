"""What old programs need: import paths that moved, Python 2 scripts, modules that are gone."""
