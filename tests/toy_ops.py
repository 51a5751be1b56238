"""Ops without numbers, for tests of what handles graphs as such."""

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import Op
from theanojax.graph.rewriting.pattern import PatternSub
from theanojax.graph.rewriting.walk import in2out
from theanojax.graph.type import Type
from theanojax.graph.variable import Apply, Constant


class Number(Type):
    __props__ = ("kind",)

    def __init__(self, kind="n"):
        self.kind = kind

    def filter(self, data, strict=False, allow_downcast=None):
        return data


class Named(Op):
    """An Op that takes any number of numbers; equal to others of its name."""

    __props__ = ("name",)

    def __init__(self, name, destroy_map=None, view_map=None, kind="n"):
        self.name, self.kind = name, kind
        if destroy_map:
            self.destroy_map = destroy_map
        if view_map:
            self.view_map = view_map

    def make_node(self, *inputs):
        return Apply(self, list(inputs), [Number(self.kind)()])

    def __str__(self):
        return self.name

    def do_constant_folding(self, node):
        return False


op1, op2, op3, op4, op5 = [Named("op%d" % i) for i in range(1, 6)]


def var(name):
    v = Number()(name)
    return v


def const(value):
    return Constant(Number(), value)


def graph(inputs, outputs, **kwargs):
    return FunctionGraph(inputs, outputs, **kwargs)


def text(fgraph):
    return str(fgraph)


def pattern(in_pattern, out_pattern, **kwargs):
    return in2out(PatternSub(in_pattern, out_pattern, **kwargs), name="pattern")
