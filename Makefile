# The two commands: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --no-compile
# Two processes of one thread each are faster than one process of two on these small tensors.
TEST_WORKERS ?= 2

.PHONY: demo test check lint bench setup clean

setup: .venv/.ready

.venv/.ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	# torch first and exactly: a looser request may bring gigabytes of CUDA packages.
	$(PIP) "$$(grep '^torch==' requirements.txt)"
	$(PIP) --no-deps -r requirements.txt
	$(PIP) --no-deps --no-build-isolation -e .
	# pip compiles to bytecode with one processor. Packages hold files for other Pythons, which fail.
	$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib || true
	touch $@

demo: .venv/.ready
	$(BIN)/bfx export --variant nano --target all --output-dir out/artifacts
	$(BIN)/bfx validate out/artifacts/*_fp32.onnx out/artifacts/*_fp32_openvino \
		out/artifacts/*_fp16.mlpackage
	$(BIN)/python -m bokehflow.calibration.demo_photo out
	$(BIN)/bfx render out/motorcycle.png --depth out/motorcycle_depth.npy \
		--f-number 1.8 --focal-length-mm 85 --focus-point 40%,60% \
		-o out/motorcycle_bokeh.png --side-by-side out/before_after.png
	$(BIN)/bfx quantize out/artifacts/*_fp32.onnx --recipe int8-mixed --samples 12
	$(BIN)/bfx report out/artifacts/*_fp32.onnx out/artifacts/*_int8-mixed.onnx \
		out/artifacts/*_fp32_openvino out/artifacts/*_fp16.mlpackage \
		--frames 6 --evaluated-frames 1 --rounds 1 -o out/report.html

test: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup

lint: .venv/.ready
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Every lowering on every runtime, beside its floor and PyTorch, all of it twice: about forty minutes
# on two cores. Rows that an interrupted run of the same sources, versions and machine measured are
# kept; BENCH=--fresh measures anew, BENCH="--rounds 1" once.
bench: .venv/.ready
	$(BIN)/python -m bokehflow.benchmarks.suite $(BENCH)

check: lint test

clean:
	rm -rf .venv out dist build *.egg-info
