"""Statistics: what is collected and arranged, what is in force, and who pays, by quarter."""
