"""What makes certificates for development and tests, and the policy for all; never a private key."""
