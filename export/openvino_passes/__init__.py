"""Rewrites of an OpenVINO model that change no result beyond rounding, one a file."""
