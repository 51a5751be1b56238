class Meta(type):
    def __new__(mcs, name, bases, attrs):
        attrs['made_by'] = mcs.__name__
        return type.__new__(mcs, name, bases, attrs)


class Base(object):
    __metaclass__ = Meta

    def __nonzero__(self):
        return False


class Vector:
    def __init__(self, *x):
        self.x = x

    def __div__(self, n):
        # integers stay
        return Vector(*[v / n for v in self.x])

    def __cmp__(self, other):
        return cmp(self.x, other.x)

    def __repr__(self):
        return 'Vector%r' % (self.x,)


class Point(object):
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x


class Count:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def next(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


def first(it, n):
    while 1:
        if n == 0:
            raise StopIteration()
        n -= 1
        yield it.next()


print Base.made_by, bool(Base()), Vector(7, 8) / 2, Vector(1) < Vector(2), max(Vector(3), Vector(1)), Vector(1) == Vector(1)
print sorted([Vector(2), Vector(1)]), len({Point(1): 1}), list(Count(3)), list(first(iter([5, 6, 7]), 2))
print Vector(5, 9) / 2.0
c = Count(2)
print c.next(), Base.__dict__.has_key('made_by'), callable(c), isinstance(c, Count)
print Vector.__init__.__name__, first.func_code.co_name
