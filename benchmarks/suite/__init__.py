"""The whole comparison in one go: every lowering on every runtime, beside its floor and PyTorch."""
