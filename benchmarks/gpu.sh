#!/bin/sh
# What a machine with a GPU tells, in less than eight minutes: benchmarks/gpu.sh [file.json]
#
# Needs Python 3.11 or later (PYTHON names it) and NVIDIA's driver. A Python whose jax finds a GPU is used as it is; else an
# environment is made in .venvs/gpu, with jax[cuda13] (JAX_EXTRA names another extra) from PyPI; that takes minutes of its own.
set -e
cd "$(dirname "$0")/.."
out=${1:-gpu.json}
python=${PYTHON:-python3}
finds_gpu='import jax, sys; sys.exit(not any(d.platform == "gpu" for d in jax.devices()))'
if ! "$python" -c "$finds_gpu" >/dev/null 2>&1; then
    if ! .venvs/gpu/bin/python -c "$finds_gpu" >/dev/null 2>&1; then
        "$python" -m venv .venvs/gpu
        .venvs/gpu/bin/python -m pip install --quiet ".[testing]" "jax[${JAX_EXTRA:-cuda13}]"
    fi
    python=.venvs/gpu/bin/python
fi
exec "$python" -m benchmarks.gpu --out "$out"
