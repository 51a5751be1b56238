"""A tour of the core: what a graph is, how it is rewritten, planned and run. Every claim is checked as it is made.

Run it, read it beside docs/architecture.md, change it.
"""

import numpy as np

import theano
import theano.tensor as T
from theano.gof.graph import Apply
from theano.gof.op import Op


def say(text, thing=None):
    print("\n" + text)
    if thing is not None:
        print("\n".join("    " + line for line in str(thing).splitlines()))


# 1. A graph is made of variables; one that was computed has an Apply node as its owner.
x = T.dvector("x")
y = T.exp(x) * 2 + 0
node = y.owner
say("1. `exp(x) * 2 + 0` was computed by", node)
assert node.outputs == [y] and node.inputs[0].type == T.dvector
assert node.inputs[0].owner.inputs[0].owner.inputs == [x]
assert node.inputs[1].type.broadcastable == (True,)  # the number got a dimension

# 2. Gradients are graphs, too.
slope = theano.grad(y.sum(), x)
say("2. the gradient of its sum, as it was built:", theano.pprint(slope))

# 3. A function holds the rewritten graph: + 0 is gone, the elementwise Ops are one.
f = theano.function([x], y)
say("3. after rewriting:", theano.printing.debugprint(f, file="str"))
assert len(f.maker.fgraph.apply_nodes) == 1

# 4. A plan says how it runs.
say("4. the plan:", f.fn.plan)
assert f.fn.plan.stages[0].on_xla
np.testing.assert_allclose(f([0, 1]), [2, 2 * np.e])

# 5. The host executor has the same meaning; it needs no XLA.
on_host = theano.function([x], y, mode=theano.Mode(linker="py"))
assert str(on_host.fn.plan) == "host: numpy runs every node"
np.testing.assert_allclose(on_host([0, 1]), f([0, 1]))

# 6. Shapes may depend on the values of arguments: the host computes them first, and one executable is made for each.
k = T.iscalar("k")
g = theano.function([x, k], T.exp(T.arange(k) * x[0]))
g([1.0], 3)
say("6. a length that is an argument:", g.fn.plan)
assert g.fn.plan.cheap and g.fn.executor.compilations == 1
assert len(g([1.0], 5)) == 5 and g.fn.executor.compilations == 2


# 7. An Op with only a `perform`, as old programs write them, runs on the host between two stages of XLA.
class Reversed(Op):
    __props__ = ()

    def make_node(self, v):
        return Apply(self, [v], [v.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0][::-1].copy()


h = theano.function([x], Reversed()(T.exp(x)).cumsum())
say("7. an Op in Python:", h.fn.plan)
assert [stage.on_xla for stage in h.fn.plan.stages] == [True, False, True]
np.testing.assert_allclose(h([0.0, 1.0]), [np.e, np.e + 1])


# 8. With one `compute`, written against numpy's names, it runs on both, and in one stage.
class ReversedEverywhere(Reversed):
    def compute(self, xp, node, v):
        return v[::-1]


h = theano.function([x], ReversedEverywhere()(T.exp(x)).cumsum())
say("8. the same with a `compute`:", h.fn.plan)
assert len(h.fn.plan.stages) == 1
np.testing.assert_allclose(h([0.0, 1.0]), [np.e, np.e + 1])

# 9. Lazy branches are resolved where the condition is known before the call: the other branch is never computed.
chosen = theano.ifelse.ifelse(k > 0, T.exp(x).sum(), Reversed()(x).sum())
b = theano.function([x, k], chosen)
b([1.0, 2.0], 1)
say("9. a lazy conditional, after a call with k = 1:", b.fn.plan)

# 10. Shared variables get their new values all at once, after everything is computed; their old buffers are reused.
w = theano.shared(np.zeros(3), "w")
train = theano.function([x], (w**2).sum(), updates=[(w, w - 0.1 * (w - x))])
say("10. a step of training:", train.fn.plan)
train([1.0, 2.0, 3.0])
np.testing.assert_allclose(w.get_value(), [0.1, 0.2, 0.3])
try:
    train([1.0, 2.0])
except ValueError:
    np.testing.assert_allclose(w.get_value(), [0.1, 0.2, 0.3])  # a call that fails changes nothing
else:
    raise AssertionError("two numbers were added to three")
say("That is all; docs/architecture.md says why.")
