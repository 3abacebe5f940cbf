"""The ground: rules and values; touches no clock, disk, socket, environment or logger."""
