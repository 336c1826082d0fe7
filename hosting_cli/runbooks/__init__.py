"""Runbooks: read from Markdown, resolved for one occasion, decided step by step, carried out and recorded."""
