"""One line on stderr about what takes long: rewriting a graph, tracing it, compiling it; and the steps of a scan.

``config.verbose_compile``, and for loops ``config.scan_progress``, say whether: 'auto' in terminals and notebooks,
where the line is rewritten as time goes by.
What takes less than two seconds is never mentioned.
"""

import sys
import threading
import time

from theanojax.config import config
from theanojax.graph.signals import by_signal
from theanojax.logs import theanojax_logger

FIRST, AGAIN = 2.0, 0.5  # seconds before anything is said, and between two looks at the clock
PIECES = 100  # of a loop, after each of which it says so
MENTIONED = 0.05  # seconds of a step that the last line names

_under_way = None  # the _Line that is now seen
watchers: list = []  # functions of (name of a loop, steps done, steps to do)


def _in_notebook():
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


def _kind(wanted):
    """How to show a line: "terminal", "notebook", "log", or None, not at all. `wanted` is what a flag says."""
    if wanted == "False" or sys.stderr is None:
        return None
    try:
        if sys.stderr.isatty():
            return "terminal"
    except Exception as error:  # it is closed, or a program has put something of its own there
        if by_signal(error):
            raise
    if _in_notebook():
        return "notebook"
    return "log" if wanted == "True" else None


class phase:
    """A context in which `text` is being done. Inside another one it is a step of it, and has no line of its own.

    `flag` names the flag that says whether it is shown.
    """

    def __init__(self, text, flag="verbose_compile"):
        self.text, self.flag, self.line, self.outer = text, flag, None, None

    def __enter__(self):
        return self.begin(sys._getframe(1).f_code)

    def begin(self, code):
        """Begin, in a function with this `code`."""
        global _under_way
        seen = _under_way  # that of another thread may end at any moment
        if seen is not None:
            self.outer = seen.step(self.text)
        elif kind := _kind(getattr(config, self.flag)):
            self.line = _under_way = _Line(self.text, kind, code)
            try:
                self.line.thread.start()
            except RuntimeError:  # there are too many threads, or Python exits
                self.line = _under_way = None
        return self

    def __exit__(self, *error):
        global _under_way
        if self.line is not None:
            _under_way = None
            self.line.end()
        elif self.outer is not None:
            step(self.outer)


def step(text):
    """`text` is what is being done from now on, in the phase under way, if any."""
    seen = _under_way
    if seen is not None:
        seen.step(text)


class _Inside(threading.local):
    loop = False


_inside = _Inside()  # whether a loop runs that tells its steps: those in it do not


class of_loop:
    """The phase in which the loop `name` runs. Its value, called with the steps done, tells them now and then."""

    def __init__(self, name, total=None):
        self.name, self.total, self.phase = name, total, phase("running %s" % name, "scan_progress")

    def __enter__(self):
        self.phase.begin(sys._getframe(1).f_code)
        self.before, _inside.loop = _inside.loop, True
        return self

    def __exit__(self, *error):
        _inside.loop = self.before
        self.phase.__exit__(*error)

    def __call__(self, done):
        if done % pieces(self.total) == 0 or done == self.total:
            at_step(self.name, done, self.total)


def loops_tell():
    """Whether loops that run, or are made, now should say at which step they are."""
    return (bool(watchers) or config.scan_progress != "False") and not _inside.loop


def pieces(total):
    """After how many steps each a loop of `total` steps tells."""
    return max(1, total // PIECES)


def at_step(name, done, total):
    """The loop `name` has done so many steps."""
    seen = _under_way
    if seen is not None:
        seen.note = ", step %d of %d" % (done, total)
    for watcher in tuple(watchers):
        try:
            watcher(name, int(done), int(total))
        except Exception as error:  # it is no part of the loop
            if by_signal(error):
                raise
            theanojax_logger.warning("What watches the steps of loops has failed: %r", error)


class _Line:
    def __init__(self, text, kind, code):
        self.text, self.kind = text, kind
        self.code, self.owner = code, threading.get_ident()
        self.start = self.since = time.monotonic()
        self.note = ""
        self.spent = {}  # step -> seconds
        self.shown = 0  # letters
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, name="theanojax-progress", daemon=True)

    def step(self, text):
        """Begin another step; the text of the one before."""
        before, now = self.text, time.monotonic()
        self.spent[before] = self.spent.get(before, 0.0) + now - self.since
        self.text, self.since, self.note = text, now, ""
        return before

    def is_left(self):
        """Whether the function that began this has ended, without an end of this: a signal may come at any moment."""
        frame = sys._current_frames().get(self.owner)
        while frame is not None and frame.f_code is not self.code:
            frame = frame.f_back
        return frame is None

    def watch(self):
        global _under_way
        wait = FIRST
        while not self.over.wait(wait):
            if self.is_left():
                _under_way = None
                return
            seconds = time.monotonic() - self.start
            if self.kind != "log":
                self.write("%s%s, %d s" % (self.text, self.note, seconds))
            elif not self.shown:
                self.write(self.text + " ...")
            wait = AGAIN

    def end(self):
        self.over.set()
        self.thread.join(1)
        if self.shown:
            self.step("")
            steps = ["%s: %.1f s" % row for row in self.spent.items() if row[1] >= MENTIONED]
            self.write(", ".join(steps), last=True)

    def write(self, text, last=False):
        text = "theanojax: " + text
        if self.kind == "terminal":
            import shutil  # which takes a while to import

            text = "\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1]
        elif self.kind == "notebook":
            text = "\r" + text.ljust(self.shown)
        self.shown = max(self.shown, len(text))
        try:
            sys.stderr.write(text + "\n" * (last or self.kind == "log"))
            sys.stderr.flush()
        except Exception as error:  # it was closed, or is gone
            if by_signal(error):
                raise
            self.kind = "log"
