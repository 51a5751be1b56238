"""h5py as it was before version 3: strings, the mode in which files are opened, `dataset.value`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from theanojax.legacy.old_objects import as_bytes, as_text

try:
    import h5py
except ImportError:  # then nobody is given what follows
    h5py = SimpleNamespace(Group=object, Dataset=object, File=object, AttributeManager=object)

# Without a mode a file was opened for both, else to be read, and made if it wasn't there.
MODES = ("r+", "r", "w-")


class Object:
    """What files, groups and datasets have in common."""

    in_python2 = False

    def _old(self, value: Any) -> Any:
        kind = {h5py.Group: Group, h5py.Dataset: Dataset, h5py.File: File}.get(type(value))
        if kind is not None:
            value.__class__ = kind
            value.in_python2 = self.in_python2
        return value

    def _strings(self, value: Any, dtype: Any) -> Any:
        """ASCII strings are `bytes`, but in Python 2, where these were `str`."""
        info = h5py.check_string_dtype(dtype)
        if info is None or info.length is not None:
            return value
        convert = as_bytes if info.encoding == "ascii" and not self.in_python2 else as_text
        if not isinstance(value, np.ndarray):
            return convert(value)
        converted = np.empty(value.shape, object)
        converted.flat[:] = list(map(convert, value.flat))
        return converted

    @property
    def attrs(self) -> Any:
        """The attributes, a dictionary."""
        return Attributes(self)

    @property
    def file(self) -> Any:
        """The file that it is in."""
        return self._old(super().file)

    @property
    def parent(self) -> Any:
        """The group that it is in."""
        return self._old(super().parent)


class Attributes(h5py.AttributeManager):
    """Names and values."""

    def __init__(self, owner: Any):
        super().__init__(owner["/"] if isinstance(owner, h5py.File) else owner)
        self._owner = owner

    def __getitem__(self, name: Any) -> Any:
        return self._owner._strings(super().__getitem__(name), self.get_id(name).dtype)

    def create(self, name: Any, data: Any, *args: Any, **options: Any) -> None:
        """A new attribute."""
        super().create(name, _plain(data), *args, **options)


class Container(Object):
    """A file or a group."""

    def __getitem__(self, name: Any) -> Any:
        return self._old(super().__getitem__(name))

    def create_group(self, *args: Any, **options: Any) -> Any:
        """A new group."""
        return self._old(super().create_group(*args, **options))

    def create_dataset(self, name: Any, shape: Any = None, dtype: Any = None, data: Any = None, **options: Any) -> Any:
        """A new dataset."""
        return self._old(super().create_dataset(name, shape, dtype, _plain(data), **options))

    def require_dataset(self, *args: Any, **options: Any) -> Any:
        """A dataset, which is made if it is not there."""
        return self._old(super().require_dataset(*args, **options))


def _plain(data: Any) -> Any:
    """`data` with bytes of a kind of our own as bytes; lists of bytes became arrays of one length."""
    if isinstance(data, bytes) and not isinstance(data, np.generic):
        return bytes(data)
    is_list = type(data) in (list, tuple) and len(data) > 0
    return np.array(list(map(bytes, data))) if is_list and all(isinstance(item, bytes) for item in data) else data


class Group(Container, h5py.Group):
    """`h5py.Group`"""


class Dataset(Object, h5py.Dataset):
    """`h5py.Dataset`"""

    def __getitem__(self, args: Any, *more: Any, **options: Any) -> Any:
        return self._strings(super().__getitem__(args, *more, **options), self.dtype)

    @property
    def value(self) -> Any:
        """All of it."""
        return self[()]

    # Data sets had none, and programs gave them one.
    ndim = property(lambda self: len(self.shape), lambda self, ndim: None)


class _AnyFile(type(h5py.File)):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, h5py.File)


class File(Container, h5py.File, metaclass=_AnyFile):
    """`h5py.File`"""

    def __init__(self, name: Any, mode: str | None = None, *args: Any, **options: Any):
        for attempt in MODES[:-1] if mode is None else ():
            try:
                super().__init__(name, attempt, *args, **options)
            except OSError:
                continue
            return
        super().__init__(name, mode or MODES[-1], *args, **options)

    @property
    def fid(self) -> Any:
        """What the lower level knows the file by."""
        return self.id


class FileOfPython2(File):
    """The same for programs in Python 2."""

    in_python2 = True
