"""The command line, `cms-gateway`."""


def main() -> None:
    """Run the command line; never returns, but exits with a code of `gateway.cli.exits`."""
    from gateway.cli.root import root  # noqa: PLC0415 - so that importing a command is not running

    root(prog_name="cms-gateway")
