"""Streaming readers and writers of CSV, JSON and XML."""
