"""Where objects ask what they look like: theanojax.printing.notebook answers, and is imported when first asked."""

from theanojax.graph import above


def mimebundle(thing):
    """What notebooks show of a compiled function, FunctionGraph, Variable or Apply: kinds of text and texts, a dict."""
    from theanojax.printing import notebook

    return notebook.mimebundle(thing)


above.mimebundle = mimebundle


class ShownFunction:
    """What a compiled function looks like."""

    def __str__(self):
        from theanojax.printing import notebook

        return notebook.function_text(self)

    def __repr__(self):
        from theanojax.printing import notebook

        # Old documentation shows, and its tests match, how the default begins.
        return "%s: %s>" % (object.__repr__(self)[:-1], notebook.function_line(self))

    def _repr_mimebundle_(self, include=None, exclude=None):
        return mimebundle(self)
