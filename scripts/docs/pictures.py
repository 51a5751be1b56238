"""The pictures of the documentation: `python -m scripts.docs.pictures` draws them anew in docs/pictures.

The graph is that of the model of examples/logistic_regression.py, the bars are of docs/benchmarks.json and of the last
table of docs/scale.md. The page of d3viz is looked at in a Chromium, where there is one.
"""

import json
import re
import tempfile
from html import escape
from pathlib import Path

import numpy as np

import theano
import theano.tensor as T
from scripts.docs.pages import DOCS

FOLDER = DOCS / "pictures"
# What is compared: programs whose call takes long enough to be worth a bar, and how they are called.
PROGRAMS = {
    "logistic": "logistic regression",
    "mlp": "MLP, 784-500-10",
    "embedding": "embedding, 100k rows",
    "gibbs": "Gibbs chain",
    "rnn": "RNN, 50 steps",
    "lstm": "LSTM, 200 lengths",
    "lenet32": "LeNet, float32",
}
CONTENDERS = {"theanojax": "#2f6fb5", "theano": "#d98a2b", "pytensor": "#7aa874", "jax": "#9a9a9a"}
NAMES = {"theanojax": "theanojax", "theano": "Theano 1.0.5", "pytensor": "PyTensor", "jax": "JAX by hand"}
PLACES = {"2 devices in a process": "#7aa874", "2 processes, gloo": "#2f6fb5"}


def regression():
    """A function that trains a logistic regression."""
    x, y = T.dmatrix("x"), T.dvector("y")
    w, b = theano.shared(np.zeros(784), "w"), theano.shared(0.0, "b")
    probability = T.nnet.sigmoid(T.dot(x, w) + b)
    cost = T.nnet.binary_crossentropy(probability, y).mean() + 0.01 * (w**2).sum()
    cost.name = "cost"
    step_w, step_b = T.grad(cost, [w, b])
    updates = [(w, w - 0.1 * step_w), (b, b - 0.1 * step_b)]
    return theano.function([x, y], cost, updates=updates, name="train")


def graph():
    """The graph of a step of training, as a notebook shows it."""
    picture = regression()._repr_mimebundle_()["image/svg+xml"]
    return re.sub(r"\s*built at [^\n<]*", "", picture)


def profile():
    """The profile of a hundred steps of a recurrent network."""
    rng = np.random.RandomState(0)
    x, y = T.dtensor3("x"), T.dmatrix("y")
    W, U = theano.shared(0.1 * rng.randn(50, 100), "W"), theano.shared(0.1 * rng.randn(100, 100), "U")
    states, _ = theano.scan(
        lambda row, h: T.tanh(T.dot(row, W) + T.dot(h, U)), sequences=x, outputs_info=np.zeros((64, 100)), name="rnn"
    )
    cost = T.sqr(states[-1] - y).mean()
    updates = [(p, p - 0.1 * g) for p, g in zip([W, U], T.grad(cost, [W, U]))]
    train = theano.function([x, y], cost, updates=updates, name="train", profile=True)
    values = rng.randn(40, 64, 50), rng.randn(64, 100)
    for _ in range(100):
        train(*values)
    picture = train.profile.to_svg()
    train.profile = None  # which would be printed at the end
    return picture


def speed():
    """The time of a call of each program, divided by Theano's, as bars."""
    measured = json.loads((DOCS / "benchmarks.json").read_text())["programs"]
    groups = {}
    for program, title in PROGRAMS.items():
        times = {name: row["call_s"] for name, row in measured[program].items() if row.get("call_s")}
        if "theano" in times:
            groups[title] = {NAMES[k]: times[k] / times["theano"] for k in CONTENDERS if k in times}
    return bars(groups, {NAMES[name]: color for name, color in CONTENDERS.items()})


def scaling():
    """The time of a step on two devices, divided by that on one, as bars: the last table of docs/scale.md."""
    lines = (DOCS / "scale.md").read_text().split("## Measured")[1].splitlines()
    titles, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    groups = {}
    for row in rows:
        named = dict(zip(titles, row))
        one = float(named["one core"])
        title = f"{named['H']} hidden units, {named['batch']} rows"
        groups[title] = {place: float(named[place]) / one for place in PLACES}
    return bars(groups, PLACES, longest=3.0, left=190)


def bars(groups, colors, longest=2.0, bar=11, gap=3, between=14, left=150, wide=420):
    """A picture of numbers, beside a line at 1. `groups` has them by group and name, `colors` those of the names."""
    parts, y, x = [], 34, left
    for name, color in colors.items():
        parts.append(f'<rect x="{x}" y="6" width="10" height="10" fill="{color}"/>')
        parts.append(f'<text x="{x + 15}" y="15">{name}</text>')
        x += 26 + 7 * len(name)
    parts.append(f'<path d="M{left + wide / longest} 24 V__bottom__" stroke="#888888" stroke-dasharray="3 3"/>')
    for title, ratios in groups.items():
        middle = y + len(colors) * (bar + gap) / 2 + 3
        parts.append(f'<text x="{left - 10}" y="{middle:.0f}" text-anchor="end">{escape(title)}</text>')
        for name, color in colors.items():
            if name in ratios:
                ratio = ratios[name]
                width = min(ratio, longest) / longest * wide
                more = " ..." if ratio > longest else ""
                parts.append(f'<rect x="{left}" y="{y}" width="{width:.0f}" height="{bar}" fill="{color}"/>')
                parts.append(
                    f'<text x="{left + width + 5:.0f}" y="{y + bar - 1}" font-size="10">{ratio:.2f}{more}</text>'
                )
            y += bar + gap
        y += between
    text = "".join(parts).replace("__bottom__", str(y - between))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + wide + 70} {y}" width="{left + wide + 70}" '
        'font-family="DejaVu Sans, Arial, sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{text}</svg>'
    )


def d3viz():
    """A PNG of the page that d3viz makes; None without a browser."""
    from tests.browser import Browser, find_chromium

    if find_chromium() is None:
        return None
    train = regression()
    with tempfile.TemporaryDirectory() as folder, Browser(1000, 640) as browser:
        path = Path(folder, "train.html")
        theano.d3viz.d3viz(train, str(path))
        browser.open(path)
        browser.wait("document.querySelectorAll('.node').length > 5")
        return browser.screenshot()


def write():
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "train.svg").write_text(graph() + "\n")
    (FOLDER / "profile.svg").write_text(profile() + "\n")
    (FOLDER / "speed.svg").write_text(speed() + "\n")
    (FOLDER / "scaling.svg").write_text(scaling() + "\n")
    picture = d3viz()
    if picture is not None:
        (FOLDER / "d3viz.png").write_bytes(picture)


if __name__ == "__main__":
    write()
