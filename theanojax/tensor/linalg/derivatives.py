"""Gradients of decompositions, as graphs: what these take they can give again, so that there is one of any order.

Where a value is repeated, the vectors that belong to it are a matter of choice: what depends on them has no gradient
there, and gets nan. What depends on the values alone has one.
"""

import numpy as np

import theanojax.tensor as tensor


def refuse_complex(x):
    """NotImplementedError for a complex variable: these gradients are those of real matrices."""
    if x.dtype.startswith("complex"):
        raise NotImplementedError("there is no gradient for complex matrices")


def both_triangles(g, lower):
    """The symmetric matrix of gradients for a whole of which `g` is the gradient of one triangle."""
    half, rest = (tensor.tril(g), tensor.tril(g, -1)) if lower else (tensor.triu(g), tensor.triu(g, 1))
    return half + rest.T


def _one_triangle(g, lower):
    """The other way round: what is beyond the diagonal counts twice."""
    return tensor.tril(g) + tensor.triu(g, 1).T if lower else tensor.triu(g) + tensor.tril(g, -1).T


def _off_diagonal(w):
    """(differences ``w_j - w_i``, with 1 on the diagonal; a matrix of ones with 0 there) of a vector."""
    same = tensor.identity_like(w.dimshuffle("x", 0) * w.dimshuffle(0, "x"))
    return w.dimshuffle("x", 0) - w.dimshuffle(0, "x") + same, 1 - same


def eig_grad(a, w, v, gw, gv, solve):
    """The gradient for the matrix `a`, from those for its real eigenvalues and eigenvectors, columns of length 1.

    Where an eigenvalue is complex, `w` and `v` have only real parts, do not belong to `a`, and all is nan.
    """
    gaps, off = _off_diagonal(w)
    h = tensor.dot(v.T, gv)
    moved = h - tensor.dot(v.T, v) * tensor.diagonal(h)
    # what depends on eigenvalues alone has a gradient where they are equal, too
    moved = tensor.switch(tensor.any(tensor.neq(gv, 0)), off * moved / gaps, 0)
    left_over = abs(tensor.dot(a, v) - v * w).max()
    real = left_over <= (1e-3 if a.dtype == "float32" else 1e-8) * abs(a).max()
    same = tensor.identity_like(v)
    left = solve(tensor.switch(real, v.T, same), same)  # else it may be singular
    found = tensor.dot(left, tensor.dot(tensor.diag(gw) + moved, v.T))
    return tensor.switch(real, found, np.asarray(np.nan, dtype=a.dtype))


def eigh_grad(w, v, gw, gv, g, lower):
    """The gradients of ``v (diag(gw) + c) v.T``, taken to one triangle, for `w`, `v`, `gw` and `gv`.

    c are the products ``v.T gv`` over the differences of eigenvalues, with nothing on the diagonal; `g` is the gradient
    for the whole.
    """
    gaps, off = _off_diagonal(w)
    s, h = both_triangles(g, lower), tensor.dot(v.T, gv)
    b = tensor.diag(gw) + off * h / gaps
    p = tensor.dot(v.T, tensor.dot(s, v))
    q = off * p / gaps
    d = off * p * h / gaps**2
    to_v = tensor.dot(tensor.dot(s, v), b + b.T) + tensor.dot(gv, q.T)
    return d.sum(1) - d.sum(0), to_v, tensor.diagonal(p), tensor.dot(v, q)


def eigvalsh_grad(w, v, gw, ga, gb, lower):
    """The gradients of `EigvalshGrad` for both matrices and for `gw`, from those, `ga` and `gb`, for what it gives.

    `w` and `v` are the eigenvalues and -vectors of ``a v = w b v``, with ``v.T b v`` the identity.
    """
    gaps, off = _off_diagonal(w)
    sa, sb = both_triangles(ga, lower), both_triangles(gb, lower)
    sa_v, sb_v = tensor.dot(sa, v), tensor.dot(sb, v)
    from_b = (v * sb_v).sum(0)
    to_gw = (v * sa_v).sum(0) - w * from_b
    to_w, to_v = -gw * from_b, 2 * (sa_v * gw - sb_v * (gw * w))
    h = tensor.dot(v.T, to_v)
    z = tensor.diag(to_w) + off * h / gaps
    to_a = tensor.dot(tensor.dot(v, z), v.T)
    to_b = -tensor.dot(tensor.dot(v, z * w) + v * (tensor.diagonal(h) / 2), v.T)
    return _one_triangle(to_a, lower), _one_triangle(to_b, lower), to_gw


def svd_grad(u, s, vt, gu, gs, gvt):
    """The gradient for the matrix, from those for its singular value decomposition, full or not; `gs` alone, maybe.

    The rows and columns beyond the singular values can be turned among themselves: what does not depend on it is right.
    J. Townsend, Differentiating the singular value decomposition (2016).
    """
    k = s.shape[0]
    if gu is None and gvt is None:
        return tensor.dot(u[:, :k] * gs, vt[:k])
    gu, gvt = (m.zeros_like() if g is None else g for m, g in ((u, gu), (vt, gvt)))
    v, gv = vt.T, gvt.T
    u1, v1, gu1, gv1 = (m[:, :k] for m in (u, v, gu, gv))
    u2, v2, gu2, gv2 = (m[:, k:] for m in (u, v, gu, gv))
    gaps, off = _off_diagonal(s**2)
    hu, hv = tensor.dot(u1.T, gu1), tensor.dot(v1.T, gv1)
    row, column = s.dimshuffle("x", 0), s.dimshuffle(0, "x")
    core = off * ((hu - hu.T) * row + column * (hv - hv.T)) / gaps + tensor.diag(gs)
    moved = tensor.dot(u1, core)
    # what moves out of the space of the singular vectors, if there is room
    out_u = tensor.switch(tensor.gt(u.shape[0], k), (gu1 - tensor.dot(u1, hu)) / row, 0)
    out_v = tensor.switch(tensor.gt(vt.shape[1], k), (gv1 - tensor.dot(v1, hv)) / row, 0)
    moved += out_u - tensor.dot(u2, tensor.dot(gu2.T, u1) / row)
    other = out_v.T - tensor.dot(tensor.dot(v1.T, gv2) / column, v2.T)
    return tensor.dot(moved, v1.T) + tensor.dot(u1, other)


def qr_grad(a, q, r, gq, gr, solve):
    """The gradient for the matrix `a` (M, N), from those for its factors; ``solve(r, b)`` solves ``r x = b``.

    The columns of q beyond N can be turned among themselves: what does not depend on it is right. The first
    ``min(M, N)`` columns of `a` give q, the others only what r has beyond. S. F. Walter and L. Lehmann, Algorithmic
    differentiation of linear algebra functions (2010).
    """
    k = tensor.minimum(a.shape[0], a.shape[1])
    q1, q2, r1 = q[:, :k], q[:, k:], r[:k, :k]
    gr1, gr2 = tensor.triu(gr[:k, :k]), gr[:k, k:]
    gq1 = gq[:, :k] + tensor.dot(a[:, k:], gr2.T)
    m = tensor.dot(r1, gr1.T) - tensor.dot(gq1.T, q1)
    b = gq1 + tensor.dot(q1, both_triangles(m, True)) - tensor.dot(q2, tensor.dot(gq[:, k:].T, q1))
    return tensor.concatenate([solve(r1, b.T).T, tensor.dot(q1, gr2)], axis=1)
