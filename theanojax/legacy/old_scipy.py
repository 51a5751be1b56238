"""`scipy.misc`: images by Pillow, as scipy 1.1 had them, and small functions that other modules have today.

Also functions of other modules that took arguments which they no longer take.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, optimize
from scipy.special import (
    comb as comb,
    factorial as factorial,
    factorial2 as factorial2,
    factorialk as factorialk,
    logsumexp as logsumexp,
)

RESAMPLING = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "cubic": 3}


def _image() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("scipy.misc read and wrote images by Pillow: pip install pillow") from None
    return Image


def bytescale(data: Any, cmin: Any = None, cmax: Any = None, high: int = 255, low: int = 0) -> np.ndarray:
    """`data` stretched from `cmin`, `cmax` (its least and greatest value) to the bytes from `low` to `high`."""
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    least, greatest = data.min() if cmin is None else cmin, data.max() if cmax is None else cmax
    if greatest < least:
        raise ValueError("`cmax` should be larger than `cmin`.")
    scale = float(high - low) / float(greatest - least or 1)
    return np.clip((data - least) * scale + low, low, high).__add__(0.5).astype(np.uint8)


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The pixels of a file; `flatten`: one channel of floats."""
    with _image().open(name) as image:
        return fromimage(image, flatten, mode)


def fromimage(im: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The pixels of Pillow's image `im`."""
    if mode is not None and mode != im.mode:
        im = im.convert(mode)
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def toimage(
    arr: Any, high: int = 255, low: int = 0, cmin: Any = None, cmax: Any = None, *_: Any, **options: Any
) -> Any:
    """Pillow's image of an array, with its values stretched to the bytes from `low` to `high`."""
    arr = np.asarray(arr)
    mode = options.get("mode")
    if mode == "F":
        return _image().fromarray(arr.astype(np.float32))
    if arr.ndim == 3 and arr.shape[2] not in (3, 4) and arr.shape[0] in (3, 4):
        arr = arr.transpose(1, 2, 0)
    image = _image().fromarray(np.ascontiguousarray(bytescale(arr, cmin, cmax, high, low)))
    return image.convert(mode) if mode and mode != image.mode else image


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Write an array to a file, stretched to bytes."""
    toimage(arr).save(name, *(() if format is None else (format,)))


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """An image of another size: percent (an integer), a fraction (a float) or (rows, columns)."""
    image = toimage(arr, mode=mode)
    if isinstance(size, int | np.integer):
        new = tuple(int(side * size / 100.0) for side in image.size)
    elif isinstance(size, float | np.floating):
        new = tuple(int(side * size) for side in image.size)
    else:
        new = size[1], size[0]
    return fromimage(image.resize(new, RESAMPLING[interp]))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> np.ndarray:
    """An image turned by `angle` degrees."""
    return fromimage(toimage(arr).rotate(angle, resample=RESAMPLING[interp]))


def imshow(arr: Any) -> None:
    """Show an array as an image."""
    toimage(arr).show()


def lena(*args: Any) -> Any:
    """Raise OSError: the pictures that scipy brought are downloads of scipy.datasets today."""
    raise OSError("scipy.misc brought pictures; today scipy.datasets.ascent() and .face() download them")


ascent = face = lena


def central_diff_weights(Np: int, ndiv: int = 1) -> np.ndarray:
    """Weights of `Np` equidistant points in a central difference for the derivative of order `ndiv`."""
    half = Np >> 1
    powers = np.arange(-half, half + 1.0)[:, np.newaxis] ** np.arange(Np)
    return factorial(ndiv) * np.linalg.inv(powers)[ndiv]


def derivative(func: Any, x0: float, dx: float = 1.0, n: int = 1, args: tuple = (), order: int = 3) -> Any:
    """The derivative of order `n` of `func` at `x0`, by a central difference of `order` points `dx` apart."""
    weights = central_diff_weights(order, n)
    half = order >> 1
    return sum(weights[k] * func(x0 + (k - half) * dx, *args) for k in range(order)) / dx**n


def binom_test(*args: Any, **options: Any) -> float:
    """The p-value of `scipy.stats.binomtest`, which takes the same."""
    from scipy import stats

    return stats.binomtest(*args, **options).pvalue


def solve(a: Any, b: Any, sym_pos: bool = False, **options: Any) -> np.ndarray:
    """`scipy.linalg.solve`, of a matrix that may be said to be symmetric and positive."""
    return linalg.solve(a, b, **{**options, **({"assume_a": "pos"} if sym_pos else {})})


def eigh(a: Any, b: Any = None, *args: Any, eigvals: Any = None, turbo: bool = True, **options: Any) -> Any:
    """`scipy.linalg.eigh`; `eigvals`: the first and the last of the eigenvalues that are wanted."""
    return linalg.eigh(a, b, *args, **{**options, **({} if eigvals is None else {"subset_by_index": eigvals})})


def fmin_l_bfgs_b(*args: Any, iprint: Any = None, disp: Any = None, **options: Any) -> Any:
    """`scipy.optimize.fmin_l_bfgs_b`, which printed its progress where `iprint` or `disp` said so."""
    return optimize.fmin_l_bfgs_b(*args, **options)
