"""Graphs with some of their variables replaced, all else being the same objects."""


def substitute(inputs, outputs, swap):
    """`outputs` with the variables of `swap` replaced; nodes that nothing changes in stay the same objects."""
    stop = set(inputs)
    memo = {}

    def look(v):
        while v in swap and v not in stop:
            v = swap[v]
        return v

    # the replaced graph is another graph: order it by its own edges
    stack = [look(v) for v in outputs]
    while stack:
        v = stack[-1]
        if v in memo or v in stop or v.owner is None:
            memo.setdefault(v, v)
            stack.pop()
            continue
        ins = [look(u) for u in v.owner.inputs]
        missing = [u for u in ins if u not in memo]
        if missing:
            stack.extend(missing)
            continue
        new = [memo[u] for u in ins]
        if any(a is not b for a, b in zip(new, v.owner.inputs)):
            node = v.owner.clone_with_new_inputs(new)
            memo.update((o, m) for o, m in zip(v.owner.outputs, node.outputs) if o not in memo)
        else:
            memo.update((o, o) for o in v.owner.outputs)
        stack.pop()
    return [memo[look(v)] for v in outputs]
