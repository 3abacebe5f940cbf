"""What other departments send."""
