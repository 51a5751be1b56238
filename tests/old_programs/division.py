import math
def mean(values):
    return sum(values) / len(values)
def half(n=10):
    m = n / 2
    m /= 2
    return m
a, b = 7, 2
print a / b, -7 / 2, 7 / 2.0, 7. / 2, a // b, mean([1, 2]), mean([1., 2]), half(), half(9.0), (a + 1) / (b * 2) / 2
x = 5
x /= 2
print x, 1 / 3 * 3.0, math.floor(7.5) / 2, int(math.floor(7.5)) / 2, round(2.5), round(-0.5), int(round(0.5)), round(1.25, 1)
n = len('abcd')
for i in range(n / 2):
    print i / 2, (i+1)/2, float(i) / 2,
print
print 10 ** 2 / 3, 2 ** -1 / 2, abs(-7) / 2, (1 if n else 2) / 2, True / 2, [v / 2 for v in (1, 2, 3)], 7 % 4 / 2
class C: pass
c = C(); c.n = 9; c.n /= 2
l = [9]; l[0] /= 2
print c.n, l, divmod(7, 2), (lambda v: v / 2)(5), 'a/b'.split('/'), a / b  # a / b
total = 0
for v in [1, 2, 4]: total += v
print total / 3, total / 3., \
    total / (
        3)
