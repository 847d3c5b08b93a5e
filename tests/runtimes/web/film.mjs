// A film through an ONNX artifact in ONNX Runtime Web, by the manifest alone.

/**
 * The outputs after the last frame, a Float32Array each, in the manifest's order.
 *
 * ort: the package onnxruntime-web. manifest: the artifact's, parsed. model: the bytes of its file.
 * frames: the values of one frame after another; lens: those of one lens.
 */
export async function showFilm(ort, manifest, model, frames, lens) {
  const shapes = Object.fromEntries(manifest.inputs.map(({ name, shape }) => [name, shape]));
  const count = (name) => shapes[name].reduce((product, size) => product * size, 1);
  const tensor = (name, values) => new ort.Tensor("float32", values, shapes[name]);

  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const pairs = Object.entries(manifest.state_pairs);
  let state = Object.fromEntries(
    pairs.map(([name]) => [name, tensor(name, new Float32Array(count(name)))]),
  );
  let outputs = {};
  let runs = manifest.temporal.first_frame_runs;
  for (let start = 0; start < frames.length; start += count("image")) {
    const image = tensor("image", frames.slice(start, start + count("image")));
    for (let run = 0; run < runs; run++) {
      outputs = await session.run({ image, lens: tensor("lens", lens), ...state });
      state = Object.fromEntries(pairs.map(([name, source]) => [name, outputs[source]]));
    }
    runs = 1;
  }
  return manifest.outputs.map(({ name }) => outputs[name].data);
}
