"""The formats organisations already produce; pure."""
