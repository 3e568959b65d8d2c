"""Where the demo plays: it types commands, lets their output through, and takes the time."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from perennial.cli import exits

CHECKOUT = Path(__file__).resolve().parents[2]


class SceneFailed(Exception):
    """Something went otherwise than the demo tells; the message says what."""


class Stage:
    """A terminal on which the commands of the demo are run, one after the other."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._env = dict(os.environ if environ is None else environ)
        # One thing is said at a time, so the order on the terminal is the order of events.
        self._env["PYTHONUNBUFFERED"] = "1"
        self._out = Console(highlight=False)
        self._begin = time.monotonic()
        self._scene_begin = self._begin
        self._scenes: list[tuple[str, float]] = []
        self._title = ""

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self._begin

    def scene(self, title: str, about: str = "") -> None:
        """Begin a scene: a headline, and a line on what will be seen."""
        self._close_scene()
        self._title, self._scene_begin = title, time.monotonic()
        self._out.print()
        self._out.rule(f"[bold]{len(self._scenes) + 1}. {escape(title)}", align="left", style="dim")
        if about:
            self._out.print(f"[dim]{escape(about)}[/]")

    def say(self, text: str, style: str = "") -> None:
        """A line of the narrator's."""
        self._out.print(escape(text), style=style or None, soft_wrap=True)

    def type(self, *arguments: str, ends: int = exits.OK) -> None:
        """Run `perennial` with these arguments, and check how it ends.

        Raises:
            SceneFailed: it ended with another exit code than `ends`.
        """
        line = shlex.join(["perennial", *arguments])
        self._out.print(f"\n[bold green]$[/] [bold]{escape(line)}[/]", soft_wrap=True)
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "perennial.cli", *arguments], cwd=CHECKOUT, env=self._env
        )
        took = f"{time.monotonic() - begin:.1f} s"
        if done.returncode != ends:
            raise SceneFailed(
                f"`{line}` ended with exit code {done.returncode} "
                f"({_meaning(done.returncode)}), not with {ends} ({_meaning(ends)})"
            )
        self._out.print(f"[dim]  {took}, exit code {ends}: {_meaning(ends)}[/]")

    def close(self) -> None:
        """The time of each scene, and of all."""
        self._close_scene()
        self._out.print()
        for number, (title, seconds) in enumerate(self._scenes, 1):
            self._out.print(f"[dim]{number:>3}. {escape(title):<56} {seconds:6.1f} s[/]")
        self._out.print(f"[bold]     {'all of it':<56} {self.seconds:6.1f} s[/]")

    def _close_scene(self) -> None:
        if self._title:
            self._scenes.append((self._title, time.monotonic() - self._scene_begin))
        self._title = ""


def _meaning(code: int) -> str:
    return exits.MEANING.get(code, "which means nothing here").partition(";")[0]
