"""How a quantized artifact strays from its source along a video: by frame, place and direction.

Both carry their own state, so that what is lost in one frame goes on into the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.calibration.sample_sources import moving_window
from bokehflow.export import Manifest
from bokehflow.kernels.walks import walking_order
from bokehflow.optics import Lens
from bokehflow.quantize.format import Format, M, as_written
from bokehflow.quantize.layers import SCAN
from bokehflow.runtimes import Session
from bokehflow.runtimes.carried_state import Playback
from bokehflow.runtimes.comparison import decibels, frame_difference, sqnr_db
from bokehflow.scan import DIRECTIONS
from bokehflow.signature import SCAN_STATE
from bokehflow.specs import TOKEN_STRIDE, Size
from bokehflow.temporary import temporary_folder

FRAMES = 10
DRIFT_FRAMES = 100
POSITIONS = 10
"""Parts of a scan, in the order in which it visits them."""
LENS = Lens(focal_length_mm=50.0, f_number=1.8, focus_m=3.0)

Float32 = NDArray[np.float32]
Outputs = dict[str, Float32]


def frame_noise(
    form: Format[M],
    quantized: M,
    original: M,
    manifest: Manifest,
    advance: Callable[[], None],
) -> dict[str, list[dict[str, Any]]]:
    """`frames`, `scans` and `drift` of the record, panning over a photo not calibrated on.

    The first FRAMES frames are compared whole, of the last of them every scan; after them only the
    state is, up to DRIFT_FRAMES.
    """
    frames, drift, scans = [], [], []
    with temporary_folder() as first, temporary_folder() as second:
        sessions = (
            form.open(form.with_scan_outputs(original, original), first),
            as_written(form, form.with_scan_outputs(quantized, original), second),
        )
        for number, (source, test) in enumerate(_pairs(manifest, sessions), start=1):
            drift.append({"frame": number, **_drift(source, test)})
            if number <= FRAMES:
                frames.append({"frame": number, **_differences(source, test)})
            if number == FRAMES:
                scans = _scans(source, test, manifest.network_size)
            advance()
        del sessions
    return {"frames": frames, "scans": scans, "drift": drift}


def _pairs(
    manifest: Manifest, sessions: tuple[Session, Session]
) -> Iterator[tuple[Outputs, Outputs]]:
    playbacks = [Playback(manifest, session) for session in sessions]
    rng = np.random.default_rng(0)
    for frame in moving_window(motorcycle().left, manifest.frame_size, DRIFT_FRAMES, rng):
        source, test = (playback.show(frame.numpy(), LENS) for playback in playbacks)
        yield source, test


def _differences(source: Outputs, test: Outputs) -> dict[str, float]:
    differences = frame_difference(source, test)._asdict()
    return {name: round(value, 2) for name, value in differences.items()}


def _drift(source: Outputs, test: Outputs) -> dict[str, float]:
    before, after = source[SCAN_STATE], test[SCAN_STATE]
    return {
        "source_norm": round(float(np.linalg.norm(before)), 4),
        "norm": round(float(np.linalg.norm(after)), 4),
        "sqnr_db": round(sqnr_db(before, after), 2),
    }


def _scans(source: Outputs, test: Outputs, size: Size) -> list[dict[str, Any]]:
    """Every block's scans, the noisiest first."""
    rows = [
        {"layer": name.removeprefix(SCAN), **_one_scan(source[name], test[name], size)}
        for name in source
        if name.startswith(SCAN)
    ]
    return sorted(rows, key=lambda row: row["sqnr_db"])


def _one_scan(source: Float32, test: Float32, size: Size) -> dict[str, Any]:
    """Noise of one block; both [S, T, 4 x C] in raster order, directions side by side, and maybe a
    1 behind them."""
    signal, noise = (_by_direction_and_token(x) for x in (source, test - source))
    orders = walking_order(size.height // TOKEN_STRIDE, size.width // TOKEN_STRIDE)
    parts = [_parts(*one) for one in zip(signal, noise, orders, strict=True)]
    return {
        "sqnr_db": round(decibels(float(signal.sum()), float(noise.sum())), 2),
        "by_direction": {
            direction: round(decibels(float(signal[i].sum()), float(noise[i].sum())), 2)
            for i, direction in enumerate(DIRECTIONS)
        },
        "by_position": [
            round(decibels(*(sum(part[p][k] for part in parts) for k in (0, 1))), 2)
            for p in range(POSITIONS)
        ],
    }


def _by_direction_and_token(x: Float32) -> NDArray[np.float64]:
    """Power, [4, T], summed over streams and channels; a 1 behind these does not count."""
    tokens, size = x.shape[-2], x.shape[-1] // len(DIRECTIONS)
    scans = x[..., : len(DIRECTIONS) * size].astype(np.float64)
    by_direction = scans.reshape(-1, tokens, len(DIRECTIONS), size)
    return np.asarray(np.square(by_direction).sum(axis=(0, 3)).T)


def _parts(
    signal: NDArray[np.float64], noise: NDArray[np.float64], order: NDArray[np.int32]
) -> list[tuple[float, float]]:
    """Powers in each of POSITIONS parts of one direction's scan, in the order of its visits."""
    return [
        (float(s.sum()), float(n.sum()))
        for s, n in zip(
            np.array_split(signal[order], POSITIONS),
            np.array_split(noise[order], POSITIONS),
            strict=True,
        )
    ]
