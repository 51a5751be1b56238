import sys, os
names = {}
exec "x = 3" in names
exec 'y = x + 1'  in names
print names['x'], names['y'], eval('1 + 1')
code = compile('z = 5', '<s>', 'exec')
exec code
print z, `1`, (1, 2) == (1, 2), 1if True else 2
if sys.version_info[0] < 3 or True:
    print "line"
print >>sys.stderr, "err"
print("a"), ("b")
print ("a", "b")
print
assert isinstance(3L, (int, long))
try:
    raw = raw_input
except NameError:
    raw = None
print raw is not None, os.path.exists('.'), None == None, None != 3
def f(*args, **kw): return args, kw
print f(*[1], **{'a': 2}), f.func_name, f.__name__
i = 0
while 1:
    i += 1
    if i > 3: break
else: print 'no'
	
if i:
	print i
        print 'tabs'
print "%d%%" % (100 * 1 / 3), "a" "b"; print 'c'; x = 4; print x
