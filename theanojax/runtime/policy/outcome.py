"""How the run of a program can end; what it returns beside its outputs.

Only what is true is an end: the outputs are there. ``DONE`` leaves the updates to the caller, ``COMMITTED`` says that
they are in their cells already. Otherwise the call is the host's: ``REPLAY`` once, since a guard did not hold,
`Declined`, since an executable for these shapes is not worth its compilation yet, or `Refused`, since none can be made.
"""


class Outcome:
    """One of the constants below. `good` says whether there are outputs."""

    def __init__(self, name, good):
        self.name, self.good = name, good

    def __repr__(self):
        return self.name


DONE, COMMITTED, REPLAY = Outcome("DONE", True), Outcome("COMMITTED", True), Outcome("REPLAY", False)


class Declined(Outcome):
    """A stage has no executable for the shapes of this call; `patience` decides when `signature` is worth one."""

    def __init__(self, patience, signature):
        super().__init__("Declined", False)
        self.patience, self.signature = patience, signature


class Refused(Outcome):
    """What `error` said when it was tried before, with the same shapes, turned out to be a mistake of the caller."""

    def __init__(self, stage, signature, error):
        super().__init__("Refused", False)
        self.stage, self.signature, self.error = stage, signature, error

    def withdraw(self):
        """It was no mistake: the host could answer."""
        self.stage.refused.pop(self.signature, None)
