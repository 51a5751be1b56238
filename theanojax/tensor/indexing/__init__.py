"""Indexing: slices and what they cover, reading and writing at them and at arrays of integers, on both executors."""
