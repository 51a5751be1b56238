from __future__ import division, print_function
import numpy as np
import time, collections, inspect
def main():
    t = time.clock()
    print('a', 7 / 2, sep='|')
    d = collections.OrderedDict(a=1)
    for k, v in d.iteritems():
        print(k, v, isinstance(d, collections.Mapping))
    print(np.float(2), inspect.getargspec(main), xrange(3)[1])
main()
