"""Where the arrays of one function lie: jax's shardings for what the user has said."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from theanojax.graph.placement import PART, Layout, Placement
from theanojax.runtime.parallel.namespace import DividedNamespace

if TYPE_CHECKING:
    from theanojax.graph.variable import Variable
    from theanojax.runtime.hints import Shape
    from theanojax.runtime.xla.namespace import Guarding


@functools.cache
def mesh_of(layout: Layout) -> Mesh:
    """The devices of `layout`; ValueError if there are too few."""
    devices = jax.devices()
    sizes = {name: n for name, n in layout.axes}
    known = int(np.prod([n for n in sizes.values() if n is not None], dtype=int))
    sizes = {name: max(1, len(devices) // known) if n is None else n for name, n in sizes.items()}
    total = int(np.prod(list(sizes.values())))
    if total > len(devices):
        there = "there is 1 device" if len(devices) == 1 else "there are %d devices" % len(devices)
        raise ValueError("parallel asks for %s, and %s%s" % (_sized(sizes), there, _more(total)))
    if total < len(devices) and jax.process_count() > 1:
        raise ValueError(
            "parallel asks for %s; where there are several processes it has to be all of the %d devices"
            % (_sized(sizes), len(devices))
        )
    mesh = Mesh(np.array(devices[:total]).reshape(tuple(sizes.values())), tuple(sizes))
    if layout.feed == PART and jax.process_count() > 1 and mesh.shape[layout.names[0]] % jax.process_count():
        raise ValueError(
            "each process is to give a part of the batch, but batches are split into %d over %d processes: have each "
            "give the whole, by feed='whole'" % (mesh.shape[layout.names[0]], jax.process_count())
        )
    return mesh


def _more(total: int) -> str:
    """How a CPU gets `total` devices, where it is all that there is."""
    flag = ": XLA_FLAGS=--xla_force_host_platform_device_count=%d makes as many of the CPU" % total
    return flag if jax.default_backend() == "cpu" and jax.process_count() == 1 else ""


def _sized(sizes: Mapping[str, int]) -> str:
    return "%d devices (%s)" % (np.prod(list(sizes.values())), ", ".join("%s: %d" % item for item in sizes.items()))


def sharding_of(placement: Placement, shape: Shape, what: object) -> NamedSharding:
    """The sharding of an array of this shape; a batch that cannot be divided is whole on each device.

    ValueError where another array cannot be, or no axis of devices has the name; `what` is what errors call the array.
    """
    mesh = mesh_of(placement.layout)
    for name, length in zip(placement.spec, shape):
        if name is None:
            continue
        if name not in mesh.shape:
            raise ValueError(
                "%s is split over the devices %r; the function has %s" % (what, name, _sized(dict(mesh.shape)))
            )
        if length % mesh.shape[name] or not length:
            if placement.batch:
                return NamedSharding(mesh, PartitionSpec())
            raise ValueError(
                "%s, of shape %s, cannot be split evenly over the %d devices %r; fill it up to a multiple"
                % (what, tuple(shape), mesh.shape[name], name)
            )
    return NamedSharding(mesh, PartitionSpec(*placement.spec))


class Arrangement:
    """What tracing and compiling a function have to know of its devices.

    Attributes
    ----------
    mesh : jax.sharding.Mesh
    placements : input -> Placement, of those that have one.
    targets : the inputs that are updated, in the order of the updates.
    """

    def __init__(
        self, layout: Layout, inputs: Sequence[Variable], placements: Sequence[Placement | None], targets: Sequence[int]
    ) -> None:
        self.layout, self.mesh = layout, mesh_of(layout)
        self.placements = {v: p for v, p in zip(inputs, placements) if p is not None}
        self.targets = [inputs[i] for i in targets]
        self.everywhere = NamedSharding(self.mesh, PartitionSpec())
        self.several = jax.process_count() > 1

    def namespace(self, context: Guarding) -> DividedNamespace:
        """The array namespace for tracing in `context`."""
        return DividedNamespace(context, self.everywhere)

    def of_input(self, v: Variable, shape: Shape) -> NamedSharding | None:
        """The sharding with which an input arrives; None where jax decides."""
        placement = self.placements.get(v)
        return None if placement is None else sharding_of(placement, shape, v)

    def arriving(self, v: Variable, like: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        """The input `v` as jax.jit sees it, with the shape and dtype of `like`."""
        return jax.ShapeDtypeStruct(like.shape, like.dtype, sharding=self.of_input(v, like.shape))

    def of_results(
        self, results: Sequence[jax.ShapeDtypeStruct], update_of: Sequence[int | None]
    ) -> tuple[NamedSharding, ...]:
        """The shardings of what a stage returns: updates lie as what they replace, all else is whole on each device."""
        places = [*update_of, *[None] * (len(results) - len(update_of))]
        return tuple(
            (None if k is None else self.of_input(self.targets[k], out.shape)) or self.everywhere
            for out, k in zip(results, places)
        )

    def __str__(self) -> str:
        batches: list[str] = []
        split: list[str] = []
        for v, placement in self.placements.items():
            if any(placement.spec):
                (batches if placement.batch else split).append("%s by %s" % (v, placement))
        lines = ["on %s" % _sized(dict(self.mesh.shape))]
        if self.several:
            lines.append("in %d processes, of which this is number %d" % (jax.process_count(), jax.process_index()))
        lines += ["%s: %s" % line for line in (("batches", ", ".join(batches)), ("split", ", ".join(split))) if line[1]]
        return "\n   ".join([*lines, "all else is whole on each"])
