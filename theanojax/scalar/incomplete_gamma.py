"""How the incomplete gamma functions move with their order: series, as neither numpy nor XLA has a function for it."""

import numpy as np

MOST_TERMS = 20_000  # enough for orders up to about a million


def order_slope(xp, k, x):
    """The derivative of P(k, x), the regularized lower incomplete gamma function, for its order `k`; in float64.

    0 at ``x = 0`` and where `x` is infinite, nan for orders that are not positive and for negative `x`.

    For ``x <= k`` it is that of ``P = x^k exp(-x) / gamma(k + 1) * sum over n of x^n / ((k + 1) ... (k + n))``
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 6.5.29), term by term. Beyond, where this would nearly
    cancel, it is minus that of ``Q = 1 - P`` by Legendre's continued fraction (6.5.31), whose convergents are derived
    by their recurrence, as in R. J. Moore, Algorithm AS 187, Applied Statistics 31 (1982).
    """
    k, x = xp.broadcast_arrays(k, x)
    ok = (k > 0) & (x >= 0) & xp.isfinite(k)
    inside = ok & (x > 0) & xp.isfinite(x)
    one = xp.ones_like(x)
    k, x = xp.where(inside, k, one), xp.where(inside, x, one)
    below = (x <= k) | (x <= 1)
    log_x = xp.log(x)
    front = xp.exp(k * log_x - x - xp.special.gammaln(k))
    total, slope = _series(xp, k, xp.where(below, x, one), inside & below)
    lower = front / k * (total * (log_x - xp.special.digamma(k + 1)) + slope)
    total, slope = _fraction(xp, k, xp.where(below, k + 1, x), inside & ~below)
    upper = front * (total * (log_x - xp.special.digamma(k)) + slope)
    value = xp.where(inside, xp.where(below, lower, -upper), xp.zeros_like(x))
    return xp.where(ok, value, xp.full_like(x, np.nan))


def _series(xp, k, x, wanted):
    """The sum over n of ``x^n / ((k + 1) ... (k + n))``, and its derivative for `k`; where `wanted`."""

    def more(state):
        n, term, _, total, _ = state
        return (n < MOST_TERMS) & xp.any(wanted & (term > total * 1e-17))

    def step(state):
        n, term, harmonic, total, slope = state
        n = n + 1
        term, harmonic = term * x / (k + n), harmonic + 1 / (k + n)
        return n, term, harmonic, total + term, slope - term * harmonic

    one, zero = xp.ones_like(x), xp.zeros_like(x)
    *_, total, slope = xp.loop(more, step, (np.float64(0), one, zero, one, zero))
    return total, slope


def _fraction(xp, k, x, wanted):
    """``1 / (x + 1 - k - 1 (1 - k) / (x + 3 - k - 2 (2 - k) / ...))``, and its derivative for `k`; where `wanted`.

    The state has the last two convergents, numerators p over denominators q, divided by the last q, and how each moves
    with k.
    """

    def more(state):
        return (state[0] < MOST_TERMS) & xp.any(wanted & (state[1] > 2.0**-50))

    def step(state):
        n, _, p0, q0, p1, dp0, dq0, dp1, dq1 = state
        n = n + 1
        a, b = n * (k - n), x + 1 - k + 2 * n
        p, q = b * p1 + a * p0, b + a * q0
        dp = b * dp1 - p1 + a * dp0 + n * p0
        dq = b * dq1 - 1 + a * dq0 + n * q0
        new = p / q, 1 / q, dp / q, dq / q
        slope, before = new[2] - new[0] * new[3], dp1 - p1 * dq1
        moved = abs(new[0] / p1 - 1) + abs(slope - before) / (abs(slope) + abs(new[0]))
        return n, moved, p1 / q, new[1], new[0], dp1 / q, dq1 / q, new[2], new[3]

    one, zero = xp.ones_like(x), xp.zeros_like(x)
    q = x + 1 - k
    start = np.float64(0), one, zero, one / q, one / q, zero, zero, zero, -one / q
    _, _, _, _, p, _, _, dp, dq = xp.loop(more, step, start)
    return p, dp - p * dq
