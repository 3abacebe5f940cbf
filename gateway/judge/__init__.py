"""The judge: verifies receipts, feeds and ledgers with a public key and code of its own."""
