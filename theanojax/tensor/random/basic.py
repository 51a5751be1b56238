"""The random variables of Theano-PyMC, number for number: each is an Op, to be called with the parameters.

A row of the table below is a distribution: its class, and the Op that is called.
"""

import functools
import importlib
import inspect

import numpy as np

from theanojax.config import config
from theanojax.tensor.as_tensor import as_tensor_variable, constant
from theanojax.tensor.random.op import RandomVariable, broadcast_params, default_shape_from_params
from theanojax.tensor.type_other import NoneConst


# ---------------------------------------------------------------- how those draw that numpy has no method for
def _by_scipy(distribution, draw):
    """An ``rng_fn``: ``draw(rvs, *parameters)``, where `rvs` is the method of scipy's `distribution`."""

    def rng_fn(rng, *args):
        *parameters, size = args
        rvs = getattr(importlib.import_module("scipy.stats"), distribution).rvs
        return draw(functools.partial(rvs, size=size, random_state=rng), *parameters)

    return rng_fn


def _located(distribution):
    return _by_scipy(distribution, lambda rvs, loc, scale: rvs(loc=loc, scale=scale))


def safe_multivariate_normal(mean, cov, size=None, rng=None):
    """Draws of scipy's multivariate normal, with the RandomState `rng`: arrays of `size` and the length of `mean`."""
    normal = importlib.import_module("scipy.stats").multivariate_normal(mean=mean, cov=cov, allow_singular=True)
    drawn = np.atleast_1d(normal.rvs(size=size, random_state=rng))
    return drawn if size is None else drawn.reshape((*size, -1))


def _multivariate_normal(rng, mean, cov, size):
    if mean.ndim <= 1 and cov.ndim <= 2:
        return safe_multivariate_normal(mean, cov, size=size, rng=rng)
    mean, cov = broadcast_params([mean, cov], (1, 2))
    size = size or ()
    mean, cov = np.broadcast_to(mean, size + mean.shape), np.broadcast_to(cov, size + cov.shape)
    out = np.empty(mean.shape)
    for i in np.ndindex(mean.shape[:-1]):
        out[i] = safe_multivariate_normal(mean[i], cov[i], rng=rng)
    return out


def _dirichlet(rng, alphas, size):
    alphas = np.broadcast_to(alphas, (*(size or ()), *alphas.shape))
    out = np.empty(alphas.shape)
    for i in np.ndindex(alphas.shape[:-1]):
        out[i] = rng.dirichlet(alphas[i])
    return out


def _categorical(rng, p, size):
    rows = p.shape[:-1]
    shape = rows if size is None else tuple(size)
    if shape[len(shape) - len(rows) :] != rows:
        raise ValueError("Parameters shape and size do not match.")
    draws = rng.uniform(size=shape)
    sums = np.broadcast_to(p.cumsum(axis=-1), (*shape, p.shape[-1]))
    return (sums < draws[..., None]).sum(axis=-1)


def _polyagamma(rng, b, c, size):
    try:
        sampler = importlib.import_module("pypolyagamma").PyPolyaGamma
    except ImportError:
        raise RuntimeError("pypolygamma not installed!") from None
    shape = np.broadcast_shapes(b.shape, c.shape) if size is None else size
    b, c = (np.array(np.broadcast_to(v, shape), dtype="float64").ravel() for v in (b, c))
    out = np.empty(b.size)
    sampler(rng.randint(2**16)).pgdrawv(b, c, out)
    return out.reshape(shape)


def _mean_and_covariance(mean, cov):
    mean = np.zeros(1, dtype=config.floatX) if mean is None else mean
    return mean, np.ones((1, 1), dtype=config.floatX) if cov is None else cov


# ---------------------------------------------------------------- the table
def _variable(class_name, name, shown, call, meaning, ndims=None, supp=0, dtype="floatX", draw=None):
    """The class of a distribution, and the Op.

    `name` is that of numpy's method, `shown` stands in formulas; ``call(...)`` has the signature of the parameters, and
    gives those that `draw`, an ``rng_fn``, takes; `ndims` are the dimensions of each for one draw, which has `supp`.
    """
    own, *rest = inspect.signature(lambda self, size=None, **kwargs: None).parameters.values()
    given = [*inspect.signature(call).parameters.values(), *rest]
    signature = inspect.Signature(given)

    def __call__(self, *args, **kwargs):
        called = signature.bind(*args, **kwargs)
        called.apply_defaults()
        *values, size = called.args
        return RandomVariable.__call__(self, *call(*values), size=size, **called.kwargs)

    __call__.__signature__ = inspect.Signature([own, *given])
    __call__.__doc__ = "Draws %s; `size` and the others are those of `RandomVariable`." % meaning
    body = {
        "__doc__": "Draws %s." % meaning,
        "__module__": __name__,
        "__call__": __call__,
        "name": name,
        "ndim_supp": supp,
        "ndims_params": list(ndims or [0] * (len(given) - len(rest))),
        "dtype": dtype,
        "_print_name": (shown, "\\operatorname{%s}" % shown.replace("**+", "^{+}")),
    }
    if draw is not None:
        body["rng_fn"] = staticmethod(draw)
    cls = type(class_name, (RandomVariable,), body)
    return cls, cls()


UniformRV, uniform = _variable(
    "UniformRV", "uniform", "U", lambda low=0.0, high=1.0: (low, high), "from `low`, which may occur, to `high`"
)
BetaRV, beta = _variable("BetaRV", "beta", "Beta", lambda a, b: (a, b), "of the beta distribution")
NormalRV, normal = _variable(
    "NormalRV", "normal", "N", lambda loc=0.0, scale=1.0: (loc, scale), "of mean `loc` and standard deviation `scale`"
)
HalfNormalRV, halfnormal = _variable(
    "HalfNormalRV", "halfnormal", "N**+", lambda loc=0.0, scale=1.0: (loc, scale),
    "from `loc` on, as the upper half of a normal distribution of the standard deviation `scale`",
    draw=_located("halfnorm"),
)  # fmt: skip
GammaRV, gamma = _variable(  # Theano-PyMC printed it under this name
    "GammaRV", "halfnormal", "Gamma", lambda shape, rate: (shape, 1.0 / rate), "of the gamma distribution, over `rate`",
    draw=_by_scipy("gamma", lambda rvs, shape, scale: rvs(shape, scale=scale)),
)  # fmt: skip
ExponentialRV, exponential = _variable(
    "ExponentialRV", "exponential", "Exp", lambda scale=1.0: (scale,), "exponential, with the mean `scale`"
)
MvNormalRV, multivariate_normal = _variable(
    "MvNormalRV", "multivariate_normal", "N", lambda mean=None, cov=None: _mean_and_covariance(mean, cov),
    "of vectors, with the mean `mean` and the covariance `cov`", ndims=[1, 2], supp=1, draw=_multivariate_normal,
)  # fmt: skip
DirichletRV, dirichlet = _variable(
    "DirichletRV", "dirichlet", "Dir", lambda alphas: (alphas,), "of vectors whose sum is 1", [1], 1, draw=_dirichlet
)
PoissonRV, poisson = _variable(
    "PoissonRV", "poisson", "Pois", lambda lam=1.0: (lam,), "that count, with the mean `lam`", dtype="int64"
)
CauchyRV, cauchy = _variable(
    "CauchyRV", "cauchy", "C", lambda loc=0.0, scale=1.0: (loc, scale), "about `loc`, of the width `scale`",
    draw=_located("cauchy"),
)  # fmt: skip
HalfCauchyRV, halfcauchy = _variable(
    "HalfCauchyRV", "cauchy", "C**+", lambda loc=0.0, scale=1.0: (loc, scale), "from `loc` on, of the width `scale`",
    draw=_located("halfcauchy"),
)  # fmt: skip
InvGammaRV, invgamma = _variable(
    "InvGammaRV", "invgamma", "InvGamma", lambda shape, rate: (shape, rate), "of `rate` over a gamma distribution",
    draw=_by_scipy("invgamma", lambda rvs, shape, rate: rvs(shape, scale=rate)),
)  # fmt: skip
TruncExponentialRV, truncexpon = _variable(
    "TruncExponentialRV", "truncexpon", "TruncExp", lambda b, loc, scale: (b, loc, scale),
    "exponential, of the mean `scale`, from `loc` on and no further than `b` times `scale`",
    draw=_by_scipy("truncexpon", lambda rvs, b, loc, scale: rvs(b, loc=loc, scale=scale)),
)  # fmt: skip
BernoulliRV, bernoulli = _variable(
    "BernoulliRV", "bernoulli", "Bern", lambda p: (p,), "that are 1 with probability `p`, and else 0", dtype="int64",
    draw=_by_scipy("bernoulli", lambda rvs, p: rvs(p)),
)  # fmt: skip
BinomialRV, binomial = _variable(
    "BinomialRV", "binomial", "Binom", lambda n, p: (n, p), "that count which of `n` trials succeed", dtype="int64"
)
NegBinomialRV, nbinom = _variable(
    "NegBinomialRV", "nbinom", "NB", lambda n, p: (n, p), "that count failures before `n` successes", dtype="int64",
    draw=_by_scipy("nbinom", lambda rvs, n, p: rvs(n, p)),
)  # fmt: skip
BetaBinomialRV, betabinom = _variable(
    "BetaBinomialRV", "beta_binomial", "BetaBinom", lambda n, a, b: (n, a, b),
    "that count which of `n` trials succeed, with a probability of the beta distribution", dtype="int64",
    draw=_by_scipy("betabinom", lambda rvs, n, a, b: rvs(n, a, b)),
)  # fmt: skip
CategoricalRV, categorical = _variable(
    "CategoricalRV", "categorical", "Cat", lambda p: (p,), "that are numbers of outcomes with the chances `p`", [1],
    dtype="int64", draw=_categorical,
)  # fmt: skip
PolyaGammaRV, polyagamma = _variable(
    "PolyaGammaRV", "polya-gamma", "PG", lambda b, c: (b, c), "by the package pypolyagamma, RuntimeError without it",
    draw=_polyagamma,
)  # fmt: skip
RandIntRV, randint = _variable(
    "RandIntRV", "randint", "randint", lambda low, high=None: (0, low) if high is None else (low, high),
    "of integers from `low` to before `high`; with one of them from 0 to before that", dtype="int64",
)  # fmt: skip


# ---------------------------------------------------------------- those whose shape is not that of their parameters
class MultinomialRV(RandomVariable):
    """Draws that count how often of `n` each outcome comes, for the chances in the last dimension of `pvals`."""

    name, ndim_supp, ndims_params, dtype = "multinomial", 1, (0, 1), "int64"
    _print_name = ("MN", "\\operatorname{MN}")

    def _shape_from_params(self, dist_params, rep_param_idx=1, param_shapes=None):
        return default_shape_from_params(self.ndim_supp, dist_params, rep_param_idx, param_shapes)


class ChoiceRV(RandomVariable):
    """Draws elements of the vector `a`, with the chances `p`, None for equal ones; without `replace` each but once."""

    name, ndim_supp, ndims_params = "choice", 0, (1, 1, 0)
    _print_name = ("choice", "\\operatorname{choice}")

    @classmethod
    def rng_fn(cls, rng, a, p, replace, size):
        return rng.choice(a, size, bool(replace), p)

    def _infer_shape(self, size, dist_params, param_shapes=None):
        return size

    def __call__(self, a, size=None, replace=True, p=None, **kwargs):
        a = as_tensor_variable(a, ndim=1)
        p = NoneConst.clone() if p is None else p
        return super().__call__(a, p, constant(replace) if isinstance(replace, bool) else replace,
                                size=size, dtype=a.dtype, **kwargs)  # fmt: skip


class PermutationRV(RandomVariable):
    """Draws the rows of `x`, or the integers below it if it is one, in another order."""

    name, ndim_supp, ndims_params = "permutation", 1, (1,)
    _print_name = ("permutation", "\\operatorname{permutation}")

    @classmethod
    def rng_fn(cls, rng, x, size):
        return rng.permutation(x if x.ndim else x.item())

    def _infer_shape(self, size, dist_params, param_shapes=None):
        (x,) = dist_params
        return (param_shapes or [x.shape])[0] if x.ndim else (x,)

    def __call__(self, x, **kwargs):
        x = as_tensor_variable(x)
        return super().__call__(x, dtype=x.dtype, **kwargs)


multinomial, choice, permutation = MultinomialRV(), ChoiceRV(), PermutationRV()
