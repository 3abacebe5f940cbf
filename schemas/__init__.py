"""Tables of the law, schemas of messages and records, and samples; data, never code."""
