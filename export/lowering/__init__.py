"""The network as exporters want it: the same weights and results, laid out for their runtimes."""

from bokehflow.export.lowering.blocks import LoweredBlock
from bokehflow.export.lowering.mixers import FusedMixer, FusedScan
from bokehflow.export.lowering.network import LoweredNetwork

__all__ = ["FusedMixer", "FusedScan", "LoweredBlock", "LoweredNetwork"]
