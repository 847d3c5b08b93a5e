"""Artifacts on disk with their manifests: named, written, read, packed and checked."""
