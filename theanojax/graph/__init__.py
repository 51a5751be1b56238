"""The symbolic graph: types, variables, nodes, traversal and the machinery of rewriting. Knows no numbers."""
