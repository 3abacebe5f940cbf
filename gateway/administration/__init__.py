"""THE OFFICE: what an operator changes about who may speak; `carrying_out` does it."""
