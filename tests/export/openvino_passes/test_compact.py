"""A compacted OpenVINO model holds the same values in less, and an artifact is written so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from bokehflow.errors import OutputError
from bokehflow.export import Artifact
from bokehflow.export.artifacts.staging import staged
from bokehflow.export.openvino_file import MODEL_FILE, write_model
from bokehflow.export.openvino_passes.compact import compact, unpack_halves
from bokehflow.export.outer_sums import outer_sum

openvino = pytest.importorskip("openvino")
op = openvino.opset13
RNG = np.random.default_rng(0)


def model_of(values: np.ndarray) -> Any:
    """y = x * values, as a graph that asks for the shape of values first."""
    x = op.parameter(values.shape, values.dtype, name="x")
    constant = op.constant(values, name="network.a.weight")
    same = op.reshape(constant, op.shape_of(constant), False)
    return openvino.Model([op.result(op.multiply(x, same))], [x])


def value_of(model: Any) -> np.ndarray:
    """y for x = 1."""
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    port = compiled.inputs[0]
    ones = np.ones(port.shape, port.element_type.to_dtype())
    return np.array(compiled(ones)[0])


def stored_bytes(model: Any) -> int:
    """Of all constants."""
    return sum(n.get_byte_size() for n in model.get_ops() if n.get_type_name() == "Constant")


def grid_orders(*ways: str) -> np.ndarray:
    """[D, 600]: a grid walked by row or by column, both ways each."""
    grid = np.arange(600).reshape(20, 30)
    forwards = [{"rows": grid, "columns": grid.T}[way].reshape(-1) for way in ways]
    return np.stack([order for way in forwards for order in (way, way[::-1])])


def orders_back(*ways: str) -> np.ndarray:
    """[600, D]: where each token of the grid lies in walks that are laid behind each other."""
    orders = grid_orders(*ways)
    return (orders.argsort(axis=1) + 600 * np.arange(len(orders))[:, None]).T


def both_zeros() -> np.ndarray:
    """Zeros with and without a sign."""
    return np.where(np.arange(2000).reshape(40, 50) % 2, -0.0, 0.0).astype(np.float32)


HALVES = RNG.normal(size=(30, 20)).astype(np.float16).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "share"),
    [
        pytest.param(np.full((40, 50), 0.3, np.float32), 0.01, id="one-value"),
        pytest.param(grid_orders("rows", "columns").reshape(-1), 0.1, id="orders"),
        pytest.param(HALVES, 0.6, id="halves"),
        pytest.param(np.tile(HALVES, (1, 4)), 0.2, id="repeated"),
        pytest.param(np.tile(RNG.normal(size=(3, 5)), (9, 8)).astype(np.float32), 0.1, id="short"),
        pytest.param(RNG.integers(-(2**31), 2**31, 600), 0.6, id="integers"),
        pytest.param(both_zeros(), 0.6, id="zeros-of-both-signs"),
        pytest.param(RNG.normal(size=(30, 20)).astype(np.float32), 1.01, id="any-floats"),
    ],
)
def test_values_stay_and_take_less(values: np.ndarray, share: float) -> None:
    model = model_of(values)
    before = stored_bytes(model)
    compact(model, openvino)
    assert stored_bytes(model) <= share * before
    assert np.array_equal(value_of(model), values)
    assert np.array_equal(np.signbit(value_of(model)), np.signbit(values))
    kinds = [node.get_type_name() for node in model.get_ops()]
    assert "ShapeOf" not in kinds
    assert "network.a.weight" in [node.friendly_name for node in model.get_ops()]


def test_halves_are_unpacked_to_what_they_were() -> None:
    model = model_of(HALVES)
    compact(model, openvino)
    unpack_halves(model, op)
    (weight,) = (n for n in model.get_ops() if n.friendly_name == "network.a.weight")
    assert weight.get_type_name() == "Constant"
    assert np.array_equal(weight.get_data(), HALVES)
    assert weight.get_data().dtype == np.float32


def test_equal_constants_are_one_but_for_the_ranges_of_quantizers() -> None:
    x = op.parameter([4], np.float32, name="x")
    ranges = [op.constant(np.float32(value)) for value in (-1.0, 1.0, -1.0, 1.0)]
    scales = [op.constant(np.float32(1.0)) for _ in range(2)]
    quantized = op.fake_quantize(op.multiply(x, scales[0]), *ranges, 255)
    model = openvino.Model([op.result(op.multiply(quantized, scales[1]))], [x])
    compact(model, openvino)
    constants = [node for node in model.get_ops() if node.get_type_name() == "Constant"]
    assert len(constants) == 1 + 4


def test_a_hard_sigmoid_has_its_constants_alone() -> None:
    x = op.parameter([4], np.float32, name="x")
    ones = [op.constant(np.float32(1.0)) for _ in range(3)]
    ramp = op.hard_sigmoid(op.multiply(x, ones[0]), ones[1], ones[2])
    model = openvino.Model([op.result(ramp)], [x])
    compact(model, openvino)
    for source in ramp.input_values()[1:]:
        assert len(source.get_target_inputs()) == 1


@pytest.mark.parametrize("ways", [("rows",), ("columns",), ("rows", "columns")], ids="-".join)
@pytest.mark.parametrize("table", [grid_orders, orders_back])
def test_orders_of_a_grid_are_outer_sums(
    table: Callable[..., np.ndarray], ways: tuple[str, ...]
) -> None:
    orders = table(*ways).reshape(-1)
    found = outer_sum(orders)
    assert found is not None
    assert np.array_equal((found[0] + found[1]).reshape(-1), orders)
    assert found[0].size + found[1].size <= 2 * len(ways) * (20 + 30)


def test_noise_is_no_outer_sum() -> None:
    assert outer_sum(RNG.permutation(1200)) is None


def test_the_file_is_short_and_says_what_was_to_be_said(tmp_path: Path) -> None:
    model = model_of(HALVES)
    model.set_rt_info("a long list", ["nncf", "quantization", "ignored_scope"])
    write_model(model, tmp_path, {"bokehflow": 'facts, "quoted" />'}, round_to_fp16=False)
    text = (tmp_path / MODEL_FILE).read_text()
    assert "\n" not in text
    assert "ignored_scope" not in text
    read = openvino.Core().read_model(tmp_path / MODEL_FILE)
    assert read.get_rt_info(["bokehflow", "bokehflow"]).value == 'facts, "quoted" />'
    assert np.array_equal(value_of(read), HALVES)
    # The model that was given is as it was.
    assert "nncf" in model.get_rt_info()
    assert "ShapeOf" in [node.get_type_name() for node in model.get_ops()]


def test_rounding_to_half_precision_leaves_nothing_out(tmp_path: Path) -> None:
    write_model(model_of(HALVES + np.float32(1e-5)), tmp_path, {}, round_to_fp16=True)
    read = openvino.Core().read_model(tmp_path / MODEL_FILE)
    kinds = [n.get_element_type().get_type_name() for n in read.get_ops() if len(n.shape) == 2]
    assert "f16" in kinds


def test_an_artifact_holds_no_table_of_orders(artifacts: dict[str, Artifact]) -> None:
    root = ElementTree.parse(artifacts["openvino"].path / MODEL_FILE).getroot()
    tables = [
        data.attrib
        for data in root.iterfind("./layers/layer[@type='Const']/data")
        if data.attrib["element_type"] == "i64" and int(data.attrib["size"]) > 1000
    ]
    assert tables == []


def write_on_full_disk(path: Path, file: str) -> None:
    model = model_of(RNG.normal(size=(64, 1024)).astype(np.float32))
    with staged(path) as target:
        target.mkdir()
        (target / file).symlink_to("/dev/full")
        write_model(model, target, {}, round_to_fp16=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("file", ["model.xml", "model.bin"])
def test_a_full_disk_is_told_as_one(tmp_path: Path, file: str) -> None:
    path = tmp_path / "x_openvino"
    with pytest.raises(OutputError, match="x_openvino cannot be written"):
        write_on_full_disk(path, file)
    assert list(tmp_path.iterdir()) == []
