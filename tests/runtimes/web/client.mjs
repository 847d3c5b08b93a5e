// `showFilm` in Node: node client.mjs NODE_MODULES ARTIFACT FRAMES LENS OUTPUTS
//
// FRAMES, LENS and OUTPUTS are files of float32 values.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { showFilm } from "./film.mjs";

const [modules, artifact, frames, lens, outputs] = process.argv.slice(2);
const ort = createRequire(join(modules, "client.js"))("onnxruntime-web");
const manifest = JSON.parse(readFileSync(`${artifact}.json`, "utf8"));
const floats = (file) => new Float32Array(new Uint8Array(readFileSync(file)).buffer);

const shown = await showFilm(ort, manifest, readFileSync(artifact), floats(frames), floats(lens));
writeFileSync(
  outputs,
  Buffer.concat(shown.map((x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength))),
);
