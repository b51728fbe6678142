"""Leafcraft keeps a shop's products, stock and orders, and never oversells."""

__version__ = "0.1.0"
