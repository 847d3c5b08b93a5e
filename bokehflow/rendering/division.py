"""What the renderer's divisors are kept above."""

LEAST_DIVISOR = 1e-4
"""A normal number in half precision too; what is divided by it is zero where it should be."""
