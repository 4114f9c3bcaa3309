"""Testbeds, the pilots run in them, and the evidence they leave."""

__version__ = "0.1.0"
