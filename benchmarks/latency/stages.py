"""The stages of a frame, and what a profile says about them."""

from __future__ import annotations

from collections.abc import Mapping

ENCODER, SCANS, UPSAMPLING, RENDERER = "encoder", "scans", "depth upsampling", "renderer"
UNKNOWN = "not attributed"
STAGES = (ENCODER, SCANS, UPSAMPLING, RENDERER, UNKNOWN)


def stage_of(scope: str) -> str:
    """The stage of a module path.

    Making the frame small is the encoder's. A mixer's submodules are layers, so the encoder's too;
    what it does itself is the scan. The residual refinement is the renderer's: it works on what was
    rendered, and needs no scan.
    """
    parts = scope.split(".")
    if not scope:
        return UNKNOWN
    if parts[0] == "upsample":
        return UPSAMPLING
    if parts[0] == "shrink":
        return ENCODER
    if parts[0] != "network" or parts[1:2] == ["refine"]:
        return RENDERER
    return SCANS if parts[-1] == "scan" else ENCODER


def stage_milliseconds(scopes: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds a frame by stage, each stage named, from milliseconds by module path."""
    totals = dict.fromkeys(STAGES, 0.0)
    for scope, milliseconds in scopes.items():
        totals[stage_of(scope)] += milliseconds
    return totals
