"""The command line, `cms-gateway`."""

import io
import sys


def main() -> None:
    """Run the command line; never returns, but exits with a code of `gateway.cli.exits`."""
    from gateway.cli.root import root  # noqa: PLC0415 - so that importing a command is not running

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A line is seen when it is written, by who reads a pipe too.
        sys.stdout.reconfigure(line_buffering=True)
    root(prog_name="cms-gateway")
