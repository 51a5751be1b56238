"""Threads call functions that share variables while signals interrupt the main thread and seams of the calls fail.

After every event the versions of all variables are those of whole calls, and in the end nothing is missing. Prints
what happened; exits 1 with the complaints if something was torn, lost, repeated, or hangs.
"""

import _thread
import argparse
import faulthandler
import logging
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections import Counter

import numpy as np

import theano
from tests.stress import faults
from tests.stress.subjects import SIZE, all_draws, all_subjects
from theanojax.errors import HostFallbackWarning
from theanojax.graph.cells import StaleValue

HANG = 120  # seconds in which a thread must have done something


class Stress:
    def __init__(self, options):
        self.options = options
        self.end = time.monotonic() + options.seconds
        self.complaints, self.events = [], Counter()
        self.subjects, self.draws = all_subjects(), all_draws()
        self.free = theano.shared(np.zeros(SIZE))
        self.read_free = theano.function([], self.free * 2)
        self.alive = {}
        self.ready = threading.Event()  # set where signals are expected

    def complain(self, text):
        if text:
            self.complaints.append(text)

    # ---------------------------------------------------------------- what a thread does
    def act(self, rng):
        """One event, which may raise what was injected or interrupted."""
        subject = rng.choice(self.subjects)
        what = rng.choice(["step"] * 12 + ["look"] * 4 + ["values"] * 2 + ["draw"] * 3 + ["mistake", "function", "set"])
        self.alive[threading.get_ident()] = time.monotonic(), what, subject.name
        if what == "step":
            self.complain(subject.call(subject.step, self.argument(rng), rng.choice([2, 3, 5])))
        elif what == "look":
            self.complain(subject.check())
        elif what == "values":
            self.complain(subject.check_values())
        elif what == "draw":
            rng.choice(self.draws).call()
        elif what == "mistake":
            self.mistake(subject, rng)
        elif what == "function":
            self.complain(subject.call(subject.make_step(), self.argument(rng), 3))
        else:
            self.set_value(rng)
        self.events[what] += 1

    def set_value(self, rng):
        """A value that is set, and set again at any moment, is one of those that were given."""
        self.free.set_value(np.full(SIZE, float(rng.randrange(100))))
        value = self.free.get_value(borrow=rng.random() < 0.5)
        if value.min() != value.max():
            self.complain("a value that was set is torn")
        self.complain(None if len(set(self.read_free().tolist())) == 1 else "a function saw a torn value")

    def argument(self, rng):
        """A vector of one of a few lengths, often where XLA cannot read it in place."""
        n = rng.choice([10, 1000, 40000])
        return np.ones(n + 1)[rng.choice([0, 1]) :][:n]

    def mistake(self, subject, rng):
        """A call with an index out of bounds, or an argument of the wrong type, changes nothing."""
        bounded = subject.kind.__name__ == "with_a_guard"
        try:
            subject.step(*((np.ones(10), 10**6) if bounded else ("a string", 1)))
        except IndexError if bounded else ValueError:
            return
        self.complain("%s took an argument that is wrong" % subject.name)

    def work(self, number):
        rng = random.Random(self.options.seed * 1000 + number)
        faults.armed.random = rng
        while time.monotonic() < self.end:
            faults.armed.share = self.options.faults if rng.random() < 0.3 else 0.0
            try:
                self.act(rng)
            except faults.Injected:
                self.events["failure"] += 1
            except Exception as error:  # anything else is news
                self.complain("%s in a thread: %s" % (type(error).__name__, str(error)[:300]))
            finally:
                faults.armed.share = 0.0
        self.alive.pop(threading.get_ident(), None)

    def interrupted_work(self):
        """The same in the main thread, which signals interrupt at any moment."""
        while time.monotonic() < self.end:
            try:
                self.work(0)
            except KeyboardInterrupt:
                self.events["interrupt"] += 1

    def interrupt(self):
        rng = random.Random(self.options.seed)
        self.ready.wait()
        while time.monotonic() < self.end - 1:
            time.sleep(rng.choice([0.001, 0.01, 0.05, 0.3]) * rng.random() + 0.0005)
            if rng.random() < 0.5:
                os.kill(os.getpid(), signal.SIGINT)
            else:
                _thread.interrupt_main()

    def watch(self):
        """Ends a run that hangs, and says where."""
        while time.monotonic() < self.end + HANG:
            time.sleep(1)
            for since, what, name in list(self.alive.values()):
                if time.monotonic() - since > HANG:
                    print("a thread hangs in %s of %s" % (what, name), file=sys.stderr)
                    faulthandler.dump_traceback()
                    os._exit(2)

    # ---------------------------------------------------------------- the run
    def run(self):
        threading.Thread(target=self.watch, daemon=True).start()
        threads = [threading.Thread(target=self.work, args=(i + 1,)) for i in range(self.options.threads)]
        signals = threading.Thread(target=self.interrupt)
        for t in (*threads, signals):
            t.start()
        while signals.is_alive():
            try:
                self.ready.set()
                self.interrupted_work()
                signals.join()
            except KeyboardInterrupt:
                self.events["interrupt"] += 1
        for t in threads:
            t.join()
        if not self.events["interrupt"]:
            self.complain("no signal has interrupted anything")
        for thing in (*self.subjects, *self.draws):
            try:
                self.complain(thing.check())
            except StaleValue:
                complaints = Counter(self.complaints)
                print("%s: a value is lost; complaints before: %s" % (thing.name, complaints), file=sys.stderr)
                raise
        for subject in self.subjects:
            self.complain(subject.check_values())
            self.complain(subject.call(subject.step, np.ones(10), 3))

    def report(self):
        events = ", ".join("%d %s" % (n, what) for what, n in self.events.most_common())
        print("seed %d, %d threads: %s" % (self.options.seed, self.options.threads + 1, events))
        for subject in self.subjects:
            print(
                "  %-32s version %6d, calls begun %6d, done %6d"
                % (subject.name, subject.c.get_value(), len(subject.begun), len(subject.done))
            )
        print("  draws: %s" % ", ".join("%d %s" % (len(d.seen), d.name) for d in self.draws))
        for text, n in Counter(self.complaints).most_common(40):
            print("COMPLAINT (%d times) %s" % (n, text))
        print("%d complaints" % len(self.complaints))


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=3, help="beside the main thread")
    parser.add_argument("--faults", type=float, default=0.02, help="the part of passages that fail, where any do")
    parser.add_argument("--switch-interval", type=float, default=None)
    options = parser.parse_args()
    if options.switch_interval:
        sys.setswitchinterval(options.switch_interval)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started this with signals ignored
    warnings.simplefilter("ignore", HostFallbackWarning)
    logging.getLogger("theanojax").setLevel(logging.CRITICAL)
    faults.install()
    stress = Stress(options)
    stress.run()
    stress.report()
    return 1 if stress.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
