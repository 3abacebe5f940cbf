"""What employers send."""
