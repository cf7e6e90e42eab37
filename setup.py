"""Packs the repository root as the package `semcom`: every folder of code becomes `semcom.<folder>`."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

FLOORS = ["sim*", "models*", "blocks*", "flowgraphs*", "cli*"]
NOT_MODULES = {"setup", "conftest"}


class BuildFresh(build_py):
    """Builds from nothing: a stale `build/` would keep deleted blocks alive, and the path is the name."""

    def run(self) -> None:
        """Clear what an earlier build left, then build."""
        if not self.editable_mode:
            shutil.rmtree(Path(self.build_lib) / "semcom", ignore_errors=True)
        super().run()

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """Leave out what lies in the root and is no module of the package."""
        modules = super().find_package_modules(package, package_dir)
        return [m for m in modules if package != "semcom" or m[1] not in NOT_MODULES]


packages = find_packages(include=FLOORS)
setup(
    package_dir={"semcom": ".", **{f"semcom.{name}": name.replace(".", "/") for name in packages}},
    packages=["semcom", *(f"semcom.{name}" for name in packages)],
    package_data={
        "semcom": ["py.typed"],
        "semcom.flowgraphs": ["*.yaml", "grc/examples/*"],
        "semcom.sim": ["**/*.csv", "**/*.yaml"],
        "semcom.models": ["**/*.safetensors", "**/*.json", "**/*.csv", "**/*.yaml"],
    },
    cmdclass={"build_py": BuildFresh},
)
