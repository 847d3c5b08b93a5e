"""A stage that teaches nothing that learns is refused, with its losses."""

from __future__ import annotations

import pytest

from bokehflow.errors import UsageError
from bokehflow.scan import ScanConfig
from bokehflow.specs import Size
from bokehflow.training.clip_losses import ClipLosses
from bokehflow.training.config import LossWeights, StageConfig, TrainConfig
from bokehflow.training.first_network import first_network
from bokehflow.training.reach import require_learning
from tests.training.samples import NO_PERCEPTUAL, stage, tiny_config

pytestmark = pytest.mark.usefixtures("tiny_variant")

DEPTH = stage("depth", sizes=("16x20", "16x16"))
PICTURE = stage("picture", rendering="true_depth")
FILM = stage("film", rendering="predicted_depth", frames=3, truncate=1)
COARSE = LossWeights(**dict.fromkeys(LossWeights.__slots__, 0.0) | {"coarse_depth": 1.0})


def _judge(config: TrainConfig) -> ClipLosses:
    network = first_network(config, ScanConfig("chunked"), restored=False).train()
    sizes = [Size(16, 16), Size(16, 20)]
    return ClipLosses(network, sizes, None, "fp32", config.losses)


@pytest.mark.parametrize(
    ("one", "learns", "losses"),
    [
        (DEPTH, (), NO_PERCEPTUAL),
        (DEPTH, ("depth_head",), NO_PERCEPTUAL),
        (DEPTH, ("refine", "coarse"), COARSE),
        (PICTURE, ("refine",), NO_PERCEPTUAL),
        (FILM, ("bokeh_blocks.0", "propagate"), NO_PERCEPTUAL),
    ],
    ids=["all", "depth", "one of two", "picture", "film"],
)
def test_stages_that_teach_something_are_taken(
    one: StageConfig, learns: tuple[str, ...], losses: LossWeights
) -> None:
    config = tiny_config(one, learns=learns, losses=losses)
    require_learning(config, _judge(config))


@pytest.mark.parametrize(
    ("one", "learns", "losses", "judged"),
    [
        (DEPTH, ("refine", "bokeh_head"), NO_PERCEPTUAL, "depth, coarse_depth, depth_edges"),
        (PICTURE, ("depth_head",), COARSE, "coarse_depth"),
        (FILM, ("refine",), COARSE, "coarse_depth"),
    ],
    ids=["depth", "picture", "film"],
)
def test_a_stage_that_teaches_nothing_that_learns_is_refused(
    one: StageConfig, learns: tuple[str, ...], losses: LossWeights, judged: str
) -> None:
    config = tiny_config(one, learns=learns, losses=losses)
    wanted = f"the stage '{one.name}' is judged by {judged}, none of which depends on what learns: "
    with pytest.raises(UsageError, match=f"{wanted}{', '.join(learns)};.*--new-config"):
        require_learning(config, _judge(config))
