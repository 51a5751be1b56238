"""Small programs that use one feature each. Their names are the rows of theano.tsv: what Theano 1.0.5 does."""

import csv
from pathlib import Path

from tests.features import loops as _loops, numeric as _numeric, objects as _objects, shapes as _shapes
from tests.features.case import PROGRAMS, run_all

MODULES = _loops, _numeric, _objects, _shapes

with open(Path(__file__).with_name("theano.tsv"), newline="") as _file:
    THEANO = {row["program"]: row for row in csv.DictReader(_file, delimiter="\t")}

__all__ = ["MODULES", "PROGRAMS", "THEANO", "run_all"]
