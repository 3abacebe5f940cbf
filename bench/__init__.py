"""What it costs, as ratios against the bare cost of the parts: `make bench`."""
