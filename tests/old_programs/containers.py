import itertools
from itertools import izip, imap, ifilter
from collections import OrderedDict, Mapping, Iterable
import collections

d = {'a': 1, 'b': 2}
print d.has_key('a'), sorted(d.keys()), sorted(d.iteritems()), sorted(d.itervalues()), len(d.keys())
for k in d.keys():
    if k == 'a':
        del d[k]
print d, d.items()[0], d.values() + [3]
print map(lambda x: x * 2, range(3)), filter(None, [0, 1]), zip('ab', [1, 2]), range(2) + [5]
print list(izip([1], [2])), list(imap(abs, [-1])), list(ifilter(None, [0, 2])), map(str, xrange(3))
print reduce(lambda a, b: a + b, [1, 2, 3]), apply(max, (1, 2)), sum(xrange(4))
print sorted([3, 1, 2], lambda a, b: cmp(b, a)), sorted(['b', 'a'], cmp=lambda a, b: cmp(a, b))
l = [3, 1, 2]
l.sort(lambda a, b: b - a)
print l, cmp(1, 2), cmp([2], [1]), max(map(None, [1, 2]))
l.sort(cmp)
print l, isinstance(d, Mapping), isinstance(l, collections.Iterable), isinstance(OrderedDict(), Iterable)
def f(a, (b, c), d=4):
    return [a, b, c, d]
print f(1, (2, 3)), (lambda (x, y): x + y)((1, 2)), sorted({1: 2}.items(), key=lambda (k, v): -v)
for i, (a, b) in enumerate(zip([1, 2], [3, 4])):
    print i, a / 2, b / 2.0,
print
pairs = zip([1, 2], [3, 4])
for again in range(2):
    print [a for a, b in pairs]
print [x for x in 1, 2], list(itertools.izip_longest([1], [])), set(d.keys()) == set(['b'])
