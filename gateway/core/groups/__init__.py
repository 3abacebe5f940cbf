"""Disclosure groups: what a record is made of, and what a consumer sees or does not, whole."""
