"""Ray-traced scenes: a known cube, leaves with holes, a lens as optics has it, a whole room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bokehflow.calibration.data import furniture, tracer
from bokehflow.calibration.data.furniture import Furniture, catalogue
from bokehflow.calibration.data.layout import FloorPlan
from bokehflow.calibration.data.pinhole import Pinhole
from bokehflow.calibration.data.pose import camera_pose
from bokehflow.calibration.data.request import DataRequest
from bokehflow.calibration.data.split import split_of_name
from bokehflow.calibration.data.traced_clip import TracedScene
from bokehflow.errors import InputError, MissingDependencyError
from bokehflow.optics import Lens
from tests import tolerances as tol

HAS_LLVM = any((Path(folder) / tracer.LLVM_FILE).exists() for folder in tracer.LLVM_FOLDERS)
traced = pytest.mark.skipif(not HAS_LLVM, reason=f"{tracer.LLVM_APT_PACKAGE} is not installed")
furnished = pytest.mark.skipif(
    not furniture.LIBRARY_FOLDER.is_dir(), reason=f"{furniture.APT_PACKAGE} is not installed"
)
CORNERS = np.array(
    [[x, y, z] for z in (-0.5, 0.5) for y in (-0.5, 0.5) for x in (-0.5, 0.5)], dtype=np.float32
)
SIDES = [(0, 2, 1, 3), (4, 5, 6, 7), (0, 1, 4, 5), (2, 6, 3, 7), (0, 4, 2, 6), (1, 3, 5, 7)]
FACES = np.array([f for a, b, c, d in SIDES for f in ((a, b, c), (b, d, c))], dtype=np.uint32)
CAMERA = Pinhole(33, 45, 50.0, camera_pose((0.0, 0.0, 0.0), 0.0, 0.0, 0.0))


def _cube(opacity: float, lamp: bool = False) -> tracer.Shot:
    """A cube of side 1 m, 3 m away, its near face at 2.5 m; before a wall of light or in a sky."""
    pytest.importorskip("mitsuba", reason="mitsuba is not installed")
    mi = tracer.load_mitsuba()
    matt = {"type": "twosided", "matt": {"type": "diffuse"}}
    bsdf = mi.load_dict({"type": "mask", "opacity": opacity, "nested": matt})
    glow = mi.load_dict({"type": "area", "radiance": 1.0}) if lamp else None
    uv = np.zeros((8, 2), np.float32)
    place = np.array([0, 0, -3], np.float32)
    mesh = tracer.mesh_shape(
        mi, "cube", (CORNERS + place).astype(np.float32), FACES, bsdf, uv, glow=glow
    )
    return tracer.Shot.of(
        mi, {"cube": mesh} if lamp else {"cube": mesh, "sky": {"type": "constant"}}
    )


@traced
def test_a_cube_has_its_depth_and_its_outline() -> None:
    depth = _cube(1.0).depth_m(CAMERA)
    side_px = CAMERA.focal_px / 2.5
    seen = np.isfinite(depth)
    assert depth[seen] == pytest.approx(2.5, rel=tol.TRACED_DEPTH_REL)
    assert abs(seen[16].sum() - side_px) <= 1.0
    assert abs(seen[:, 22].sum() - side_px) <= 1.0


@traced
def test_depth_looks_through_what_is_mostly_clear() -> None:
    assert np.isinf(_cube(0.2).depth_m(CAMERA)).all()
    assert np.isfinite(_cube(0.8).depth_m(CAMERA)).any()


@traced
def test_moved_vertices_move_the_depth() -> None:
    shot = _cube(1.0)
    shot.move("cube", (CORNERS + np.array([0, 0, -4])).astype(np.float32), None)
    shot.moved()
    assert shot.depth_m(CAMERA)[16, 22] == pytest.approx(3.5, rel=tol.TRACED_DEPTH_REL)


@traced
def test_an_edge_blurs_as_wide_as_optics_says() -> None:
    lens = Lens(focal_length_mm=85.0, f_number=2.0, focus_m=1.0, sensor_width_mm=36.0)
    light = _cube(1.0, lamp=True).picture(CAMERA, 1024, 0, lens)[16, :, 0]
    radius = abs(float(lens.radius_px(2.5, 45)))
    edge = np.diff(light[22:] / light[22])
    place = np.arange(len(edge))
    mean = (edge * place).sum() / edge.sum()
    spread = (edge * (place - mean) ** 2).sum() / edge.sum()
    # Across a uniform disk the variance is r^2 / 4; a pixel adds 1/12, twice for the difference.
    assert 2.0 * (spread - 1.0 / 6.0) ** 0.5 == pytest.approx(radius, rel=tol.TRACED_BLUR_REL)


@traced
@furnished
def test_the_same_number_gives_the_same_clip_whatever_was_made_before() -> None:
    request = DataRequest(32, 32, frames=2, seed=1)
    clip = TracedScene(request, "outdoors", 0).clip(1)
    again = TracedScene(request, "outdoors", 0)
    again.clip(0)
    other = again.clip(1)
    for name in ("frames", "inverse_depth", "bokeh", "flow", "flow_valid"):
        np.testing.assert_array_equal(getattr(clip, name), getattr(other, name))
    assert clip.flow_valid.mean() > 0.5


@traced
@furnished
@pytest.mark.parametrize("source", ["rooms", "workshops"])
def test_a_room_is_closed_lit_and_made_of_the_works_of_its_split(source: str) -> None:
    clip = TracedScene(DataRequest(32, 32, seed=1), source, 0).clip(0)
    assert clip.inverse_depth.min() > 0.05
    assert 20 < clip.frames.mean() < 235
    assert {split_of_name(asset.name) for asset in clip.info.assets} == {"train"}
    assert {asset.licence[:2] for asset in clip.info.assets} <= {"CC", "pu"}


@furnished
def test_the_catalogue_holds_real_sizes_and_free_licences() -> None:
    items = catalogue()
    assert len(items) > 500
    heights = [
        item.size_m[1] for item in items if "People" in item.tags and "Child" not in item.tags
    ]
    assert 1.0 < float(np.median(heights)) < 2.0
    assert all(item.asset.licence.startswith("CC") for item in items)


def test_missing_furniture_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="apt-get install sweethome3d-furniture"):
        catalogue(tmp_path)


def test_a_damaged_library_is_told(tmp_path: Path) -> None:
    for library in furniture.LICENCES:
        (tmp_path / f"{library}.sh3f").write_bytes(b"not a zip")
    with pytest.raises(InputError, match="reinstall"):
        catalogue(tmp_path)


def test_missing_llvm_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRJIT_LIBLLVM_PATH", raising=False)
    monkeypatch.setattr(tracer, "LLVM_FOLDERS", ())
    with pytest.raises(MissingDependencyError, match="apt-get install libllvm19"):
        tracer.load_mitsuba()


def test_a_floor_plan_keeps_things_apart() -> None:
    plan = FloorPlan()
    assert plan.take(0.0, 0.0, 1.0, 1.0)
    assert not plan.take(0.9, 0.0, 1.0, 1.0)
    assert plan.take(1.1, 0.0, 1.0, 1.0)


def test_a_model_that_is_not_in_its_library_is_told(tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="trimesh is not installed")
    from bokehflow.calibration.data.furniture_mesh import load_parts

    item = Furniture(
        "a/b", "Scopia", "a/b/b.obj", "Office", (), (1.0, 1.0, 1.0), None, 0.0, None, False, "x"
    )
    with pytest.raises(InputError, match=r"b\.obj"):
        load_parts(item, tmp_path)
