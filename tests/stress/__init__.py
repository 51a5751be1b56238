"""What must hold whatever threads, signals and failures do: ``python -m tests.stress --seconds 60 --seed 1``."""
