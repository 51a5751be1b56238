import csv, os, sys, tempfile
import cPickle as pickle
import gzip
folder = tempfile.mkdtemp()
name = os.path.join(folder, 'a.pkl')
pickle.dump({'k': [1, 'text']}, open(name, 'w'))
print pickle.load(open(name))
f = file(name, 'wb')
pickle.dump([1, 2], f)
f.close()
with open(name) as f:
    print pickle.load(f)
table = os.path.join(folder, 't.csv')
w = csv.writer(open(table, 'wb'))
w.writerow(['a', 1])
w.writerow(['b', 2])
del w
for row in csv.reader(open(table, 'rb')):
    print row
for line in open(table, 'rb'):
    print line.strip().split(','),
print
lines = file(table, 'rU').readlines()
print len(lines), lines[0].strip()
f = open(table, 'rb')
print [line.rstrip() for line in f]
f.close()
f = open(name, 'w')
print >>f, 'x', 7 / 2
f.close()
for line in open(name):
    print line,
print 'end'
