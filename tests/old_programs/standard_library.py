import urllib, urllib2, urlparse, Queue, ConfigParser, commands, thread, copy_reg, __builtin__
import os, sys, time, types, hashlib, base64, threading, unittest, inspect, fractions, platform
import cStringIO, HTMLParser, cPickle as pickle
from collections import Mapping
print urllib.quote('a b'), urllib.urlencode({'a': 1}), urlparse.urlparse('http://a.b/c').netloc, urllib2.Request('http://a.b').get_full_url()
q = Queue.Queue()
q.put(1)
print q.get(), commands.getoutput('echo hi'), sys.maxint > 2 ** 30, isinstance('a', types.StringTypes), type(None) is types.NoneType
print hashlib.md5('abc').hexdigest()[:6], fractions.gcd(4, 6), time.clock() >= 0, __builtin__.len('ab')
t = threading.Thread(target=lambda: None)
t.start(); t.join()
print t.isAlive(), inspect.getargspec(lambda a, b=1: 0).args, os.errno.ENOENT if hasattr(os, 'errno') else 2
class Case(unittest.TestCase):
    def runTest(self):
        self.assertEquals(1, 1)
        self.assertItemsEqual([1, 2], [2, 1])
        self.assert_(True)
result = unittest.TestResult()
Case().run(result)
print len(result.errors), len(result.failures), pickle.loads(pickle.dumps([1, 'a']))
import subprocess
print subprocess.check_output(['echo', 'x']).strip().split('x'), intern('a'), long(3)
reload(sys)
sys.setdefaultencoding('utf-8')
