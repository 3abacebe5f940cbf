"""Tracing: who somebody is and where, from every source, with what speaks for each."""
