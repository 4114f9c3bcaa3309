"""Trials and results over HTTP."""
