"""scikit-learn's `cross_validation`, `grid_search` and `learning_curve`, and what else it has dropped.

The rest of these modules is in `sklearn.model_selection`.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn import base, model_selection

__all__ = [*model_selection.__all__]


class Folds:
    """Pairs of indices, to train and to test with: folds knew their data, and were gone through.

    What they were made with is there as attributes, as classes derived from them read it.
    """

    def __init__(self, splitter: Any, n: int, y: Any = None, **given: Any):
        self.splitter, self.n, self.y = splitter, n, None if y is None else np.asarray(y)
        vars(self).update(given)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return self.splitter.split(np.zeros(self.n), self.y)

    def __len__(self) -> int:
        return self.splitter.get_n_splits(np.zeros(self.n), self.y)


class KFold(Folds):
    """`n_folds` parts of `n` things, each of which is tested with once."""

    def __init__(self, n: int, n_folds: int = 3, shuffle: bool = False, random_state: Any = None):
        split = model_selection.KFold(int(n_folds), shuffle=shuffle, random_state=random_state if shuffle else None)
        super().__init__(split, int(n), n_folds=n_folds, shuffle=shuffle, random_state=random_state)


class StratifiedKFold(Folds):
    """Parts that have as much of each class in `y`."""

    def __init__(self, y: Any, n_folds: int = 3, shuffle: bool = False, random_state: Any = None):
        state = random_state if shuffle else None
        split = model_selection.StratifiedKFold(int(n_folds), shuffle=shuffle, random_state=state)
        super().__init__(split, len(y), y, n_folds=n_folds, shuffle=shuffle, random_state=random_state)


class LeaveOneOut(Folds):
    """Each of `n` things is tested with alone."""

    def __init__(self, n: int):
        super().__init__(model_selection.LeaveOneOut(), int(n))


class ShuffleSplit(Folds):
    """`n_iter` times a random part of `n` things."""

    def __init__(
        self, n: int, n_iter: int = 10, test_size: Any = 0.1, train_size: Any = None, random_state: Any = None
    ):
        sizes = {"test_size": test_size, "train_size": train_size, "random_state": random_state}
        split = model_selection.ShuffleSplit(int(n_iter), **sizes)
        super().__init__(split, int(n), n_iter=n_iter, **sizes, **_numbers(n, test_size, train_size))


class StratifiedShuffleSplit(Folds):
    """The same with as much of each class in `y`."""

    def __init__(
        self, y: Any, n_iter: int = 10, test_size: Any = 0.1, train_size: Any = None, random_state: Any = None
    ):
        sizes = {"test_size": test_size, "train_size": train_size, "random_state": random_state}
        split = model_selection.StratifiedShuffleSplit(int(n_iter), **sizes)
        super().__init__(split, len(y), y, n_iter=n_iter, **sizes, **_numbers(len(y), test_size, train_size))


def _numbers(n: int, test_size: Any, train_size: Any) -> dict[str, int]:
    """How many of `n` are tested and trained with, for sizes that are numbers of them, parts of all, or None."""
    test, train = (
        None if size is None else int(rounded(size * n)) if size < 1 else int(size)
        for size, rounded in ((test_size, np.ceil), (train_size, np.floor))
    )
    test = n - (train or 0) if test is None else test
    return {"n_test": test, "n_train": n - test if train is None else train}


GridScore = collections.namedtuple("GridScore", "parameters mean_validation_score cv_validation_scores")


class _WithGridScores:
    @property
    def grid_scores_(self) -> list[GridScore]:
        """Parameters, and how good they were."""
        results = self.cv_results_
        folds = [results[f"split{i}_test_score"] for i in range(self.n_splits_)]
        scores = zip(results["params"], results["mean_test_score"], zip(*folds))
        return [GridScore(parameters, mean, np.array(each)) for parameters, mean, each in scores]


class GridSearchCV(_WithGridScores, model_selection.GridSearchCV):
    """`model_selection.GridSearchCV`, with its `grid_scores_`."""


class RandomizedSearchCV(_WithGridScores, model_selection.RandomizedSearchCV):
    """`model_selection.RandomizedSearchCV`, with its `grid_scores_`."""


class BaseEstimator(base.BaseEstimator):
    """`base.BaseEstimator`, which need not have all its parameters, nor have kept them as they were given."""

    def __sklearn_clone__(self) -> Any:
        parameters = self.get_params(deep=False)
        return type(self)(**{name: base.clone(value, safe=False) for name, value in parameters.items()})

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Names and values of the parameters; None for one that was never set."""
        missing = [name for name in self._get_param_names() if not hasattr(self, name)]
        vars(self).update(dict.fromkeys(missing))
        try:
            return super().get_params(deep)
        finally:
            for name in missing:
                del vars(self)[name]


def __getattr__(name: str) -> Any:
    return getattr(model_selection, name)


# ---- sklearn.datasets

# What mldata.org, which is gone, called data sets that openml.org has.
OF_MLDATA = {"mnist-original": "mnist_784", "iris": "iris", "diabetes-scale": "diabetes"}


def fetch_mldata(dataname: str, target_name: str = "label", data_name: str = "data", **options: Any) -> Any:
    """The data set `dataname` of mldata.org, from openml.org; its classes are numbers where they can be."""
    from sklearn import datasets

    name = dataname.lower().replace(" ", "-").replace("(", "").replace(")", "")
    found = datasets.fetch_openml(OF_MLDATA.get(name, name), as_frame=False, data_home=options.get("data_home"))
    try:
        found.target = found.target.astype(float)
    except ValueError:
        pass
    return found


def load_boston(return_X_y: bool = False) -> Any:
    """Prices of houses in Boston, from openml.org."""
    from sklearn import datasets

    found = datasets.fetch_openml("boston", version=1, as_frame=False)
    found.data, found.target = found.data.astype(float), found.target.astype(float)
    return (found.data, found.target) if return_X_y else found


def safe_indexing(X: Any, indices: Any) -> Any:
    """`sklearn.utils.safe_indexing`: the rows of `X` that `indices` names."""
    from sklearn.utils import _safe_indexing

    return _safe_indexing(X, indices)
