"""Draws calibration samples: runs of frames through the network, its state carried along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bokehflow.atomic import make_folder
from bokehflow.calibration.data.hashing import file_sha256
from bokehflow.calibration.sample_folder import (
    SAMPLES_PREFIX,
    FoundMaterial,
    find_material,
    material_files,
)
from bokehflow.calibration.sample_lenses import calibration_lenses
from bokehflow.calibration.sample_runs import RUN_FRAMES, Run
from bokehflow.calibration.sample_set import SampleSet, load_samples
from bokehflow.calibration.sample_sources import (
    PACKAGED_SCENES,
    Item,
    packaged_photos,
    share_out,
    synthetic_scenes,
)
from bokehflow.calibration.sample_statistics import Observer, state_growth, state_norms
from bokehflow.defaults import CALIBRATION_SAMPLES
from bokehflow.errors import InputError, UsageError
from bokehflow.layers.resample import Resample
from bokehflow.layers.segments import TemporalConfig
from bokehflow.layers.temporal import State
from bokehflow.network import Network
from bokehflow.optics import Lens
from bokehflow.specs import Size

PACKAGED, SYNTHETIC = "packaged", "synthetic"
"""Names of the sources that need no files: photos inside scikit-image with layered scenes beside
them, and layered scenes alone."""
HELD_OUT_SEED = 90_000
"""Of the scenes on which quantized artifacts are judged: nothing is calibrated with it."""
_VERSION = 3
"""To be raised when the same request gives other samples: stored ones are not used again then."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Which samples. source: PACKAGED, SYNTHETIC, or the path of a folder, photo, clip or video.

    Raises UsageError for fewer than one sample, and for HELD_OUT_SEED.
    """

    frame_size: Size
    network_size: Size
    source: str = PACKAGED
    count: int = CALIBRATION_SAMPLES
    seed: int = 0
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError(f"{self.count} samples", "at least 1")
        if self.seed == HELD_OUT_SEED:
            raise UsageError(
                f"calibration with seed {self.seed}, of the scenes that results are judged on",
                "any other",
            )


def stored_samples(
    request: SampleRequest,
    network: Network,
    weights_sha256: str,
    folder: Path,
    advance: Callable[[], None],
) -> tuple[SampleSet, Path]:
    """The samples of a request: from `folder` where they lie there, else made and saved.

    Raises what `make_samples` and `sample_set.load_samples` raise, and OutputError.
    """
    material = _material(request)
    facts = {**asdict(request), "weights": weights_sha256, "version": _VERSION}
    facts["content"] = _content(request)
    if network.temporal != TemporalConfig():
        facts["temporal"] = asdict(network.temporal)
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    path = folder / f"{SAMPLES_PREFIX}{key[:12]}.npz"
    if path.exists():
        return load_samples(path), path
    samples = make_samples(request, network, material, advance)
    make_folder(folder)
    samples.save(path)
    return samples, path


def make_samples(
    request: SampleRequest,
    network: Network,
    material: FoundMaterial,
    advance: Callable[[], None],
) -> SampleSet:
    """Run the network over frames of the material and keep what went in.

    network: in float32 on the CPU, with any form of the scan. advance: called after every sample.
    Raises UsageError where the material gives fewer samples than asked, InputError for what cannot
    be read.
    """
    rng = np.random.default_rng(request.seed)
    lenses = calibration_lenses(request.count, rng)
    runs = _runs(request, material.items, rng)
    observer = Observer(network)
    with torch.inference_mode():
        drawn = list(_samples(request, network, observer, runs, lenses, advance))
    return SampleSet(
        np.stack([sample.frame for sample in drawn]),
        np.array([lens.as_tuple() for lens in lenses], dtype=np.float32),
        {
            name: np.concatenate([getattr(sample.state, name).numpy() for sample in drawn])
            for name in State._fields
        },
        {
            "source": request.source,
            "seed": request.seed,
            "origins": [{"from": sample.origin, "frame": sample.step} for sample in drawn],
            "left_out": list(material.unusable),
            "statistics": {
                **observer.facts(),
                "state_growth": state_growth([(s.step, s.norms) for s in drawn]),
            },
        },
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    """step: the frame's number within its run, from 1. norms: of the state after it."""

    frame: np.ndarray
    state: State
    origin: str
    step: int
    norms: list[float]


def _samples(
    request: SampleRequest,
    network: Network,
    observer: Observer,
    runs: Iterator[Run],
    lenses: Sequence[Lens],
    advance: Callable[[], None],
) -> Iterator[_Sample]:
    """One sample a lens. Frames before it that are none are seen through the same lens."""
    shrink = Resample(request.frame_size, request.network_size)
    number = 0
    for run in runs:
        state = network.first_state()
        for step, frame in enumerate(run.frames, start=1):
            sampled = step in run.steps
            pixels = torch.round(frame * 255.0)
            lens = torch.tensor([lenses[number].as_tuple()])
            for _ in range(network.temporal.first_runs - 1 if step == 1 else 0):
                state = network(shrink(pixels / 255.0), lens, state).next_state
            with observer.watching() if sampled else nullcontext():
                output = network(shrink(pixels / 255.0), lens, state)
            before, state = state, output.next_state
            if not sampled:
                continue
            yield _Sample(
                pixels[0].permute(1, 2, 0).numpy().astype(np.uint8),
                before,
                run.origin,
                step,
                state_norms(state.scan),
            )
            number += 1
            advance()


def _runs(request: SampleRequest, items: Sequence[Item], rng: np.random.Generator) -> Iterator[Run]:
    """Of `request.count` samples, from as many items as leave RUN_FRAMES to each."""
    if sum(item.capacity for item in items) < request.count:
        total = sum(item.capacity for item in items)
        raise UsageError(
            f"{request.count} calibration samples from {request.source}",
            f"at most {total}, which is all that it gives",
            f"ask for --samples {total}, or {_more(request.source)}",
        )
    order = rng.permutation(len(items))
    wanted = max(1, request.count // RUN_FRAMES)
    chosen: list[Item] = []
    for index in order:
        if len(chosen) >= wanted and sum(item.capacity for item in chosen) >= request.count:
            break
        chosen.append(items[index])
    drawn = 0
    shares = share_out(request.count, [item.capacity for item in chosen])
    for item, share in zip(chosen, shares, strict=True):
        yield from item.runs(share, request.frame_size, rng, drawn)
        drawn += share


def _more(source: str) -> str:
    """How to have more material."""
    if source in (PACKAGED, SYNTHETIC):
        return "name a folder of your own photos or videos"
    return "add photos or videos"


def _material(request: SampleRequest) -> FoundMaterial:
    if request.source == PACKAGED:
        return FoundMaterial((*packaged_photos(), *synthetic_scenes(request.seed, PACKAGED_SCENES)))
    if request.source == SYNTHETIC:
        return FoundMaterial(tuple(synthetic_scenes(request.seed)))
    return find_material(Path(request.source), skip_bad=request.skip_bad)


def _content(request: SampleRequest) -> Any:
    """What the pixels of a source depend on besides its name."""
    if request.source in (PACKAGED, SYNTHETIC):
        return version("scikit-image")
    files = material_files(Path(request.source))
    return [[str(file), _digest(file, request.skip_bad)] for file in files]


def _digest(file: Path, skip_bad: bool) -> str | None:
    """A file's SHA-256; None for one that may not be read and is left out."""
    try:
        return file_sha256(file)
    except InputError:
        if skip_bad:
            return None
        raise
