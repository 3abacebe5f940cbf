"""The HTTP door: a table of routes, handlers of a few lines, and the translation of refusals."""
