"""Tests for a process whose device is a GPU: ``device=cuda``, or CPU devices that stand for GPUs.

tests/test_devices.py has them run with such CPU devices, benchmarks/gpu.sh on a GPU.
"""
