"""Human-in-the-loop active learning: import → embed → train → predict → query → label → store → evaluate → chart."""

__version__ = "0.2.0"
