"""`theano.gpuarray.dnn.RNNBlock`: cuDNN's recurrent networks as loops, parameters laid out in a vector as cuDNN's.

First come the matrices, layer by layer: of each gate that for the layer's input, then of each that for its state,
unit after unit. The biases follow in the same order, two of each gate. Of a bidirectional network the forward half of a
layer comes before the backward one, and the next layer takes both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theanojax import tensor as T
from theanojax.graph.shared import SharedVariable
from theanojax.legacy.dnn import dnn_present
from theanojax.scan import scan
from theanojax.tensor.nnet import relu, sigmoid

GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}


class RNNBlock:
    """A recurrent network of several layers.

    Parameters
    ----------
    dtype : of all numbers
    hidden_size, num_layers : ints
    rnn_mode : "rnn_relu", "rnn_tanh", "lstm" or "gru"
    input_mode : "linear", or "skip": the first layer adds its input, which has `hidden_size` numbers, to each gate
    direction_mode : "unidirectional" or "bidirectional"

    RuntimeError if cuDNN is not available, ValueError for another mode.
    """

    def __init__(
        self,
        dtype: str,
        hidden_size: int,
        num_layers: int,
        rnn_mode: str,
        input_mode: str = "linear",
        direction_mode: str = "unidirectional",
        context_name: str | None = None,
    ):
        dnn_present.require()
        directions = {"unidirectional": 1, "bidirectional": 2}
        if rnn_mode not in GATES or input_mode not in ("linear", "skip") or direction_mode not in directions:
            raise ValueError(f"cuDNN has no {direction_mode} {rnn_mode} with {input_mode} input")
        self.dtype, self.hidden, self.layers, self.rnn_mode = dtype, hidden_size, num_layers, rnn_mode
        self.skips, self.directions = input_mode == "skip", directions[direction_mode]
        self.gates, self.context_name = GATES[rnn_mode], context_name

    def _input_of(self, half: int, input_size: Any) -> Any:
        """How many numbers the half layer `half` takes; 0 if they are not multiplied by anything."""
        if half >= self.directions:
            return self.hidden * self.directions
        return 0 if self.skips else input_size

    def _places(self, half: int, input_size: Any) -> list[tuple[Any, Any, Any]]:
        """(where its matrix begins, how many inputs that has, where its bias begins) of each gate of `half`.

        Those for the input come before those for the state.
        """
        sizes = [self._input_of(k, input_size) for k in range(self.layers * self.directions)]
        n, g = self.hidden, self.gates
        ends = [sum((n * g * (size + n) for size in sizes[:k]), 0) for k in range(len(sizes) + 1)]
        at, bias = ends[half], ends[-1] + half * 2 * g * n
        places = [(at + k * n * sizes[half], sizes[half], bias + k * n) for k in range(g)]
        at, bias = at + g * n * sizes[half], bias + g * n
        return places + [(at + k * n * n, n, bias + k * n) for k in range(g)]

    def get_param_size(self, input_size: Any) -> int:
        """How many numbers the parameters are for inputs of `input_size`, (rows of a batch, numbers of a row)."""
        at, size, bias = self._places(self.layers * self.directions - 1, int(input_size[1]))[-1]
        return int(bias + self.hidden)

    def split_params(self, w: SharedVariable, layer: int, input_size: Any) -> list[np.ndarray]:
        """The matrix and the bias of each gate of a `layer`: views of the value of `w`, which may be written to.

        Parameters
        ----------
        w : shared variable with all parameters
        layer : int; of a bidirectional network twice the layer, and one more for its backward half
        input_size : as of `get_param_size`

        Gates are in cuDNN's order, those for the input first: input, forget, new memory and output of "lstm"; reset,
        update and new memory of "gru". TypeError if `w` is no shared variable.
        """
        if not isinstance(w, SharedVariable):
            raise TypeError("split_params only works on gpuarray shared variables")
        value, n = w.get_value(borrow=True), self.hidden
        parts = []
        for at, size, bias in self._places(layer, int(input_size[1])):
            parts += [value[at : at + n * size].reshape(n, size).T, value[bias : bias + n]]
        return parts

    def apply(self, w: Any, x: Any, hx: Any, cx: Any = None) -> list[Any]:
        """The states of the last layer at each step, and the last ones of all layers; of "lstm" also its cells.

        Parameters
        ----------
        w : vector with all parameters
        x : (steps, rows, numbers of a row)
        hx, cx : (layers, rows, `hidden_size`), the states and cells to begin with; halves of layers count as layers

        Returns [y, hy] or [y, hy, cy].
        """
        w, y, hx = map(T.as_tensor_variable, (w, x, hx))
        cx = None if cx is None else T.as_tensor_variable(cx)
        input_size, last = y.shape[2], []
        for layer in range(self.layers):
            halves = []
            for direction in range(self.directions):
                half = layer * self.directions + direction
                states = self._run(w, y, hx, cx, half, input_size, direction == 1)
                last.append([s[0 if direction == 1 else -1] for s in states])
                halves.append(states[0])
            y = halves[0] if len(halves) == 1 else T.concatenate(halves, axis=2)
        return [y, *(T.stack(values) for values in zip(*last))]

    def _run(self, w: Any, x: Any, hx: Any, cx: Any, half: int, input_size: Any, backward: bool) -> list[Any]:
        n, g = self.hidden, self.gates
        places = self._places(half, input_size)
        matrices = [None if size == 0 else w[at : at + n * size].reshape((n, size)) for at, size, _ in places]
        biases = [w[bias : bias + n] for _, _, bias in places]
        given = T.concatenate([(x if m is None else T.dot(x, m.T)) + b for m, b in zip(matrices[:g], biases)], axis=2)
        turned, bias = T.concatenate(matrices[g:], axis=0).T, T.concatenate(biases[g:])

        def step(given: Any, *rest: Any) -> Any:
            states, (turned, bias) = rest[:-2], rest[-2:]
            fed = T.dot(states[0], turned) + bias
            return _STEPS[self.rnn_mode](
                *[[v[:, k * n : (k + 1) * n] for k in range(g)] for v in (given, fed)], *states
            )

        first = [hx[half], cx[half]] if self.rnn_mode == "lstm" else [hx[half]]
        first = [T.unbroadcast(v, 0, 1) for v in first]
        states, _ = scan(step, given, first, [turned, bias], go_backwards=backward)
        states = states if isinstance(states, list) else [states]
        return [s[::-1] for s in states] if backward else states


def _lstm(x: Any, h: Any, state: Any, cell: Any) -> Any:
    i, f, o = (sigmoid(x[k] + h[k]) for k in (0, 1, 3))
    cell = f * cell + i * T.tanh(x[2] + h[2])
    return o * T.tanh(cell), cell


def _gru(x: Any, h: Any, state: Any) -> Any:
    r, i = (sigmoid(x[k] + h[k]) for k in (0, 1))
    return (1 - i) * T.tanh(x[2] + r * h[2]) + i * state


_STEPS: dict[str, Any] = {
    "rnn_relu": lambda x, h, state: relu(x[0] + h[0]),
    "rnn_tanh": lambda x, h, state: T.tanh(x[0] + h[0]),
    "lstm": _lstm,
    "gru": _gru,
}
