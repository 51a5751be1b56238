"""``python -m benchmarks [program ...]``: measure, print the tables, write them into docs/."""

import argparse
import sys
import time
from pathlib import Path

from benchmarks import contenders as found
from benchmarks import measure, report

sys.path.insert(0, str(Path(__file__).parent / "worker"))
from programs import PROGRAMS


def arguments(argv):
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", metavar="program", help="of %s; all by default" % ", ".join(PROGRAMS))
    parser.add_argument("--contenders", default=",".join(found.CONTENDERS), help="comma-separated; all by default")
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer calls")
    parser.add_argument("--rounds", type=int, default=1, help="measured processes per program and contender")
    parser.add_argument("--limit", type=int, help="seconds a process may take (300, or 60 with --quick)")
    parser.add_argument("--no-write", action="store_true", help="leave docs/ alone")
    options = parser.parse_args(argv)
    for kind, names, known in (("program", options.programs, PROGRAMS),
                               ("contender", options.contenders.split(","), found.CONTENDERS)):
        for name in names:
            if name not in known:
                parser.error("no %s named %r; there are %s" % (kind, name, ", ".join(known)))
    return options


def main(argv=None):
    options = arguments(argv)
    limit = options.limit or (60 if options.quick else 300)
    contenders, notes = found.find(options.contenders.split(","))
    for note in notes:
        print(note, file=sys.stderr)
    results = {}
    for name in options.programs or PROGRAMS:
        program = PROGRAMS[name]
        reports = results[name] = {}
        for contender in contenders:
            if not hasattr(program, contender.family):
                continue
            begin = time.perf_counter()
            reports[contender.name] = done = measure.contest(contender, name, limit, options.quick, options.rounds)
            text = done.get("failed") or "%s a call, first %s" % (report.amount(done.get("call_s"), "call_s"),
                                                                 report.amount(done["cold_s"], "cold_s"))
            print("%-10s %-13s %s  [%d s]" % (name, contender.name, text, time.perf_counter() - begin),
                  file=sys.stderr, flush=True)
        measure.compare(reports, program.tolerance)
    for title, _, header, rows in report.tables(results, contenders):
        print("\n%s (ours / theirs)\n%s" % (title, report.plain(header, rows)))
    for program, title, reason in report.failures(results, contenders):
        print("%s, %s: %s" % (program, title, reason))
    if not options.no_write:
        report.save(results, contenders, {n: p.title for n, p in PROGRAMS.items()}, notes, options.quick)


if __name__ == "__main__":
    main()
