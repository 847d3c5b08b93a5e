"""How good a set of weights is: depth, bokeh and steadiness, beside baselines that know nothing."""
