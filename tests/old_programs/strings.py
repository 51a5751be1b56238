# -*- coding: utf-8 -*-
import string
from StringIO import StringIO
import os, re

text = u'abc' + 'def'
print text.upper(), string.letters[:3], string.join(['a', 'b']), string.join(['a', 'b'], '-')
print string.upper('x'), string.atoi('12') / 5, 'abc'.translate(string.maketrans('a', 'z'))
print isinstance(text, basestring), isinstance(text, (str, unicode)), unicode(12), unichr(97)
print 'abc'.encode('hex'), '616263'.decode('hex'), `text`[-4:], ur'\d'
out = StringIO()
print >>out, 'one',
print >>out, 'two'
out.write('three')
print out.getvalue().split('\n')
print 'tab', 'end',
print
print 'a' + 'b'.encode('utf-8'), 'caf\xc3\xa9'[:3].decode('utf-8')
print os.getcwdu() == os.getcwd(), re.sub(ur'b+', u'', 'abbc')
print '%s %r' % (u'x', 'y'), 'x' < 'y', 0777, 0x10L, 3 <> 4, 10L / 3
print 'hello' \
    ' world', 'a%s' % 1,
print ''
