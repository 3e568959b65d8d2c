"""`python -m infra.stack`: the stack from the command line."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time

from infra.stack.config import Config
from infra.stack.errors import StackError
from infra.stack.stack import Stack
from infra.stack.table import table
from infra.toolchain import ToolMissing


def main() -> int:
    """Run one command; an error is a message, not a traceback."""
    arguments = _parser().parse_args()
    try:
        stack = Stack(config=Config.from_environment())
        return int(arguments.command(stack, arguments) or 0)
    except (StackError, ToolMissing) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; what was started goes on, `make down` stops it", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.stack", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start everything and wait until it is ready")
    up.add_argument("--only", help="services to start, separated by commas")
    up.add_argument("--timeout", type=float, default=120, help="seconds (default: 120)")
    up.set_defaults(command=_up)
    commands.add_parser("down", help="stop everything, keep the data").set_defaults(command=_down)
    commands.add_parser("status", help="a line for each service").set_defaults(command=_status)
    logs = commands.add_parser("logs", help="follow the logs")
    logs.add_argument("services", nargs="*", help="all unless given")
    logs.set_defaults(command=_logs)
    env = commands.add_parser("env", help="print variables for a shell: eval $(... env)")
    env.set_defaults(command=_env)
    clean = commands.add_parser("clean", help="stop everything and delete the data")
    clean.set_defaults(command=_clean)
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


def _up(stack: Stack, arguments: argparse.Namespace) -> None:
    begin = time.monotonic()
    only = arguments.only.split(",") if arguments.only else None
    for service, address in stack.config.elsewhere.items():
        _say(f"   elsewhere  {service} at {address}")
    stack.up(only, timeout=arguments.timeout, report=_say)
    _say(f"the stack is up, in {time.monotonic() - begin:.1f} s")
    links = {"api": "/openapi.json", "temporal_ui": "", "mlflow": ""}
    for name, path in links.items():
        service = name.removesuffix("_ui")
        if service in (only or stack.services) and service not in stack.config.elsewhere:
            _say(f"  {name.replace('_', ' '):12} {stack.urls[name]}{path}")


def _down(stack: Stack, arguments: argparse.Namespace) -> None:
    begin = time.monotonic()
    strays = stack.down()
    _say(f"the stack is down, in {time.monotonic() - begin:.1f} s")
    if strays:
        _say(f"ended {strays} processes that did not end by themselves")


def _status(stack: Stack, arguments: argparse.Namespace) -> int:
    lines = table(stack)
    print("\n".join(lines) if lines else "the stack is down; `make up` starts it")
    return 0 if lines else 3


def _logs(stack: Stack, arguments: argparse.Namespace) -> None:
    layout = stack.config.layout
    unknown = set(arguments.services) - {*stack.services, "supervisord"}
    if unknown:
        raise StackError(
            f"no such service: {', '.join(sorted(unknown))}; there are {', '.join(stack.services)}"
        )
    files = [layout.log(name) for name in arguments.services or stack.services]
    found = [str(file) for file in files if file.exists()]
    if not found:
        raise StackError(f"there are no logs in {layout.logs} yet; `make up` starts the stack")
    sys.stdout.flush()
    os.execvp("tail", ["tail", "-n", "50", "-F", *found])


def _env(stack: Stack, arguments: argparse.Namespace) -> None:
    for name, value in stack.env.items():
        print(f"export {name}={shlex.quote(value)}")


def _clean(stack: Stack, arguments: argparse.Namespace) -> None:
    stack.clean()
    _say(f"deleted {stack.config.layout.state_dir}")


if __name__ == "__main__":
    sys.exit(main())
