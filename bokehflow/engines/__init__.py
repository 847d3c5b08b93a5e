"""The one door to each engine: imported on first use, quiet, its refusals told plainly."""
