"""What banks and building societies send."""
