"""What talks; no rules live here."""
