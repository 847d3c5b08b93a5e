"""The part of a benchmark that runs where the artifact runs, sent there as one zipped file.

It needs Python 3.9, numpy and the runtime it measures, and imports nothing of BokehFlow (but for
the runtime `torch`, which is BokehFlow). `serve` receives a job and watches over it; `measure` is
the fresh process in which one artifact is loaded and timed. Here and on another machine the same
file does both.
"""
