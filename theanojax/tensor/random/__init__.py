"""Random numbers: numpy's generator and MRG31k3p, streams of both, and draws from uniform numbers."""
