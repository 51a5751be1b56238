"""Places for the shapes of a small graph: in layers, each edge downwards, few crossings, edges as straight as may be.

For pictures that stand still, in a notebook; the pages of theanojax.d3viz have a library for it.
"""

from collections import defaultdict

SWEEPS = 12  # over all layers, alternately down and up
GAP, LAYER = 14, 30  # between neighbours, and between layers


def layered(sizes, edges):
    """The places of shapes and the ways of edges.

    Parameters
    ----------
    sizes : dict from a key to its (width, height).
    edges : list of pairs of keys, without circles.

    Returns
    -------
    (dict from key to the (x, y) of its middle, list of lists of points, one for each edge), from (0, 0) on.
    """
    layers, chains, below = _layers(sizes, edges)
    width = defaultdict(lambda: 2, {key: w for key, (w, _) in sizes.items()})
    _order(layers, below)
    x = _columns(layers, below, width)
    y, at = {}, 0.0
    for layer in layers:
        tall = max([sizes[key][1] for key in layer if key in sizes], default=0)
        y.update((key, at + tall / 2) for key in layer)
        at += tall + LAYER
    left = min([x[key] - width[key] / 2 for key in x], default=0)
    places = {key: (x[key] - left, y[key]) for key in x}
    ways = []
    for chain in chains:
        points = [places[key] for key in chain]
        start, end = (sizes[chain[i]][1] / 2 for i in (0, -1))
        (x0, y0), (x1, y1) = points[0], points[-1]
        ways.append([(x0, y0 + start), *points[1:-1], (x1, y1 - end)])
    return {key: places[key] for key in sizes}, ways


def bends(keys, edges):
    """How many layers the edges pass without ending there: what a layout in layers takes the time for."""
    return sum(len(chain) - 2 for chain in _layers(keys, edges)[1])


def _layers(sizes, edges):
    """Layers of keys, each edge as a chain through all layers on its way, and who is below whom."""
    targets, sources = defaultdict(list), defaultdict(list)
    for a, b in edges:
        targets[a].append(b)
        sources[b].append(a)
    rank, todo, missing = {}, [key for key in sizes if not sources[key]], {k: len(v) for k, v in sources.items()}
    for key in todo:  # grows
        rank[key] = max([rank[a] + 1 for a in sources[key]], default=0)
        for b in targets[key]:
            missing[b] -= 1
            if not missing[b]:
                todo.append(b)
    for key in reversed(todo):  # what has nothing above it stands right above what takes it
        if targets[key] and not sources[key]:
            rank[key] = min(rank[b] for b in targets[key]) - 1
    layers = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for key in sizes:
        layers[rank[key]].append(key)
    chains, below = [], defaultdict(list)
    for number, (a, b) in enumerate(edges):
        bends = [(number, r) for r in range(rank[a] + 1, rank[b])]
        for bend in bends:
            layers[bend[1]].append(bend)
        chain = [a, *bends, b]
        chains.append(chain)
        for upper, lower in zip(chain, chain[1:]):
            below[upper].append(lower)
    return layers, chains, below


def _above(below):
    above = defaultdict(list)
    for upper, keys in below.items():
        for lower in keys:
            above[lower].append(upper)
    return above


def _sweeps(layers, below):
    """Pairs of a layer and the neighbours to look at, in the order of the sweeps."""
    above = _above(below)
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            yield layer, above if sweep % 2 == 0 else below


def _order(layers, below):
    """Sort each layer by the middle of its neighbours in the layer before; keeps the order with fewest crossings."""
    place = {key: i for layer in layers for i, key in enumerate(layer)}
    best, fewest = [list(layer) for layer in layers], _crossings(layers, below, place)
    for step, (layer, near) in enumerate(_sweeps(layers, below), 1):
        wanted = {key: _mean([place[n] for n in near[key]], place[key]) for key in layer}
        layer.sort(key=wanted.get)
        place.update((key, i) for i, key in enumerate(layer))
        if step % len(layers) == 0 and (found := _crossings(layers, below, place)) < fewest:
            best, fewest = [list(layer) for layer in layers], found
    for layer, order in zip(layers, best):
        layer[:] = order


def _crossings(layers, below, place):
    count = 0
    for layer in layers:
        ends = [end for key in layer for end in sorted(place[b] for b in below[key])]
        count += sum(1 for i, a in enumerate(ends) for b in ends[i + 1 :] if a > b)
    return count


def _columns(layers, below, width):
    x = {}
    for layer in layers:
        x.update(_spread(layer, [0.0] * len(layer), width))
    for layer, near in _sweeps(layers, below):
        x.update(_spread(layer, [_mean([x[n] for n in near[key]], x[key]) for key in layer], width))
    return x


def _spread(layer, wanted, width):
    """Places nearest to those `wanted`, in order and without overlap: those too near move as one block."""
    blocks = []  # [sum of the wanted places of first members, count, offsets of the members]
    for key, want in zip(layer, wanted):
        offset = 0.0
        block = [want, 1, [(key, 0.0)]]
        while blocks:
            last = blocks[-1]
            end_key, end = last[2][-1]
            offset = end + (width[end_key] + width[key]) / 2 + GAP
            if last[0] / last[1] + offset <= block[0] / block[1]:
                break
            blocks.pop()
            members = last[2] + [(k, offset + o) for k, o in block[2]]
            block = [last[0] + block[0] - offset * block[1], last[1] + block[1], members]
            key = members[0][0]
        blocks.append(block)
    return {key: total / count + offset for total, count, members in blocks for key, offset in members}


def _mean(numbers, default):
    return sum(numbers) / len(numbers) if numbers else default
