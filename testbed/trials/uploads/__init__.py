"""Resumable uploads (tus 1.0): a file that arrives in pieces, over several requests and several days."""
