"""Arrays from files, and between the processes of an MPI program."""

import functools

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.type import Generic
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.tensor.op_methods import never_folded, shaped_like
from theanojax.tensor.type import TensorType

try:
    from mpi4py.MPI import COMM_WORLD as comm
except ImportError:
    comm = None
mpi_enabled = comm is not None


class LoadFromDisk(Op):
    """The array in an .npy file, whose path is the input; see `load`."""

    __props__ = ("dtype", "broadcastable", "mmap_mode")

    def __init__(self, dtype, broadcastable, mmap_mode=None):
        if mmap_mode not in (None, "c"):
            raise ValueError("The only supported values for mmap_mode are None and 'c', got %s" % mmap_mode)
        self.dtype, self.broadcastable, self.mmap_mode = np.dtype(dtype), broadcastable, mmap_mode

    def make_node(self, path):
        path = Constant(Generic(), path) if isinstance(path, str) else path
        return Apply(self, [path], [TensorType(self.dtype, self.broadcastable)()])

    def perform(self, node, inputs, output_storage, params=None):
        (path,) = inputs
        if path.endswith(".npz"):
            raise ValueError("Expected a .npy file, got %s instead" % path)
        array = np.load(path, self.mmap_mode)
        if array.dtype != self.dtype:
            raise TypeError("Expected an array of type %s, got %s instead" % (self.dtype, array.dtype))
        output_storage[0][0] = array

    do_constant_folding = never_folded  # the file may change between calls

    def __str__(self):
        return "Load{dtype: %s, broadcastable: %s, mmep: %s}" % (self.dtype, self.broadcastable, self.mmap_mode)


def load(path, dtype, broadcastable, mmap_mode=None):
    """The array stored in an .npy file, read each time the function is called.

    Parameters
    ----------
    path : str, or a variable of type Generic that holds one
    dtype : dtype of the array; TypeError, when it is read, for another
    broadcastable : its broadcast pattern, such as (False,) for a vector
    mmap_mode : None reads the whole file, "c" maps it and reads what is used; ValueError for others

    FileNotFoundError, when run, if there is no such file.
    """
    return LoadFromDisk(dtype, broadcastable, mmap_mode)(path)


# ---------------------------------------------------------------------- MPI
def _communicator():
    if not mpi_enabled:
        raise NameError("name 'comm' is not defined: sending and receiving needs the package mpi4py")
    return comm


class _MPI(Op):
    """An Op that starts a transfer, or waits for its end; those of one transfer have one tag."""


class _MPIWait(_MPI):
    __props__ = ("tag",)

    def __init__(self, tag):
        self.tag = tag


class MPIRecv(_MPI):
    """Start to receive an array of known shape and dtype; gives the request and the array being filled."""

    __props__ = ("source", "tag", "shape", "dtype")
    do_constant_folding = never_folded

    def __init__(self, source, tag, shape, dtype):
        self.source, self.tag, self.shape = source, tag, shape
        self.dtype, self.broadcastable = np.dtype(dtype), (False,) * len(shape)

    def __str__(self):
        return "MPIRecv{source: %d, tag: %d, shape: %s, dtype: %s}" % (self.source, self.tag, self.shape, self.dtype)

    def make_node(self):
        return Apply(self, [], [Variable(Generic()), TensorType(self.dtype, self.broadcastable)()])

    def infer_shape(self, node, shapes):
        return [None, self.shape]

    def perform(self, node, inputs, output_storage, params=None):
        array = np.zeros(self.shape, self.dtype)
        output_storage[0][0] = _communicator().Irecv(array, self.source, self.tag)
        output_storage[1][0] = array


class MPIRecvWait(_MPIWait):
    """Wait until an array has been received."""

    view_map = {0: [1]}
    infer_shape = shaped_like(1)

    def make_node(self, request, data):
        return Apply(self, [request, data], [TensorType(data.dtype, data.broadcastable)()])

    def perform(self, node, inputs, output_storage, params=None):
        request, data = inputs
        request.wait()
        output_storage[0][0] = data


class MPISend(_MPI):
    """Start to send an array; gives the request and the array, which must stay as it is until it is sent."""

    __props__ = ("dest", "tag")
    view_map = {1: [0]}

    def __init__(self, dest, tag):
        self.dest, self.tag = dest, tag

    def __str__(self):
        return "MPISend{dest: %d, tag: %d}" % (self.dest, self.tag)

    def make_node(self, data):
        return Apply(self, [data], [Variable(Generic()), data.type()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = _communicator().Isend(inputs[0], self.dest, self.tag)
        output_storage[1][0] = inputs[0]


class MPISendWait(_MPIWait):
    """Wait until an array has been sent."""

    def make_node(self, request, data):
        return Apply(self, [request, data], [Variable(Generic())])

    def perform(self, node, inputs, output_storage, params=None):
        inputs[0].wait()
        output_storage[0][0] = True


def isend(var, dest, tag):
    """Start to send the tensor `var` to the process number `dest`, as the message `tag`: (request, `var`)."""
    return MPISend(dest, tag)(var)


def send(var, dest, tag):
    """Send the tensor `var` to the process number `dest`, as the message `tag`, and wait until that is done."""
    return MPISendWait(tag)(*isend(var, dest, tag))


def irecv(shape, dtype, source, tag):
    """Start to receive an array of `shape` and `dtype` from the process number `source`, as the message `tag`.

    Returns (request, array); both are to be waited for, as `recv` does.
    """
    return MPIRecv(source, tag, shape, dtype)()


def recv(shape, dtype, source, tag):
    """Receive an array of `shape` and `dtype` from the process number `source`, as the message `tag`: a tensor."""
    return MPIRecvWait(tag)(*irecv(shape, dtype, source, tag))


def mpi_send_wait_key(a):
    """Sorts Apply nodes: starts early, waits late."""
    if not isinstance(a.op, _MPI):
        return 0
    return 1 if isinstance(a.op, _MPIWait) else -1


def mpi_tag_key(a):
    """Sorts Apply nodes of MPI by their tag."""
    return a.op.tag if isinstance(a.op, _MPI) else 0


def _as_comparison(key):
    @functools.wraps(key)
    def compare(a, b):
        return (key(a) > key(b)) - (key(a) < key(b))

    return compare


mpi_keys = (mpi_send_wait_key, mpi_tag_key)
mpi_cmps = mpi_send_wait_cmp, mpi_tag_cmp = tuple([_as_comparison(key) for key in mpi_keys])
