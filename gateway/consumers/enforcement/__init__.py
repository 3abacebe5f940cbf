"""Enforcement: what was ordered and what was paid, and what may be done about the difference."""
