"""What numpy's arrays took when old programs were written: single numbers, floats for integers, masks, generators."""

import textwrap

import numpy as np
import pytest

from theanojax.legacy import python2, script_names


@pytest.fixture(params=[None, 3], ids=["2", "3"])
def evaluate(request):
    """Runs source as a program of either Python; what it leaves in `result`."""

    def run(source):
        text = ("# python 2\nbackticks = `0`\n" if request.param is None else "") + textwrap.dedent(source)
        code, is_python2 = python2.compile_source(text, "script.py", version=request.param)
        names = {"__name__": "script", "__builtins__": script_names.script_builtins(is_python2)}
        exec(code, names)
        return names["result"]

    return run


def test_an_array_of_one_number_is_that_number(evaluate):
    """As until numpy 2.3: in formats, where a number is made or stored, for `math`, and as an integer."""
    values = evaluate(
        """
        import math, random
        import numpy as np
        from math import floor
        cost, n, table, ints, objects = np.array([1.5]), np.array([[2]]), np.zeros((3, 2)), np.zeros(2, int), [None]
        table[0, 1] = cost
        table[2, 0], objects[0] = n, cost
        table[1, 0] += cost
        table[:2, 1] += n
        i = 0
        i, table[i, 0] = 1, cost
        table[2, 1] = last = cost
        table.flat[2] -= cost
        ints[0] = cost
        kept = np.zeros(1, object)
        kept[0] = cost
        class Part: pass
        part = Part(); part.costs = np.zeros(2); part.costs[i] = cost
        result = [
            'cost %f, %d of %s' % (cost, n, 7), '%.1f' % cost, '%(a).2f %(a)s' % {'a': cost}, '%s %r' % (cost, cost),
            '%x' % n, '%5.1f' % 2, '%s' % [cost][:0], float(cost), int(n), complex(cost), math.sqrt(cost - 0.5),
            math.pow(cost, n), floor(cost), table.tolist(), ints.tolist(), objects[0] is cost, kept[0] is cost,
            part.costs.tolist(), last is cost, [5, 6, 7][n], 'abc'[:n], np.arange(5)[:n].tolist(),
            np.zeros((n, 1)).shape, np.arange(n).tolist(), np.array([1.0, cost]).tolist(),
            np.array([[1.0, cost]], 'f').tolist(), random.randint(n, 2), np.array([cost, 2.0]).dtype.kind,
        ]
        """
    )
    assert values == [
        *["cost 1.500000, 2 of 7", "1.5", "1.50 [1.5]", "[1.5] array([1.5])", "2", "  2.0", "[]", 1.5, 2, 1.5, 1.0],
        *[2.25, 1, [[0.0, 3.5], [0.0, 2.0], [2.0, 1.5]], [1, 0], True, True],
        *[[0.0, 1.5], True, 7, "ab", [0, 1], (2, 1), [0, 1], [1.0, 1.5], [[1.0, 1.5]], 2, "O"],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        *["float(np.zeros(2))", "'%f' % np.zeros(2)", "'%f %f' % np.zeros(1)", "'%d' % 'a'", "math.sqrt('a')"],
        *["float(np.array(['1']))", "a[0] = np.zeros(2)", "a[0] = [1.0]", "a -= 'a'", "a - 'a'", "mask - 'a'"],
        *["a.sum(axis='a')", "np.sum(a, 3.0)", "a.sum(3.0)", "np.zeros('a')", "[1][np.zeros(1)]", "-'a'"],
    ],
)
def test_what_was_wrong_is_wrong(evaluate, wrong):
    with pytest.raises((TypeError, ValueError, IndexError)) as info:
        evaluate(f"import math\nimport numpy as np\na, mask = np.zeros(3), np.zeros(3, bool)\n{wrong}\nresult = 1")
    assert info.value.__context__ is None


def test_masks_have_differences(evaluate):
    """Where they differ, as until numpy 1.12; differences of numbers stay what they are."""
    values = evaluate(
        """
        import numpy as np
        import theano.tensor as T
        a, b = np.array([True, False, True]), np.array([True, True, False])
        c = d = a.copy()
        c -= b
        i = np.arange(3)
        i -= a
        f = 3; f -= 1
        flag = a[0]; flag -= b[0]
        class Own:
            def __sub__(self, other): return 'own'
            def __isub__(self, other): return 'in place'
        own = Own(); own -= a
        x = T.bvector()
        result = [
            (a - b).tolist(), c.tolist(), c is d, bool(a[0] - b[1]), (a - True).tolist(), ([True] * 3 - a).tolist(),
            i.tolist(), f, bool(flag), (1 - a).tolist(), (a - i).tolist(), Own() - a, own, (True - False),
            (x - x).eval({x: [1]}).tolist(), (set('ab') - set('a')),
        ]
        """
    )
    differ = [False, True, True]
    assert values == [
        *[differ, differ, True, False, [False, True, False], [False, True, False], [-1, 1, 1], 2, False, [0, 1, 0]],
        *[[2, -1, 0], "own", "in place", 1, [0], {"b"}],
    ]


def test_floats_are_axes_and_integers(evaluate):
    """As until numpy 1.11."""
    values = evaluate(
        """
        import numpy as np
        from numpy import sum as total
        one, x, v = 1.0, np.arange(6.0).reshape(2, 3), np.arange(4)
        draws = np.random.mtrand.RandomState(1)
        y = x.copy(); y.itemset(one, 9); y.itemset((0, 0), 7)
        class Own:
            def sum(self, axis): return axis
        result = [
            x.sum(axis=1.0).tolist(), x.sum(one).tolist(), x.sum((0.0, one)), x.max(one).tolist(), x.item(one),
            x.argmax(axis=one).tolist(), x.transpose(one, 0).shape, x.repeat(2, one).shape, x.ptp(one).tolist(),
            np.sum(x, one).tolist(), total(x, axis=one).tolist(), np.concatenate([x, x], one).shape,
            np.swapaxes(x, 0.0, one).shape, np.bincount(v, minlength=6.0).tolist(), np.histogram(v, 2.0)[0].tolist(),
            [part.tolist() for part in np.split(v, [one, 3.0])], np.delete(v, 2.0).tolist(), np.eye(2, k=one).tolist(),
            np.insert(v, one, 7).tolist(), np.zeros(np.array([2.0, 3.0])).shape, np.random.zipf(2.0, 3.0).shape,
            np.random.triangular(0, 1, 2, size=2.0).shape, draws.rand(2.0).shape, Own().sum(one), Own().sum(axis=2.5),
            y.tolist(), np.float64(1).tostring() == x.tostring()[8:16],
        ]
        """
    )
    assert values == [
        *[[3.0, 12.0], [3.0, 12.0], 15.0, [2.0, 5.0], 1.0, [2, 2], (3, 2), (2, 6), [2.0, 2.0]],
        *[[3.0, 12.0], [3.0, 12.0], (2, 6), (3, 2), [1, 1, 1, 1, 0, 0], [2, 2], [[0], [1, 2], [3]], [0, 1, 3]],
        *[[[0.0, 1.0], [0.0, 0.0]], [0, 7, 1, 2, 3], (2, 3), (3,), (2,), (2,), 1.0, 2.5],
        *[[[7.0, 9.0, 2.0], [3.0, 4.0, 5.0]], True],
    ]


def test_generators_are_lists_of_arrays_and_numbers_have_places(evaluate):
    """As until numpy 1.15; `where` and `nonzero` of a number until 2.0."""
    values = evaluate(
        """
        import numpy as np
        rows = np.arange(4).reshape(2, 2)
        result = [
            np.vstack(row for row in rows).tolist(), np.hstack(iter(rows)).tolist(), np.sum(n for n in [1, 2]),
            np.dstack(row for row in rows).shape, np.column_stack(row for row in rows).tolist(),
            np.where(3), np.nonzero(0)[0].size, np.where(rows > 2)[0].tolist(), np.where(rows > 1, 5, rows).tolist(),
        ]
        """
    )
    assert values == [
        *[[[0, 1], [2, 3]], [0, 1, 2, 3], 3, (1, 2, 2), [[0, 2], [1, 3]], (np.array([0]),), 0, [1]],
        [[0, 1], [5, 5]],
    ]


def test_ragged_lists_are_arrays_of_lists_and_no_shape_is_that_of_a_number(evaluate):
    """As until numpy 1.23, and 2.1."""
    values = evaluate(
        """
        import numpy as np
        result = [np.max(np.max([[1, 2], [3]])), np.sum([[1, 2], [3]]), np.ones(None).shape, np.zeros(None, int)[()]]
        """
    )
    assert values == [3, [1, 2, 3], (), 0]


def test_values_are_computed_once_and_in_order(evaluate):
    """Whatever a program is rewritten to, nothing in it happens twice, or earlier."""
    values = evaluate(
        """
        said = []
        def say(word, value):
            said.append(word)
            return value
        a, b = [0, 0, 0], {}
        say('owner', a)[say('index', 1)] = say('value', 5)
        say('first', a)[0], say('second', b)['x'] = say('left', 1), say('right', 2)
        a[0], a[2] = a[2], a[0]
        i, a[i] = 1, a[say('old', 2)] if False else 8
        x = b['y'] = a[2] = say('all', 9)
        def inner():
            a[1], b['z'] = 3, 4
            return sorted(locals())
        class C:
            rows = {}
            rows['a'], n = 1, 2
        left = [n for n in globals() if 'part' in n]
        result = [said, a, b, inner(), C.rows, C.n, left, [k for k in vars(C) if k[:2] != '__']]
        """.replace("i, a[i] = 1", "i = 0\n        i, a[i] = 1")
    )
    assert values == [
        ["value", "owner", "index", "left", "right", "first", "second", "all"],
        *[[0, 3, 9], {"x": 2, "y": 9, "z": 4}, [], {"a": 1}, 2, [], ["rows", "n"]],
    ]


def test_integers_of_numpy_are_integers_in_python2():
    code, _ = python2.compile_source(
        "import numpy as np\n"
        "r = [isinstance(n, t) for n in (np.prod((2, 3)), np.int8(1)) for t in (int, (str, int), str)]",
        "script.py",
        version=2,
    )
    names = {"__builtins__": script_names.script_builtins(True)}
    exec(code, names)
    assert names["r"] == [True, True, False, False, False, False]
