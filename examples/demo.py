"""`make demo`: the tutorial's listings, run as they were printed, beside what the tutorial shows."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = os.path.join(HERE, "output")

# Script, its arguments, what the tutorial shows for it, and what may differ.
LISTINGS = (
    ("scan_pow.py", [], "[ 0. 1. 4. 9. 16. 25. 36. 49. 64. 81.]", ""),
    ("scan_polynomial.py", [], "19.0", ""),
    (
        "ifelse_switch.py",
        [],
        "time spent evaluating both values 0.6700 sec\ntime spent evaluating one value 0.3500 sec",
        "the times are another machine's: what counts is that one value costs less than both",
    ),
    (
        "logistic_regression.py",
        [],
        "(the tutorial shows a profile of 10000 training steps, 3.09e-03 seconds each, and no numbers)",
        "",
    ),
    (
        "printing.py",
        [PICTURES],
        r"""
        >>> theano.printing.pprint(prediction)
        gt((TensorConstant{1} / (TensorConstant{1} + exp(((-(x \\dot w)) - b)))),TensorConstant{0.5})
        >>> theano.printing.debugprint(prediction)
        Elemwise{gt,no_inplace} [@181772236] ''
        |Elemwise{true_div,no_inplace} [@181746668] ''
        | |InplaceDimShuffle{x} [@181746412] ''
        | | |TensorConstant{1} [@181745836]
        | |Elemwise{add,no_inplace} [@181745644] ''
        | | |InplaceDimShuffle{x} [@181745420] ''
        | | | |TensorConstant{1} [@181744844]
        | | |Elemwise{exp,no_inplace} [@181744652] ''
        | | | |Elemwise{sub,no_inplace} [@181744012] ''
        | | | | |Elemwise{neg,no_inplace} [@181730764] ''
        | | | | | |dot [@181729676] ''
        | | | | | | |x [@181563948]
        | | | | | | |w [@181729964]
        | | | | |InplaceDimShuffle{x} [@181743788] ''
        | | | | | |b [@181730156]
        |InplaceDimShuffle{x} [@181771788] ''
        | |TensorConstant{0.5} [@181771148]
        >>> theano.printing.debugprint(predict)
        Elemwise{Composite{neg,{sub,{{scalar_sigmoid,GT},neg}}}} [@183160204] '' 2
        |dot [@183018796] '' 1
        | |x [@183000780]
        | |w [@183000812]
        |InplaceDimShuffle{x} [@183133580] '' 0
        | |b [@183000876]
        |TensorConstant{[ 0.5]} [@183084108]
        """,
        "Theano 1.0 prints letters for memory addresses, and names some Ops otherwise than Theano 0.3 did",
    ),
)


def main() -> int:
    """Run every listing; 0 where all of them ran."""
    failed = []
    for script, arguments, expected, remark in LISTINGS:
        print(f"\n==== {script}", flush=True)
        command = [sys.executable, "-m", "theanojax", "run", os.path.join(HERE, script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        print("  here:")
        print(textwrap.indent(done.stdout.rstrip(), "    "))
        if done.returncode:
            failed.append(script)
            print(textwrap.indent(done.stderr.rstrip(), "    "))
        print("  the tutorial:")
        print(textwrap.indent(textwrap.dedent(expected).strip(), "    "))
        if remark:
            print(f"  ({remark})")
    pictures = sorted(os.listdir(PICTURES)) if os.path.isdir(PICTURES) else []
    if pictures:
        print("\nPictures of the graphs:")
        for name in pictures:
            print("   ", os.path.join(PICTURES, name))
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
