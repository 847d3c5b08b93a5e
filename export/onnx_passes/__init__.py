"""Rewrites of an ONNX graph (onnx-ir) that change no result, one a file."""
