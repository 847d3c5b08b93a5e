"""The network as exporters want it: the same weights and results, laid out for their runtimes."""

from bokehflow.export.lowering.mixers import ChunkedMixer, ChunkedScan, FusedMixer, FusedScan
from bokehflow.export.lowering.network import LoweredNetwork

__all__ = ["ChunkedMixer", "ChunkedScan", "FusedMixer", "FusedScan", "LoweredNetwork"]
