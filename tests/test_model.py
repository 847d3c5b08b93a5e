"""The model as a user calls it."""

import math
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import skimage
import torch

import bokehflow
from bokehflow import Lens, ModelConfig, load_model
from bokehflow.errors import (
    BokehFlowError,
    LensError,
    MediaError,
    NumericalError,
    SizeError,
    UnknownNameError,
    UsageError,
)
from bokehflow.layers.segments import TemporalConfig
from bokehflow.layers.temporal import State
from bokehflow.model import BokehFlow, depth_scale
from bokehflow.rendering import RenderConfig
from bokehflow.specs import DEPTH_MAX_M, DEPTH_MIN_M, Size, network_size_for
from tests.tolerances import DOUBLE_DEPTH, EIGHT_BIT_STEP, FP32_EQUAL, OPTICS

IMAGE_AND_DEPTH = torch.rand(1, 3, 24, 32), torch.full((1, 1, 24, 32), 2.0)


def test_public_names_are_all_there_and_no_subpackage_hides_one() -> None:
    load_model("nano")
    assert all(callable(getattr(bokehflow, name)) for name in bokehflow.__all__)
    image, depth_m = torch.rand(1, 3, 24, 32), torch.full((1, 1, 24, 32), 2.0)
    assert bokehflow.render(image, depth_m, Lens(), quality="mobile").shape == image.shape
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bokehflow.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(48, 64), (61, 45)], ids=str)
def test_a_lens_without_blur_returns_the_frame(size: tuple[int, int]) -> None:
    model = load_model("nano", config=ModelConfig(network_size="mobile"))
    image = torch.rand(1, 3, *size)
    frame = model(image, Lens(f_number=1e6))
    assert (frame.bokeh - image).abs().max() < EIGHT_BIT_STEP
    assert frame.depth.shape == (1, 1, *size)


def test_a_wide_lens_blurs_the_frame() -> None:
    model = load_model("nano")
    image = torch.rand(1, 3, 48, 64)
    blurred = model(image, Lens(focal_length_mm=85.0, f_number=1.4, focus_m=0.5)).bokeh
    assert blurred.std() < 0.5 * image.std()


def test_nothing_is_remembered_between_calls() -> None:
    model = load_model("nano")
    first, second = torch.rand(2, 1, 3, 32, 48)
    fresh = model(second, Lens()).depth
    state = model(first, Lens()).next_state
    assert torch.equal(model(second, Lens()).depth, fresh)
    assert not torch.equal(model(second, Lens(), state).depth, fresh)


@pytest.mark.parametrize("tsp", ["document", "cold"])
def test_the_first_depth_alone_is_that_beside_the_picture(tsp: str) -> None:
    temporal = TemporalConfig(tsp, 4 if tsp == "cold" else 1)
    config = ModelConfig("mobile", source_fov_deg=40.0, temporal=temporal)
    model, image = load_model("nano", config=config), torch.rand(1, 3, 48, 64)
    assert torch.equal(model.first_depth(image, Lens()), model(image, Lens()).depth)


def test_field_of_view_scales_depth_and_keeps_the_blur_consistent() -> None:
    image, lens = torch.rand(1, 3, 32, 48), Lens(focus_m=4.0)
    wide = load_model("nano", config=ModelConfig(source_fov_deg=90.0))
    scale = depth_scale(90.0, wide.weights.canonical_fov_deg)
    assert scale == pytest.approx(1.0 / math.sqrt(3.0), abs=OPTICS)
    seen = load_model("nano")(image, lens.seen_with_depth_scaled(1.0 / scale))
    found = wide(image, lens)
    torch.testing.assert_close(found.depth, seen.depth * scale, atol=0.0, rtol=FP32_EQUAL)
    assert torch.equal(found.bokeh, seen.bokeh)


@pytest.mark.parametrize("fov_deg", [10.0, 120.0])
def test_depth_stays_within_its_scaled_bounds(fov_deg: float) -> None:
    model = load_model("nano", config=ModelConfig(source_fov_deg=fov_deg))
    image, lens = torch.rand(1, 3, 32, 48), Lens(focus_m=20.0)
    for bias, bound_m in ((-50.0, DEPTH_MAX_M), (50.0, DEPTH_MIN_M)):
        with torch.no_grad():
            model.network.depth_head.out.bias.fill_(bias)
        depth = model(image, lens).depth
        expected = torch.full_like(depth, bound_m * model.depth_scale)
        torch.testing.assert_close(depth, expected, rtol=FP32_EQUAL, atol=0)


def test_a_longer_source_lens_puts_things_farther() -> None:
    assert depth_scale(20.0, 60.0) > 1.0 > depth_scale(100.0, 60.0)
    assert depth_scale(None, 60.0) == 1.0


@pytest.mark.parametrize(
    ("frame", "request_", "expected"),
    [
        ("720x1280", "mobile", "288x512"),
        ("1280x720", "mobile", "512x288"),
        ("2160x3840", "mobile", "288x512"),
        ("100x75", "mobile", "100x72"),
        ("720x1280", "full", "720x1280"),
        ("720x1280", "360x640", "360x640"),
    ],
)
def test_network_size_follows_the_frame(frame: str, request_: str, expected: str) -> None:
    assert str(network_size_for(Size.parse(frame), request_)) == expected


@pytest.mark.parametrize(
    ("frame", "expected"),
    [("720x1280", "288x512"), ("480x720", "336x512"), ("2400x1080", "512x224"), ("20x33", "16x32")],
)
def test_a_mobile_network_size_can_be_cut_into_segments(frame: str, expected: str) -> None:
    assert str(network_size_for(Size.parse(frame), "mobile", segments=4)) == expected
    with pytest.raises(SizeError, match=r"a frame of 15x40 for 4 segments.*at least 16 px"):
        network_size_for(Size(15, 40), "mobile", segments=4)


@pytest.mark.parametrize(
    ("frame", "request_", "message"),
    [
        ("722x1280", "full", "height 722 for a frame of 722x1280; .* 4; 720 would do"),
        ("720x1280", "720x1270", "1268 or 1272 would do"),
        ("1x1280", "full", "no such frame is large enough"),
        ("720x1280", "290x512", "multiple of 4"),
        ("96x160", "288x512", "at most"),
        ("96x160", "large", "HEIGHTxWIDTH"),
        ("3x160", "mobile", "at least 4"),
        ("65501x16", "mobile", "at most 65500 px a side"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(frame: str, request_: str, message: str) -> None:
    with pytest.raises(SizeError, match=message):
        network_size_for(Size.parse(frame), request_)


def test_bad_calls_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nano'"):
        load_model("nanno")
    with pytest.raises(UsageError, match="source_fov_deg"):
        ModelConfig(source_fov_deg=0.0)
    model = load_model("nano", config=ModelConfig(source_fov_deg=170.0))
    with pytest.raises(SizeError, match="image"):
        model(torch.rand(3, 32, 48), Lens())
    narrow = load_model("nano", config=ModelConfig(source_fov_deg=1.0))
    with pytest.raises(LensError, match="field of view"):
        narrow(torch.rand(1, 3, 32, 48), Lens(focus_m=0.5))


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), MediaError, "divide 8-bit values by 255"),
        (torch.full((1, 3, 32, 32), 255.0), MediaError, "from 255 to 255"),
        (torch.full((1, 3, 32, 32), -0.1), MediaError, "from -0.1"),
        (torch.full((1, 3, 32, 32), torch.nan), MediaError, "NaN"),
        (torch.zeros(1, 3, 32, 32).double(), UsageError, "float32 on cpu, as the weights"),
        (torch.zeros(1, 3, 0, 32), SizeError, "0, 32"),
        (torch.zeros(1, 3, 32, 32).to_sparse(), MediaError, "a dense tensor"),
    ],
    ids=["uint8", "0-255", "negative", "nan", "float64", "empty", "sparse"],
)
def test_images_that_are_none_are_refused(
    image: torch.Tensor, error: type[BokehFlowError], words: str
) -> None:
    with pytest.raises(error, match=words):
        load_model("nano")(image, Lens())


def test_the_state_of_another_model_is_refused() -> None:
    image, state = torch.rand(1, 3, 32, 32), load_model("small").first_state()
    with pytest.raises(SizeError, match="a state whose scan has shape"):
        load_model("nano")(image, Lens(), state)


def test_cold_segments_come_nearer_to_the_exact_first_frame_with_every_run() -> None:
    pixels = torch.from_numpy(skimage.data.astronaut()[::8, ::8].copy()).float() / 255.0
    image, lens = pixels.permute(2, 0, 1)[None], Lens()
    exact = load_model("nano", config=ModelConfig(temporal=TemporalConfig("systolic", 4)))
    cold = load_model("nano", config=ModelConfig(temporal=TemporalConfig("cold", 4)))
    wanted, state, errors, depths = exact(image, lens).depth, cold.first_state(), [], []
    pipeline = cold.pipeline_for(Size(*image.shape[2:]))
    for _ in range(20):
        with torch.no_grad():
            _, depth, *state = pipeline(image, torch.tensor([lens.as_tuple()]), *state)
        depths.append(depth)
        errors.append(float((depth / wanted).log().square().mean().sqrt()))
    # A first frame is seen as often as there are segments.
    assert torch.equal(cold(image, lens).depth, depths[3])
    assert torch.equal(cold(image, lens, cold.first_state()).depth, depths[3])
    assert torch.equal(cold(image, lens, cold(image, lens).next_state).depth, depths[4])
    assert errors[0] > errors[1] > errors[3] > errors[9]
    # Six blocks of four segments, each of which reads what the one before it made: as many runs as
    # there are segments leave something to become known, and 1 + 6 x 3 nothing.
    assert errors[3] > FP32_EQUAL
    assert errors[18] < FP32_EQUAL


@pytest.mark.parametrize("lens", [Lens(50.0, 1.8, 0.050001), Lens(1e5, 1e-3, 1e4, 1.0)], ids=str)
def test_lenses_at_the_edge_of_what_is_taken_give_numbers(lens: Lens) -> None:
    frame = load_model("nano")(torch.rand(1, 3, 32, 48), lens)
    assert all(bool(tensor.isfinite().all()) for tensor in (*frame[:2], *frame.next_state))


def test_a_state_that_is_not_finite_is_refused() -> None:
    model = load_model("nano")
    state = model.first_state()
    state.scan[0] = math.nan
    with pytest.raises(NumericalError, match="scan holds NaN"):
        model(torch.rand(1, 3, 32, 48), Lens(), state)


def test_results_are_plain_tensors_whoever_asks_first() -> None:
    model, image = load_model("nano"), torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        model(image, Lens())
    frame = model(image, Lens())
    frame.bokeh.mul_(255.0)
    weight = torch.ones(1, requires_grad=True)
    (weight * frame.depth).sum().backward()  # type: ignore[no-untyped-call]
    model.pipeline_for(Size(32, 48))(
        image, torch.tensor([Lens().as_tuple()]), *model.first_state()
    ).bokeh.sum().backward()
    assert weight.grad is not None


def test_a_model_in_double_precision_agrees() -> None:
    model, image = load_model("nano"), torch.rand(1, 3, 32, 48)
    single = model(image, Lens()).depth
    model = load_model("nano")
    model.network.double()
    double = model(image.double(), Lens()).depth
    torch.testing.assert_close(single.double(), double, rtol=DOUBLE_DEPTH, atol=0)


def test_a_model_is_loaded_without_what_reads_photos_and_videos() -> None:
    listing = "import sys, bokehflow; bokehflow.load_model('nano'); print(*sys.modules)"
    command = [sys.executable, "-c", listing]
    imported = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "bokehflow.weights.file" in imported
    assert not {"av", "PIL", "bokehflow.media"} & set(imported)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_model_in_half_precision_is_refused(dtype: torch.dtype) -> None:
    model = load_model("nano")
    model.network.to(dtype)
    image = torch.rand(1, 3, 32, 48).to(dtype)
    for call in (model, model.first_depth):
        with pytest.raises(UsageError, match="lens formulas"):
            call(image, Lens(300.0, 2.8, 20.0))


def sparse_state() -> State:
    return State(*(x.to_sparse() for x in load_model().first_state()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_model(device="gpu"), "no device 'gpu' here"),
        (lambda: load_model(device="hpu"), "no device 'hpu' here"),
        (lambda: load_model(["nano"]), r"unknown variant \['nano'\]"),  # type: ignore[arg-type]
        (lambda: load_model(weights=5), "weights=5; expected the path"),  # type: ignore[arg-type]
        (lambda: load_model(weights=b"x"), "weights=b'x'; expected"),  # type: ignore[arg-type]
        (lambda: load_model(device="meta"), "the device meta, which computes nothing"),
        (lambda: ModelConfig(render="best"), "render='best'; expected a RenderConfig"),
        (lambda: ModelConfig(scan="cpu"), "scan='cpu'; expected a ScanConfig"),
        (lambda: ModelConfig(temporal="off"), "temporal='off'; expected a TemporalConfig"),
        (lambda: ModelConfig(network_size=5), "network_size=5; expected a str"),
        (lambda: ModelConfig(network_size="large"), "HEIGHTxWIDTH"),
        (lambda: load_model()(np.zeros((1, 3, 32, 48)), Lens()), "a ndarray for an image"),
        (lambda: load_model()(torch.rand(1, 3, 32, 48), (50, 1.8)), "a tuple for a lens"),
        (lambda: load_model()(torch.rand(1, 3, 32, 48), Lens(), 5), "a int for a state"),
        (lambda: load_model()(torch.rand(1, 3, 32, 48), Lens(), [1, 2, 3]), "a list for a state"),
        (
            lambda: load_model()(torch.rand(1, 3, 32, 48), Lens(), sparse_state()),
            "a state whose scan is of torch.float32 and torch.sparse_coo",
        ),
        (lambda: bokehflow.render(*IMAGE_AND_DEPTH, (50, 1.8)), "tuple in place of a Lens"),
        (lambda: bokehflow.render(*IMAGE_AND_DEPTH, Lens(), "best"), "str in place of a RenderCon"),
        (lambda: RenderConfig(blades=6.0), "a whole number"),
        (lambda: RenderConfig(max_radius_px="10"), "a number"),
        (lambda: RenderConfig(blade_rotation_deg=None), "a number"),
        (lambda: RenderConfig(["best"]), "mobile or best"),
    ],
)
def test_things_of_another_type_are_told(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_a_model_is_what_its_network_is_now() -> None:
    model, image = load_model("nano"), torch.rand(1, 3, 32, 48)
    single = model(image, Lens()).depth
    model.network.double()
    double = model(image.double(), Lens()).depth
    torch.testing.assert_close(double.float(), single, rtol=DOUBLE_DEPTH, atol=0)
    assert not torch.equal(double, single.double())
    model.network = load_model("small").network
    assert not torch.equal(model(image, Lens()).depth, single)


def test_a_model_is_what_its_config_is_now() -> None:
    model, image, lens = load_model("nano"), torch.rand(1, 3, 32, 48), Lens(f_number=0.9)
    before = model(image, lens)
    render = RenderConfig(max_radius_px=1.0)
    model.config = ModelConfig(source_fov_deg=20.0, render=render)
    expected = load_model("nano", config=model.config)(image, lens)
    found = model(image, lens)
    assert torch.equal(found.bokeh, expected.bokeh)
    assert torch.equal(found.depth, expected.depth)
    assert not torch.equal(found.bokeh, before.bokeh)


@pytest.mark.parametrize("config", ["mobile", {"network_size": "mobile"}, ModelConfig, 0], ids=str)
def test_a_config_of_another_type_is_refused(config: Any) -> None:
    with pytest.raises(UsageError, match=r"config of the type \w+; expected a ModelConfig"):
        load_model("nano", config=config)
    model = load_model("nano")
    with pytest.raises(UsageError, match="expected a ModelConfig"):
        BokehFlow(model.network, model.weights, config)


def test_segments_stay_those_of_the_network() -> None:
    model, frame = load_model("nano", config=ModelConfig(network_size="mobile")), Size(61, 45)
    before = model.network_size_for(frame)
    model.config = ModelConfig(network_size="mobile", temporal=TemporalConfig("cold", 4))
    assert load_model("nano", config=model.config).network_size_for(frame) != before
    assert model.network_size_for(frame) == before


def test_threads_with_frames_of_several_sizes_share_a_model() -> None:
    model, end = load_model("nano"), time.monotonic() + 1.0

    def wrong(width: int) -> list[Size]:
        found = []
        while time.monotonic() < end:
            made = model.pipeline_for(Size(16, width)).frame_size
            if made != Size(16, width):
                found.append(made)
        return found

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert not any(pool.map(wrong, (16, 24, 16, 24)))
    finally:
        sys.setswitchinterval(interval)


def test_a_call_leaves_the_mode_of_the_network() -> None:
    model = load_model("nano")
    model.network.train()
    model(torch.rand(1, 3, 32, 48), Lens())
    assert model.network.training


def test_a_model_in_double_precision_is_told_a_lens_in_it() -> None:
    model, lens = load_model("nano"), Lens(50.0, 1.8, 0.0505)
    model.network.double()
    told = model._told(torch.rand(1, 3, 8, 8, dtype=torch.float64), lens)
    assert told.tolist() == [list(lens.as_tuple())]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_a_model_is_in_float32_whatever_is_the_default(dtype: torch.dtype) -> None:
    wanted = load_model("nano").network.state_dict()
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        found = load_model("nano").network.state_dict()
    finally:
        torch.set_default_dtype(before)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [
        (lambda scan: torch.full_like(scan, 1e300, dtype=torch.float64), NumericalError),
        (lambda scan: scan.to(torch.complex64), UsageError),
        (lambda scan: scan > 0, UsageError),
        (lambda scan: scan.to("meta"), UsageError),
    ],
    ids=["overflows float32", "complex", "bool", "meta"],
)
def test_a_state_of_other_numbers_is_refused(
    spoilt: Callable[[torch.Tensor], torch.Tensor], error: type[Exception]
) -> None:
    model = load_model("nano")
    first = model.first_state()
    state = first._replace(scan=spoilt(first.scan))
    with pytest.raises(error, match="a state whose scan"):
        model(torch.rand(1, 3, 32, 48), Lens(), state)


def test_a_call_leaves_the_modes_of_the_parts_alone() -> None:
    model = load_model("nano")
    model.network.train()
    model.network.coarse.eval()
    model(torch.rand(1, 3, 32, 48), Lens())
    assert model.network.training
    assert not model.network.coarse.training
