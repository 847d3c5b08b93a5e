from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bokehflow.errors import MediaError, NumericalError, OutputError
from bokehflow.media.depth_file import read_depth, write_depth
from tests.media.samples import names_in

HEIGHT, WIDTH = 5, 7


def _metres() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.linspace(0.25, 60, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)


def test_npy_round_trip_is_exact_and_keeps_infinity(tmp_path: Path) -> None:
    depth = _metres()
    depth[0, 0] = np.inf
    tensor = torch.from_numpy(depth)[None, None]
    assert write_depth(tmp_path / "d.npy", tensor) == 0
    assert torch.equal(read_depth(tmp_path / "d.npy", HEIGHT, WIDTH), tensor)


def test_npy_in_the_other_byte_order_is_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", _metres().astype(">f4"))
    assert np.array_equal(read_depth(tmp_path / "d.npy", HEIGHT, WIDTH)[0, 0].numpy(), _metres())


def test_png_holds_millimetres_and_counts_what_lies_beyond(tmp_path: Path) -> None:
    depth = _metres()
    depth[0, :3] = (66, 1000, np.inf)
    assert write_depth(tmp_path / "d.png", torch.from_numpy(depth)[None, None]) == 3
    stored = np.asarray(Image.open(tmp_path / "d.png"))
    assert stored.dtype == np.uint16
    assert stored[0, :3].tolist() == [65535] * 3
    read_back = read_depth(tmp_path / "d.png", HEIGHT, WIDTH)[0, 0].numpy()
    # Half a millimetre is what rounding may cost.
    assert np.abs(read_back[1:] - depth[1:]).max() <= 0.0005 + 1e-5


def _npy(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.with_suffix(".npy").open("wb") as stream:
            np.save(stream, change(_metres()))

    return write


def _with(value: float) -> Callable[[Path], None]:
    def put(depth: np.ndarray) -> np.ndarray:
        depth[2, 3] = value
        return depth

    return _npy(put)


def _cut_npy(path: Path) -> None:
    _npy(lambda depth: depth)(path)
    npy = path.with_suffix(".npy")
    npy.write_bytes(npy.read_bytes()[:-8])


def _header(found: bytes, put: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        _npy(lambda depth: depth)(path)
        npy = path.with_suffix(".npy")
        npy.write_bytes(npy.read_bytes().replace(found, put, 1))

    return write


def _png(mode: str) -> Callable[[Path], None]:
    return lambda path: Image.new(mode, (WIDTH, HEIGHT), 1).save(path.with_suffix(".png"))


def _cut_png(path: Path) -> None:
    noise = np.random.default_rng(0).integers(1, 65535, (HEIGHT, WIDTH)).astype(np.uint16)
    Image.fromarray(noise).save(path.with_suffix(".png"))
    content = path.with_suffix(".png").read_bytes()
    path.with_suffix(".png").write_bytes(content[: len(content) - 40])


BAD_DEPTHS = {
    "other size": (".npy", _npy(lambda d: d.T.copy()), "7x5 pixels; expected 5x7"),
    "three dimensions": (".npy", _npy(lambda d: d[None]), "1x5x7"),
    "NaN": (".npy", _with(np.nan), "NaN at 1 of 35"),
    "zero": (".npy", _with(0.0), "zero or negative at 1 of 35"),
    "negative": (".npy", _with(-1.0), "zero or negative"),
    "next to nothing": (".npy", _with(1e-40), "under 1e-06 m"),
    "a single number": (".npy", _npy(lambda _: np.float32(2.0)), "no rows or columns"),
    "minus infinity": (".npy", _with(-np.inf), "zero or negative"),
    "float64": (".npy", _npy(lambda d: d.astype(np.float64)), "float64; expected float32"),
    "integers": (".npy", _npy(lambda d: d.astype(np.int32)), "int32; expected float32"),
    "objects": (".npy", _npy(lambda d: d.astype(object)), "cannot be read"),
    "truncated npy": (".npy", _cut_npy, "cannot be read"),
    "text as npy": (".npy", lambda p: p.with_suffix(".npy").write_text("hi"), "cannot be read"),
    "empty npy": (".npy", lambda p: p.with_suffix(".npy").touch(), "cannot be read"),
    "half a header": (".npy", _header(b"}", b" "), "cannot be read"),
    "negative size": (".npy", _header(b"(5,", b"(-5"), "cannot be read"),
    "half an archive": (
        ".npy",
        lambda p: p.with_suffix(".npy").write_bytes(b"PK\x03\x04" + bytes(99)),
        "archive",
    ),
    "archive as npy": (".npy", lambda p: _savez(p.with_suffix(".npy")), "archive"),
    "8-bit png": (".png", _png("L"), "L picture; expected 16-bit"),
    "colour png": (".png", _png("RGB"), "RGB picture"),
    "zero in png": (".png", lambda p: _png("I;16")(p) or _zero_png(p), "zero or negative"),
    "truncated png": (".png", _cut_png, "cannot be read"),
    "text as png": (".png", lambda p: p.with_suffix(".png").write_text("hi"), "cannot be read"),
    "other suffix": (".tiff", lambda _: None, "suffix"),
    "missing npy": (".npy", lambda _: None, "does not exist"),
    "missing png": (".png", lambda _: None, "does not exist"),
}


def _savez(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, _metres())


def _zero_png(path: Path) -> None:
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint16)).save(path.with_suffix(".png"))


@pytest.mark.parametrize("kind", BAD_DEPTHS)
def test_bad_depth_maps_are_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    suffix, make, reason = BAD_DEPTHS[kind]
    make(tmp_path / "d")
    with pytest.raises(MediaError, match=reason):
        read_depth((tmp_path / "d").with_suffix(suffix), HEIGHT, WIDTH)


def test_bad_outputs_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    depth = torch.ones(1, 1, HEIGHT, WIDTH)
    with pytest.raises(OutputError, match="suffix"):
        write_depth(tmp_path / "d.exr", depth)
    with pytest.raises(NumericalError):
        write_depth(tmp_path / "d.npy", depth * float("nan"))
    assert names_in(tmp_path) == []
