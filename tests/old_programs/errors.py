import sys


class Problem(Exception):
    pass


def fails(kind):
    if kind == 0:
        raise Problem, "zero"
    elif kind == 1:
        raise Problem, ("one", 1)
    elif kind == 2:
        raise Problem
    elif kind == 3:
        try:
            {}['missing']
        except KeyError:
            t, v, tb = sys.exc_info()
            raise t, v, tb
    elif kind == 4:
        raise ValueError, None


for kind in range(5):
    try:
        fails(kind)
    except (Problem, KeyError), e:
        print kind, type(e).__name__, e.args
    except ValueError, e: print 'value', e.args
try:
    raise Problem('kept')
except Problem, e:
    pass
print e.message, `e.args`
print >>sys.stdout, "done",
print >>sys.stdout
