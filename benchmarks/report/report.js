"use strict";
const byId = (id) => document.getElementById(id);

// The theme: what the system prefers, until the reader chooses.
const system = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;
function showTheme() {
  const dark = chosen === null ? system.matches : chosen;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
  byId("theme").setAttribute("aria-pressed", String(dark));
}
byId("theme").addEventListener("click", () => {
  chosen = document.documentElement.dataset.theme !== "dark";
  showTheme();
});
system.addEventListener("change", showTheme);
showTheme();

// The pictures: two of one frame over each other, and how far the right one is from the measure.
const scenes = JSON.parse(byId("scenes").textContent);
function options(select, scene, wanted) {
  const labels = scene.items.map((item) => item.label);
  select.replaceChildren(...labels.map((label) => new Option(label)));
  select.selectedIndex = Math.max(0, labels.indexOf(wanted));
}
function showScene() {
  const scene = scenes[byId("scene").selectedIndex];
  const last = scene.items[scene.items.length - 1].label;
  options(byId("left"), scene, byId("left").value || scene.against);
  options(byId("right"), scene, byId("right").value || last);
  showPictures();
}
function showPictures() {
  const scene = scenes[byId("scene").selectedIndex];
  const left = scene.items[byId("left").selectedIndex];
  const right = scene.items[byId("right").selectedIndex];
  byId("left-picture").src = left.picture;
  byId("left-picture").alt = `${scene.caption}: ${left.label}`;
  byId("right-picture").src = right.picture;
  byId("right-picture").alt = `${scene.caption}: ${right.label}`;
  byId("heat").hidden = right.heat === null;
  if (right.heat !== null) byId("heat").src = right.heat;
  byId("heat").alt = `Error of ${right.label}`;
  byId("heat-caption").textContent = right.heat === null
    ? `${right.label} is what errors are measured against.`
    : `Error of ${right.label} against ${scene.against}: black 0, brightest ${scene.heat_levels} of 255 levels or more.`;
}
function showCut() {
  byId("viewer").style.setProperty("--cut", `${byId("slider").value}%`);
}
if (scenes.length > 0) {
  byId("scene").addEventListener("change", showScene);
  byId("left").addEventListener("change", showPictures);
  byId("right").addEventListener("change", showPictures);
  byId("slider").addEventListener("input", showCut);
  showScene();
  showCut();
}
