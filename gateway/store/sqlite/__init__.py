"""The default store: one SQLite file, one writer, one flush for all that waits."""
