"""ONNX artifacts in ONNX Runtime Web: another runtime and language, by the manifest alone."""

from __future__ import annotations

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bokehflow.export import Artifact
from bokehflow.layers.segments import TemporalConfig
from bokehflow.optics import Lens
from bokehflow.runtimes import open_session
from bokehflow.runtimes.carried_state import Playback
from tests.tolerances import SAME_ENGINE

FOLDER = Path(__file__).parent
NODE_MODULES = FOLDER.parents[2] / ".venv" / "node" / "node_modules"
PACKAGE = NODE_MODULES / "onnxruntime-web"
CHROMIUM = shutil.which("chromium")
IN_PAGE = """async () => {
    const bytes = async (name) => (await fetch(name)).arrayBuffer();
    const floats = async (name) => new Float32Array(await bytes(name));
    const [ort, { showFilm }] = [await import("/ort/ort.wasm.min.mjs"), await import("/film.mjs")];
    const manifest = await (await fetch("artifact.json")).json();
    const model = new Uint8Array(await bytes("artifact"));
    const film = [await floats("frames"), await floats("lens")];
    return (await showFilm(ort, manifest, model, ...film)).map((values) => Array.from(values));
}"""

pytestmark = pytest.mark.skipif(
    not PACKAGE.exists(),
    reason="no onnxruntime-web: npm install --prefix .venv/node onnxruntime-web@1.30.0",
)


@pytest.fixture(params=[1, 2], ids=["one frame", "two frames"])
def film(
    artifacts: dict[str, Artifact], tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[Path, list[np.ndarray]]:
    """A folder with an artifact and frames for it, and the outputs of the last.

    The first is run four times, as a cold one is, whatever state the artifact carries.
    """
    artifact = artifacts["onnx"]
    described = replace(artifact.manifest, temporal=TemporalConfig("cold", 4))
    shapes = {spec.name: spec.shape for spec in artifact.manifest.inputs}
    frames = np.random.default_rng(0).random((request.param, *shapes["image"]), np.float32)
    lens = Lens(50.0, 1.8, 1.5, 36.0)
    shutil.copy(artifact.path, tmp_path / "artifact")
    (tmp_path / "artifact.json").write_text(described.to_json())
    frames.tofile(tmp_path / "frames")
    np.array(lens.as_tuple(), np.float32).tofile(tmp_path / "lens")
    playback = Playback(described, open_session(artifact))
    for frame in frames:
        outputs = playback.show(frame, lens)
    return tmp_path, [outputs[spec.name].reshape(-1) for spec in artifact.manifest.outputs]


@pytest.fixture
def address(film: tuple[Path, list[np.ndarray]]) -> Iterator[str]:
    """Of a server of that folder, with the package and the client in it."""
    folder = film[0]
    shutil.copy(FOLDER / "film.mjs", folder)
    (folder / "ort").symlink_to(PACKAGE / "dist")
    (folder / "index.html").write_text("<!doctype html><title>film</title>")
    handler = functools.partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Says nothing about what it is asked for."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_shows_the_same_film(film: tuple[Path, list[np.ndarray]]) -> None:
    folder, expected = film
    files = [str(folder / name) for name in ("artifact", "frames", "lens", "outputs")]
    command = ["node", str(FOLDER / "client.mjs"), str(NODE_MODULES), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = np.fromfile(folder / "outputs", np.float32)
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=SAME_ENGINE, atol=SAME_ENGINE)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium")
def test_a_browser_shows_the_same_film(film: tuple[Path, list[np.ndarray]], address: str) -> None:
    reason = "playwright is not installed: pip install playwright"
    sync_api = pytest.importorskip("playwright.sync_api", reason=reason)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        found = page.evaluate(IN_PAGE)
        browser.close()
    for shown, values in zip(found, film[1], strict=True):
        np.testing.assert_allclose(shown, values, rtol=SAME_ENGINE, atol=SAME_ENGINE)
