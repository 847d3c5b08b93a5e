"""Weights on disk: one safetensors file whose metadata says what they are, hash included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor

from bokehflow.atomic import atomic_file
from bokehflow.errors import BokehFlowError, WeightsError
from bokehflow.optics import require_field_of_view
from bokehflow.path_text import require_text
from bokehflow.specs import find_variant
from bokehflow.typed_json import typed

METADATA_KEY = "bokehflow"
CANONICAL_FOV_DEG = 60.0
"""Horizontal field of view for which a network's inverse depth is metric, unless it says other."""


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """What a set of weights is.

    trained: False for the seeded initial weights. sha256: of the tensors, see `weights_sha256`.
    canonical_fov_deg: the horizontal field of view at which the inverse depth is metric.
    Raises UnknownNameError for a variant that does not exist, LensError for no field of view.
    """

    variant: str
    trained: bool
    sha256: str
    canonical_fov_deg: float = CANONICAL_FOV_DEG

    def __post_init__(self) -> None:
        find_variant(self.variant)
        require_field_of_view("canonical_fov_deg", self.canonical_fov_deg)


def weights_sha256(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of all tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_weights(
    path: Path, tensors: Mapping[str, Tensor], variant: str, *, trained: bool, fov_deg: float
) -> WeightsInfo:
    """Write weights whole or not at all. Raises OutputError where the place cannot be written."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    info = WeightsInfo(variant, trained, weights_sha256(kept), fov_deg)
    with atomic_file(path) as hidden:
        # Written by us: safetensors has an error of its own for a full disk.
        hidden.write_bytes(serialise(kept, {METADATA_KEY: json.dumps(asdict(info))}))
    return info


def read_weights(path: Path, variant: str) -> tuple[dict[str, Tensor], WeightsInfo]:
    """The tensors of a weights file and what they are, checked against their own hash.

    Raises WeightsError for a file that is missing, damaged, not BokehFlow's or another variant's.
    """
    if not path.is_file():
        raise WeightsError(f"no weights file at {path}", remedy="check the path")
    require_text(path, WeightsError)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is not a readable safetensors file ({error})",
            remedy="copy or download it again",
        ) from error
    info = _parse_info(path, metadata)
    if info.variant != variant:
        raise WeightsError(
            f"{path} holds weights of {info.variant!r}",
            f"weights of {variant!r}",
            f"choose the variant {info.variant}, or other weights",
        )
    found = weights_sha256(tensors)
    if found != info.sha256:
        raise WeightsError(
            f"the tensors of {path} have SHA-256 {found[:12]}...",
            f"{info.sha256[:12]}..., as the file itself says",
            "the file is damaged: copy or download it again",
        )
    odd = sorted(name for name, tensor in tensors.items() if not tensor.is_floating_point())
    if odd:
        raise WeightsError(f"{odd[0]} of {path} is {tensors[odd[0]].dtype}", "floating point")
    return tensors, info


def _parse_info(path: Path, metadata: Mapping[str, str]) -> WeightsInfo:
    expected = "a file written by BokehFlow"
    try:
        facts = json.loads(metadata[METADATA_KEY])
    except (KeyError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} carries no BokehFlow metadata", expected) from error
    try:
        info: WeightsInfo = typed(WeightsInfo, facts, METADATA_KEY)
    except BokehFlowError as error:
        raise WeightsError(
            f"the metadata of {path} do not fit: {error.found}", error.expected or expected
        ) from error
    return info
