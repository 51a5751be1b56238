"""Graphs as pages to look at in a browser."""

from theanojax.d3viz.d3viz import d3viz as d3viz, d3write as d3write
