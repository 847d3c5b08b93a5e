"""Config files: those that ship are read, and every mistake is named with its key."""

import dataclasses
from pathlib import Path

import pytest

from bokehflow.errors import BokehFlowError
from bokehflow.training.config import LossWeights
from bokehflow.training.config_file import (
    config_as_json,
    config_from_json,
    differences,
    read_config,
)
from bokehflow.training.schedule import learning_rate_at
from bokehflow.training.stages import stage_at
from tests.training.samples import stage, tiny_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
STAGE = '[[stages]]\nname = "depth"\nsteps = 5\n'


@pytest.mark.parametrize("variant", ["nano", "small", "base"])
def test_shipped_configs_learn_depth_before_the_picture_and_stills_before_clips(
    variant: str,
) -> None:
    config = read_config(CONFIGS / f"{variant}.toml")
    assert config.variant == variant
    for learned in (
        [one.renders for one in config.stages],
        [one.frames > 1 for one in config.stages],
    ):
        assert learned == sorted(learned)
        assert not learned[0]
        assert learned[-1]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_shipped_config_can_be_read(path: Path) -> None:
    config = read_config(path)
    assert config_from_json(config_as_json(config)) == config


MISTAKES = {
    "unknown key": (
        f"learning_rat = 1.0\n{STAGE}",
        "unknown key 'learning_rat'; expected one of stages",
    ),
    "unknown key in a section": (
        f"[optimiser]\nlearning_rat = 1.0\n{STAGE}",
        r"unknown key 'optimiser\.learning_rat'; .*; did you mean 'learning_rate'\?",
    ),
    "text for a number": (f'seed = "one"\n{STAGE}', "seed is 'one'; expected a whole number"),
    "truth value for a number": (f"seed = true\n{STAGE}", "seed is True"),
    "number for a truth value": (
        f"{STAGE}camera_looks = 1\n",
        r"stages\[0\]\.camera_looks is 1; expected true or false",
    ),
    "seed of 65 bits": (f"seed = {2**64}\n{STAGE}", f"seed={2**64}; expected at most"),
    "number beyond a float": (f"ema_decay = 1{'0' * 400}\n{STAGE}", "ema_decay"),
    "no stage": ("seed = 1\n", r"no stage; expected at least one \[\[stages\]\] table"),
    "stage without steps": (
        '[[stages]]\nname = "depth"\n',
        r"no stages\[0\]\.steps; expected the keys name, steps",
    ),
    "no table": (f"optimiser = 3\n{STAGE}", "optimiser is 3; expected keys with values"),
    "no tables": ("stages = 3\n", "stages is 3; expected a list"),
    "second stage": (f"{STAGE}{STAGE}rate = 0.0\n", r"stages\[1\]: rate=0\.0; expected"),
    "variant": (f'variant = "nanno"\n{STAGE}', "did you mean 'nano'"),
    "size": (f'{STAGE}sizes = ["30x32"]\n', "multiples of 4"),
    "rendering": (f'{STAGE}rendering = "true"\n', "did you mean 'true_depth'"),
    "negative loss": (f"[losses]\ndepth = -1\n{STAGE}", "losses: depth=-1"),
    "no loss": (
        "[losses]\n"
        + "".join(f"{item.name} = 0.0\n" for item in dataclasses.fields(LossWeights))
        + STAGE,
        "losses that all weigh 0",
    ),
    "no loss of a stage": (
        "[losses]\ndepth = 0\ncoarse_depth = 0\ndepth_edges = 0\n" + STAGE,
        "losses that all weigh 0 in the stage 'depth'; expected one above 0 of depth, ",
    ),
    "VGG without a file": (f'perceptual_network = "vgg19"\n{STAGE}', "perceptual_file"),
    "not TOML": ("stages = [", "TOML"),
    "too deep": (f"stages = {'[' * 9000}{']' * 9000}", "TOML"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named(tmp_path: Path, kind: str) -> None:
    text, message = MISTAKES[kind]
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(BokehFlowError, match=f"run.toml.*{message}") as caught:
        read_config(path)
    assert caught.value.exit_code == 2


def test_a_config_may_begin_as_some_editors_begin_texts(tmp_path: Path) -> None:
    path, shipped = tmp_path / "run.toml", CONFIGS / "nano.toml"
    path.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert read_config(path) == read_config(shipped)


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(BokehFlowError, match="no config at"):
        read_config(tmp_path / "run.toml")


def test_differences_name_what_changed() -> None:
    config = tiny_config()
    assert differences(config, config) == []
    assert differences(config, dataclasses.replace(config, seed=1)) == ["seed"]


def test_steps_belong_to_the_stages_in_order() -> None:
    config = tiny_config(stage("depth", 2), stage("picture", 3))
    names = [stage_at(config, step).name for step in range(config.total_steps)]
    assert names == ["depth"] * 2 + ["picture"] * 3
    with pytest.raises(BokehFlowError, match="step 5"):
        stage_at(config, 5)


def test_learning_rate_rises_then_falls_to_its_last_share() -> None:
    optimiser = dataclasses.replace(
        tiny_config().optimiser, learning_rate=1.0, warmup_steps=10, last_share=0.1
    )
    rates = [learning_rate_at(step, 100, optimiser) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 11)
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)
