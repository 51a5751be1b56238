import numpy as np, collections, time, pickle, scipy.misc
from collections import Iterable, namedtuple
from fractions import gcd
import threading
class D(collections.MutableMapping):
    def __init__(self): self.d = {}
    def __getitem__(self, k): return self.d[k]
    def __setitem__(self, k, v): self.d[k] = v
    def __delitem__(self, k): del self.d[k]
    def __iter__(self): return iter(self.d)
    def __len__(self): return len(self.d)
print(isinstance([], Iterable), gcd(4, 6), np.float(1) / 2, np.bool(0), f"{time.clock() >= 0}", len(D()))
print(np.zeros((2, 2), np.int).dtype.kind, scipy.misc.comb(3, 2), pickle.loads(pickle.dumps(1)), zip([1]) is not None)
t = threading.Thread(target=print)
print(t.isAlive())
