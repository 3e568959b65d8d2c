"""Builds what is in C with the package, where there is a compiler.

Without one the package does the same, and the data plane pays more for its log of requests
(`serving/plain_records.py`).
"""

from __future__ import annotations

import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension

SOURCES = "serving/_pieces.c", "serving/_records.c"


class BuildSources(BuildHookInterface[Any]):
    """Part of each wheel, and of an installation that can be edited."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build each beside its source, from where it is imported and packed."""
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        wanted = [Path(self.root, source).with_suffix(suffix) for source in SOURCES]
        for each in wanted:
            each.unlink(missing_ok=True)
        self._build()
        if built := [str(each.relative_to(self.root)) for each in wanted if each.exists()]:
            build_data["pure_python"], build_data["infer_tag"] = False, True
            build_data["artifacts"] += built
        if len(built) < len(wanted):
            self.app.display_warning(f"not all of {SOURCES} were built; Python stands in for them")

    def _build(self) -> None:
        modules = [
            Extension(
                source.removesuffix(".c").replace("/", "."),
                [source],
                include_dirs=[np.get_include()],
                extra_compile_args=["-O3"],
                optional=True,
            )
            for source in SOURCES
        ]
        command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
        command.inplace, command.force = True, True
        with tempfile.TemporaryDirectory() as objects:
            command.build_temp = command.build_lib = objects
            command.ensure_finalized()
            command.run()
