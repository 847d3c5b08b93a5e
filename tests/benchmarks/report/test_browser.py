"""The page in a real browser: nothing is asked of the network, and everything moves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from bokehflow.benchmarks.report.files import write_report
from tests.benchmarks.report.samples import made_report, made_scenes

CHROMIUM = shutil.which("chromium")
PHONE_PX = 390
WAIT_TRIES, WAIT_MS = 100, 50

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install playwright"
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report on disk, as a person would open it."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(path, made_report(), made_scenes())[0].as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium without a window."""
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(params=[1100, PHONE_PX], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    """The page, opened; any message, error or request of its own fails the test."""
    said: list[str] = []
    asked: list[str] = []
    context = browser.new_context(
        viewport={"width": request.param, "height": 800}, color_scheme="light"
    )
    opened = context.new_page()
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda one: asked.append(one.url))
    opened.goto(address)
    yield opened
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    context.close()


def test_nothing_is_wider_than_the_screen(page: Any) -> None:
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == page.viewport_size["width"]


def test_every_picture_is_shown(page: Any) -> None:
    drawn = page.evaluate("[...document.images].map((image) => image.naturalWidth)")
    assert drawn == [64, 64, 64]
    assert "8 of 255 levels" in page.inner_text("#heat-caption")


def test_the_slider_moves_by_mouse_and_by_keyboard(page: Any) -> None:
    viewer = page.locator("#viewer")
    viewer.scroll_into_view_if_needed()
    assert _cut(page) == "50%"
    box = viewer.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=4)
    page.mouse.up()
    by_mouse = float(_cut(page).rstrip("%"))
    assert by_mouse > 70
    page.locator("#slider").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert float(_cut(page).rstrip("%")) == by_mouse - 2
    page.keyboard.press("Home")
    assert _cut(page) == "0%"


def test_other_pictures_can_be_chosen(page: Any) -> None:
    before = page.get_attribute("#right-picture", "src")
    page.select_option("#right", index=0)
    assert page.get_attribute("#right-picture", "src") != before
    page.select_option("#right", label="#1 onnx fp32")
    assert page.is_hidden("#heat")
    assert "measured against" in page.inner_text("#heat-caption")


def test_the_theme_follows_the_system_and_then_the_reader(page: Any) -> None:
    light = _background(page)
    page.emulate_media(color_scheme="dark")
    _wait_until(page, "document.documentElement.dataset.theme === 'dark'")
    assert _background(page) != light
    assert page.inner_text("#theme") == "Light"
    page.click("#theme")
    assert _background(page) == light
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    _wait_until(page, "matchMedia('(prefers-color-scheme: dark)').matches")
    assert _background(page) == light


def _wait_until(page: Any, condition: str) -> None:
    """Playwright's own `wait_for_function` evaluates a string inside the page, which the page's
    content security policy forbids."""
    for _ in range(WAIT_TRIES):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(WAIT_MS)
    raise AssertionError(f"{condition} did not come true")


def _cut(page: Any) -> str:
    return str(page.evaluate("document.getElementById('viewer').style.getPropertyValue('--cut')"))


def _background(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
