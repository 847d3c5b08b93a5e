"""Which ways of carrying the state are refused before anything is written, and what is told of the
others."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bokehflow.errors import ArtifactError, BokehFlowError, UsageError
from bokehflow.export import Artifact, ExportConfig, export_each
from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.export.artifacts.naming import artifact_name
from bokehflow.export.exportable import require_exportable
from bokehflow.export.lowering.choice import find_lowering
from bokehflow.export.targets import Target
from bokehflow.layers.segments import TSP_MODES, TemporalConfig
from bokehflow.model import ModelConfig, load_model
from bokehflow.network import Network
from bokehflow.signature import input_specs, output_specs
from bokehflow.specs import Size, find_variant

REFUSED: dict[str, tuple[TemporalConfig, Target, str]] = {
    "n passes": (TemporalConfig("blended", 4), "onnx", "blended.*document or off or cold"),
    "another first frame": (TemporalConfig("systolic", 4), "openvino", "systolic"),
    "segments that do not fit": (TemporalConfig("cold", 5), "onnx", "5 segments of a map"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_a_graph_cannot_carry_is_refused(kind: str) -> None:
    temporal, target, reason = REFUSED[kind]
    with pytest.raises(BokehFlowError, match=reason):
        require_exportable(temporal, ExportConfig(target))


@pytest.mark.parametrize("target", ["onnx", "openvino", "coreml"])
def test_every_target_has_all_modes_of_one_pass_and_no_other(target: Target) -> None:
    def is_refused(mode: str) -> bool:
        try:
            require_exportable(TemporalConfig(mode), ExportConfig(target))
        except UsageError:
            return True
        return False

    assert {mode for mode in TSP_MODES if is_refused(mode)} == {"blended", "systolic"}


@pytest.mark.parametrize("mode", ["blended", "systolic"])
@pytest.mark.parametrize("target", ["onnx", "coreml"])
def test_a_lowering_refuses_other_modes_itself(mode: str, target: str) -> None:
    network = Network(find_variant("nano"), temporal=TemporalConfig(mode, 4))
    with pytest.raises(UsageError, match=mode):
        find_lowering("chunked", target).apply(network)


def test_nothing_is_written_where_a_later_one_is_refused(tmp_path: Path) -> None:
    model = load_model("nano", config=ModelConfig(temporal=TemporalConfig("cold", 4)))
    sizes = Size(32, 32), Size(32, 36)
    configs = [ExportConfig("onnx", size, size) for size in sizes]
    with pytest.raises(BokehFlowError, match="4 segments of a map of 8 x 9"):
        list(export_each(model, configs, tmp_path / "dist"))
    assert list(tmp_path.iterdir()) == []


def test_the_name_tells_how_the_state_is_carried() -> None:
    config = ExportConfig("onnx")
    plain, cold = (
        artifact_name("nano", config, temporal)
        for temporal in (TemporalConfig(), TemporalConfig("cold", 4))
    )
    assert plain == "bokehflow-nano_720x1280_net288x512_fp32.onnx"
    assert cold == "bokehflow-nano_720x1280_net288x512_cold4_fp32.onnx"


def test_a_manifest_keeps_it_and_one_without_it_means_whole_scans(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    whole = artifacts["onnx"].manifest
    shapes = find_variant(whole.variant), whole.frame_size, 4
    cold = dataclasses.replace(
        whole,
        temporal=TemporalConfig("cold", 4),
        inputs=input_specs(*shapes),
        outputs=output_specs(*shapes),
    )
    path = tmp_path / "manifest.json"
    path.write_text(cold.to_json())
    assert read_manifest(path) == cold
    assert json.loads(cold.to_json())["temporal"]["first_frame_runs"] == 4
    before = json.loads(whole.to_json())
    del before["temporal"]
    path.write_text(json.dumps(before))
    assert read_manifest(path) == whole
    before["temporal"] = {"tsp": "blended", "segments": 1}
    path.write_text(json.dumps(before))
    with pytest.raises(ArtifactError, match=r"tsp='blended'; expected document or off or cold"):
        read_manifest(path)
    no_whole_lines = dataclasses.replace(cold, temporal=TemporalConfig("cold", 7))
    path.write_text(no_whole_lines.to_json())
    with pytest.raises(ArtifactError, match=r"not a whole manifest: 7 segments of a map"):
        read_manifest(path)
