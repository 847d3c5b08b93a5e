"""The gated delta scan: the truth, its chunked form, and both over a feature map."""

from bokehflow.scan.choice import SCAN_FORMS, ScanConfig, build_projected_scan, build_scan
from bokehflow.scan.chunk import chunk_gated_delta
from bokehflow.scan.directions import DIRECTIONS, chunk_scan_2d, naive_scan_2d
from bokehflow.scan.naive import naive_gated_delta
from bokehflow.scan.projected import KEY_EPSILON, ProjectedScan, Scan2d
from bokehflow.scan.transitions import INTER_CHUNK_SCHEMES, InterChunk

__all__ = [
    "DIRECTIONS",
    "INTER_CHUNK_SCHEMES",
    "KEY_EPSILON",
    "SCAN_FORMS",
    "InterChunk",
    "ProjectedScan",
    "Scan2d",
    "ScanConfig",
    "build_projected_scan",
    "build_scan",
    "chunk_gated_delta",
    "chunk_scan_2d",
    "naive_gated_delta",
    "naive_scan_2d",
]
