"""What has been measured, one file per program and contender, so that an interrupted or partial run loses nothing."""

import json

import numpy as np

from benchmarks.contenders import cache_folder


def folder(quick):
    path = cache_folder() / "results" / ("quick" if quick else "full")
    path.mkdir(parents=True, exist_ok=True)
    return path


def save(program, contender, record, quick):
    stem = folder(quick) / ("%s.%s" % (program, contender))
    results = record.get("results")
    if results is not None:
        np.savez(str(stem) + ".npz", *results)
    stem.with_name(stem.name + ".json").write_text(json.dumps({k: v for k, v in record.items() if k != "results"}))


def load(programs, contenders, quick):
    """{program: {contender: record}} of all that is there."""
    found = {}
    for program in programs:
        for contender in contenders:
            stem = folder(quick) / ("%s.%s" % (program, contender))
            path = stem.with_name(stem.name + ".json")
            if not path.exists():
                continue
            record = json.loads(path.read_text())
            values = stem.with_name(stem.name + ".npz")
            if "failed" not in record and values.exists():
                with np.load(values) as arrays:
                    record["results"] = [arrays[n] for n in arrays.files]
            found.setdefault(program, {})[contender] = record
    return found
