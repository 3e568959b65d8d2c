"""The command line: `perennial`. It speaks the HTTP interface and nothing else.

Start-up is kept short: a command's module is light, and httpx and rich are imported only where an
answer is fetched or drawn.
"""

from __future__ import annotations


def main() -> None:
    """Run the command that `sys.argv` names, and end the process with its exit code."""
    from perennial.cli.app import run

    run()
