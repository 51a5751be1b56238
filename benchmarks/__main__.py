"""``python -m benchmarks [program ...]``: measure, print the tables, write them into docs/.

Each result is kept as it comes; the tables show the last result of every program and contender.
"""

import argparse
import datetime
import os
import sys
import time
from pathlib import Path

from benchmarks import contenders as found, measure, records, report

sys.path.insert(0, str(Path(__file__).parent / "worker"))
from programs import GROUPS, PROGRAMS, TITLES


def arguments(argv):
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    known = "of %s, or a group: %s; all by default" % (", ".join(PROGRAMS), ", ".join(GROUPS))
    parser.add_argument("programs", nargs="*", metavar="program", help=known)
    parser.add_argument("--contenders", default=",".join(found.CONTENDERS), help="comma-separated; all by default")
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer calls; leaves docs/ alone")
    parser.add_argument("--rounds", type=int, default=1, help="measured processes per program and contender")
    parser.add_argument("--limit", type=int, help="seconds a process may take (each program has its own, from 120 on)")
    parser.add_argument("--missing", action="store_true", help="measure only what has no result yet")
    parser.add_argument("--no-write", action="store_true", help="leave docs/ alone")
    parser.add_argument("--keep", action="store_true", help="leave the rows in docs/ that have no new result")
    parser.add_argument("--tables", action="store_true", help="measure nothing: show and write what is there")
    options = parser.parse_args(argv)
    options.programs = [name for given in options.programs for name in GROUPS.get(given, [given])]
    for kind, names, known in (
        ("program", options.programs, PROGRAMS),
        ("contender", options.contenders.split(","), found.CONTENDERS),
    ):
        for name in names:
            if name not in known:
                parser.error("no %s named %r; there are %s" % (kind, name, ", ".join(known)))
    return options


def measure_all(options, contenders):
    there = records.load(PROGRAMS, found.CONTENDERS, options.quick) if options.missing else {}
    for name in options.programs or PROGRAMS:
        program = PROGRAMS[name]
        for contender in contenders:
            limit = options.limit or (60 if options.quick else program.limits.get(contender.name, program.limit))
            if not hasattr(program, contender.family) or contender.name in there.get(name, {}):
                continue
            begin, load = time.perf_counter(), os.getloadavg()[0]
            done = measure.contest(contender, name, limit, options.quick, options.rounds)
            done.update(date=datetime.datetime.now().isoformat(" ", "minutes"), load=round(load, 1))
            records.save(name, contender.name, done, options.quick)
            text = done.get("failed") or "%s a call, first %s" % (
                report.amount(done.get("call_s"), "call_s"),
                report.amount(done["cold_s"], "cold_s"),
            )
            print(
                "%-10s %-13s %s  [%d s, load before %.1f]"
                % (name, contender.name, text, time.perf_counter() - begin, load),
                file=sys.stderr,
                flush=True,
            )


def main(argv=None):
    options = arguments(argv)
    notes = []
    try:
        if not options.tables:
            contenders, notes = found.find(options.contenders.split(","))
            for note in notes:
                print(note, file=sys.stderr)
            measure_all(options, contenders)
    except KeyboardInterrupt:
        print("interrupted: the tables show what there is", file=sys.stderr)
    results = records.load(PROGRAMS, found.CONTENDERS, options.quick)
    for name, reports in results.items():
        measure.compare(reports, PROGRAMS[name].tolerance)
    if options.keep:
        results, notes = report.with_earlier(results, list(PROGRAMS), notes)
    seen = {c for reports in results.values() for c in reports}
    columns = [(name, title) for name, (title, _) in found.CONTENDERS.items() if name in seen]
    for title, _, header, rows in report.tables(results, columns):
        print("\n%s (ours / theirs)\n%s" % (title, report.plain(header, rows)))
    for program, title, reason in report.failures(results, columns):
        print("%s, %s: %s" % (program, title, reason))
    if not options.no_write and not options.quick:
        groups = {TITLES[group]: programs for group, programs in GROUPS.items()}
        report.save(results, columns, {n: p.title for n, p in PROGRAMS.items()}, groups, notes)


if __name__ == "__main__":
    main()
