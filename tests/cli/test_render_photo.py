from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from bokehflow.media import read_depth, read_photo
from bokehflow.optics import Lens
from bokehflow.rendering import render
from tests.cli.runner import Bfx
from tests.media.samples import gradient, names_in

HEIGHT, WIDTH = 45, 61
EIGHT_BIT_STEP = 1 / 255


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo, and its depth: a near block in the middle of a far wall."""
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(tmp_path / "a.png")
    depth = np.full((HEIGHT, WIDTH), 6.0, dtype=np.float32)
    depth[15:30, 20:40] = 1.25
    np.save(tmp_path / "a.npy", depth)
    return tmp_path


def test_the_picture_is_that_of_the_renderer(bfx: Bfx, folder: Path) -> None:
    completed = bfx(
        "render", folder / "a.png", "--depth", folder / "a.npy", "-o", folder / "b.png",
        "--f-number", 2.8, "--focal-length-mm", 85, "--focus-m", 1.25, "--quality", "mobile",
        "--json",
    )  # fmt: skip
    assert completed.exit_code == 0, completed.stderr
    expected = render(
        read_photo(folder / "a.png"),
        read_depth(folder / "a.npy", HEIGHT, WIDTH),
        Lens(85.0, 2.8, 1.25),
        quality="mobile",
    )
    assert torch.allclose(read_photo(folder / "b.png"), expected, atol=EIGHT_BIT_STEP / 2 + 1e-6)
    facts = completed.document
    assert (facts["height"], facts["width"], facts["frames"]) == (HEIGHT, WIDTH, 1)
    assert facts["lens"] == {
        "focal_length_mm": 85.0, "f_number": 2.8, "focus_m": 1.25, "sensor_width_mm": 36.0,
    }  # fmt: skip
    assert (facts["quality"], facts["depth_from"]) == ("mobile", "file")


@pytest.mark.parametrize(
    ("options", "focus_m", "rule"),
    [
        ([], 1.25, "autofocus"),
        (["--autofocus"], 1.25, "autofocus"),
        (["--focus-point", "2,3"], 6.0, "point"),
        (["--focus-point", "50%,50%"], 1.25, "point"),
        (["--focus-m", "3"], 3.0, "given"),
    ],
    ids=["default", "autofocus", "pixels", "percent", "distance"],
)
def test_focus(bfx: Bfx, folder: Path, options: list[str], focus_m: float, rule: str) -> None:
    completed = bfx("render", folder / "a.png", "--depth", folder / "a.npy", "--json", *options)
    assert completed.document["lens"]["focus_m"] == focus_m
    assert completed.document["focus_rule"] == rule


def test_default_output_and_quality(bfx: Bfx, folder: Path) -> None:
    completed = bfx("render", folder / "a.png", "--depth", folder / "a.npy")
    assert completed.exit_code == 0
    assert names_in(folder) == ["a.npy", "a.png", "a_bokeh.png"]
    assert "a_bokeh.png" in completed.stdout
    assert "best" in completed.stdout
    assert completed.stderr == ""


def test_a_format_that_is_not_written_becomes_png(bfx: Bfx, folder: Path) -> None:
    Image.open(folder / "a.png").save(folder / "a.tif")
    for name in ("a.tif", "a.png"):
        assert bfx("render", folder / name, "--depth", folder / "a.npy").exit_code == 0
    assert names_in(folder) == ["a.npy", "a.png", "a.tif", "a.tif_bokeh.png", "a_bokeh.png"]


def test_depth_and_comparison_are_written_too(bfx: Bfx, folder: Path) -> None:
    completed = bfx(
        "render", folder / "a.png", "--depth", folder / "a.npy", "-o", folder / "b.jpg",
        "--depth-out", folder / "d.png", "--side-by-side", folder / "c.png",
    )  # fmt: skip
    assert completed.exit_code == 0, completed.stderr
    depth = read_depth(folder / "d.png", HEIGHT, WIDTH)
    assert torch.equal(depth, read_depth(folder / "a.npy", HEIGHT, WIDTH))
    both = read_photo(folder / "c.png")
    assert both.shape[2] == HEIGHT
    assert both.shape[3] > 2 * WIDTH


def test_depth_beyond_a_png_is_told(bfx: Bfx, folder: Path) -> None:
    depth = np.load(folder / "a.npy")
    depth[:2] = np.inf
    np.save(folder / "a.npy", depth)
    completed = bfx(
        "render", folder / "a.png", "--depth", folder / "a.npy", "--depth-out", folder / "d.png"
    )
    assert completed.exit_code == 0
    assert completed.stderr.startswith(f"warning: {2 * WIDTH} depth pixels lie beyond 65.535 m")


def _with_exif(folder: Path, tags: dict[str, float], orientation: int = 1) -> Path:
    picture = Image.open(folder / "a.png")
    exif = picture.getexif()
    exif[ExifTags.Base.Orientation] = orientation
    for name, value in tags.items():
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base[name]] = value
    picture.save(folder / "e.png", exif=exif)
    return folder / "e.png"


def test_the_exif_lens_is_used_only_when_asked(bfx: Bfx, folder: Path) -> None:
    tags = {"FocalLength": 6.0, "FNumber": 1.5, "FocalLengthIn35mmFilm": 24}
    photo = _with_exif(folder, tags)
    unasked = bfx("render", photo, "--depth", folder / "a.npy", "--json").document["lens"]
    assert (unasked["focal_length_mm"], unasked["f_number"]) == (50.0, 1.8)
    asked = bfx(
        "render", photo, "--depth", folder / "a.npy", "--lens-from-exif", "--f-number", 1.2,
        "--json",
    ).document["lens"]  # fmt: skip
    assert (asked["focal_length_mm"], asked["f_number"]) == (6.0, 1.2)
    assert 8 < asked["sensor_width_mm"] < 9


def test_a_turned_photo_takes_depth_as_displayed(bfx: Bfx, folder: Path) -> None:
    photo = _with_exif(folder, {}, orientation=6)
    line = bfx("render", photo, "--depth", folder / "a.npy").require_plain_error(2)
    assert "45x61 pixels; expected 61x45" in line
    np.save(folder / "t.npy", np.load(folder / "a.npy").T.copy())
    assert bfx("render", photo, "--depth", folder / "t.npy").exit_code == 0
    assert read_photo(folder / "e_bokeh.png").shape == (1, 3, WIDTH, HEIGHT)


BAD_REQUESTS = {
    "a folder for a photo": (["."], ". is a folder"),
    "missing photo": (["nothing.png"], "does not exist"),
    "truncated photo": (["cut.png"], "cannot be read"),
    "depth of another size": (["a.png", "--depth", "small.npy"], "4x4 pixels; expected 45x61"),
    "depth with NaN": (["a.png", "--depth", "nan.npy"], "NaN at 1"),
    "missing depth": (["a.png", "--depth", "none.npy"], "does not exist"),
    "depth of no known kind": (["a.png", "--depth", "a.png"], "RGB picture"),
    "depth folder for a photo": (["a.png", "--depth", "."], "is a folder"),
    "zero aperture": (["a.png", "--f-number", "0"], "f_number=0.0"),
    "negative focal length": (["a.png", "--focal-length-mm", "-5"], "focal_length_mm=-5.0"),
    "NaN sensor": (["a.png", "--sensor-width-mm", "nan"], "sensor_width_mm=nan"),
    "focus inside the focal length": (["a.png", "--focus-m", "0.04"], "inside the focal length"),
    "focus outside the frame": (["a.png", "--focus-point", "61,3"], "outside the frame"),
    "two focus rules": (["a.png", "--focus-m", "2", "--autofocus"], "together"),
    "tone mapping a photo": (["a.png", "--tone-map"], "--tone-map with a photo"),
    "two blades": (["a.png", "--blades", "2"], "blades=2"),
    "blades that are none, turned": (["a.png", "--blade-rotation-deg", "9"], "without --blades"),
    "negative highlights": (["a.png", "--highlights", "-1"], "highlight_recovery"),
    "unknown quality": (["a.png", "--quality", "bets"], "did you mean 'best'"),
    "no EXIF": (["a.png", "--lens-from-exif"], "FocalLength"),
    "output suffix": (["a.png", "-o", "b.bmp"], r"'.bmp'"),
    "video output": (["a.png", "-o", "b.mp4"], "a photo by its suffix"),
    "output over input": (["a.png", "-o", "./a.png"], "also an input or another output"),
    "output over depth": (["a.png", "--depth-out", "a.npy"], "also an input or another output"),
    "one path twice": (
        ["a.png", "-o", "b.png", "--side-by-side", "b.png"],
        "also an input or another output",
    ),
    "missing output folder": (["a.png", "-o", "no/b.png"], "not a folder"),
    "output under a file": (["a.png", "-o", "a.npy/b.png"], "not a folder"),
    "output is a folder": (["a.png", "-o", "sub.png"], "is a folder"),
    "output name too long": (["a.png", "-o", f"{'x' * 300}.png"], "File name too long"),
    "unwritable depth output": (["a.png", "--depth-out", "no/d.npy"], "not a folder"),
    "depth output suffix": (["a.png", "--depth-out", "d.exr"], "'.exr'"),
    "side by side too wide for a JPEG": (
        ["wide.png", "--depth", "none.npy", "--side-by-side", "c.jpg"],
        "c.jpg would be of 2x66001 pixels; expected at most 65500 a side",
    ),
    "a frame too wide for any renderer": (
        ["wider.png", "--depth", "none.npy", "-o", "b.jpg"],
        "size 2x66000; expected at most 65500 px a side",
    ),
    "depth and network": (["a.png", "--variant", "small"], "--variant"),
    "depth and field of view": (["a.png", "--source-fov-deg", "60"], "--source-fov-deg"),
}


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_requests_get_one_plain_error_and_leave_nothing(
    bfx: Bfx, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, as_json: bool
) -> None:
    content = (folder / "a.png").read_bytes()
    (folder / "cut.png").write_bytes(content[: len(content) // 2])
    (folder / "sub.png").mkdir()
    for name, width in (("wide", 33_000), ("wider", 66_000)):
        Image.new("L", (width, 2)).save(folder / f"{name}.png")
    np.save(folder / "small.npy", np.ones((4, 4), np.float32))
    depth = np.load(folder / "a.npy")
    depth[3, 3] = np.nan
    np.save(folder / "nan.npy", depth)
    before = names_in(folder)
    monkeypatch.chdir(folder)
    arguments, reason = BAD_REQUESTS[kind]
    if "--depth" not in arguments:
        arguments = [*arguments, "--depth", "a.npy"]
    completed = bfx("render", *arguments, *(["--json"] if as_json else []))
    if as_json:
        assert completed.exit_code == 2
        assert reason in completed.document["error"]["message"]
        assert "Traceback" not in completed.stderr
    else:
        assert reason in completed.require_plain_error(2)
    assert names_in(folder) == before
    assert (folder / "a.png").read_bytes() == content


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from bokehflow.cli.main import main
main()
"""


@pytest.mark.parametrize("limit_bytes", [500, 9000], ids=["first output", "second output"])
def test_a_full_disk_is_one_plain_error_and_leaves_nothing(folder: Path, limit_bytes: int) -> None:
    # Files may not grow beyond the limit: what a full disk does, without filling one.
    before = names_in(folder)
    options = ["render", "a.png", "--depth", "a.npy", "--depth-out", "d.npy"]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(limit_bytes), *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written" in done.stderr
    assert names_in(folder) == before
