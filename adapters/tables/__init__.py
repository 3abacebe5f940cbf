"""Any record, in a table or as JSON lines: templates made from the record types, read and written."""
