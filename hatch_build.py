"""Builds `serving/_records.c` with the package, where there is a compiler.

Without one the package is the same, and the data plane pays more for its log of requests
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

MODULE, SOURCE = "serving._records", "serving/_records.c"


class BuildRecords(BuildHookInterface[Any]):
    """Part of each wheel, and of an installation that can be edited."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it beside its source, from where it is imported and packed."""
        built = Path(self.root, SOURCE).with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
        built.unlink(missing_ok=True)
        records = Extension(
            MODULE,
            [SOURCE],
            include_dirs=[np.get_include()],
            extra_compile_args=["-O3"],
            optional=True,
        )
        command = Distribution({"ext_modules": [records]}).get_command_obj("build_ext")
        command.inplace, command.force = True, True
        with tempfile.TemporaryDirectory() as objects:
            command.build_temp = command.build_lib = objects
            command.ensure_finalized()
            command.run()
        if built.exists():
            build_data["pure_python"], build_data["infer_tag"] = False, True
            build_data["artifacts"].append(str(built.relative_to(self.root)))
        else:
            self.app.display_warning(f"{SOURCE} could not be built; Python stands in for it")
