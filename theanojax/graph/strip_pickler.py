"""Pickles without what only this process needs."""

import pickle

from theanojax.graph.tag import Scratchpad


class StripPickler(pickle.Pickler):
    """Leaves out of a pickle what only this process needs: where variables were made, and test values on demand."""

    def __init__(self, file, protocol=0, extra_tag_to_remove=None):
        super().__init__(file, protocol)
        extra = [extra_tag_to_remove] if isinstance(extra_tag_to_remove, str) else list(extra_tag_to_remove or ())
        self.tag_to_remove = ["trace", "test_value", *extra]

    def reducer_override(self, obj):
        """Strip each tag on its way out."""
        if isinstance(obj, Scratchpad):
            for name in self.tag_to_remove:
                vars(obj).pop(name, None)
        return NotImplemented
