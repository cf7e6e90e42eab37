"""Code that users add, brought in by where it lies: a file, a folder, or the package that an entry point names."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

__all__ = ["import_file", "import_folder", "package_folder"]

_importing = threading.RLock()


def package_folder(package: str) -> Path:
    """Return where an installed package lies.

    Raises:
        ImportError: there is none; or whatever a package above it raises, which Python imports to find it.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"no package {package}")
    return Path(next(iter(spec.submodule_search_locations)))


def import_file(path: Path) -> ModuleType:
    """Import a single file; an edited file is another module, so that a swap to it runs the new text.

    Raises:
        Exception: whatever the file raises.
    """
    name = f"semcom_plugin_{path.stem}_{_digest(path, [path])}"
    return _import(name, importlib.util.spec_from_file_location(name, path))


def import_folder(folder: Path) -> ModuleType:
    """Import a folder as a package, with or without ``__init__.py``; after an edit of a file in it as another one.

    Raises:
        Exception: whatever its ``__init__.py`` raises.
    """
    name = f"semcom_plugin_{folder.name}_{_digest(folder, sorted(folder.rglob('*.py')))}"
    start = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, start) if start.is_file() else ModuleSpec(name, None)
    if spec is not None:
        spec.submodule_search_locations = [str(folder)]
    return _import(name, spec)


def _digest(path: Path, files: list[Path]) -> str:
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape"))
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _import(name: str, spec: ModuleSpec | None) -> ModuleType:
    with _importing:  # another thread would meet the module half made
        if name in sys.modules:
            return sys.modules[name]
        if spec is None:
            raise ImportError(f"{name} is no Python code")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            if spec.loader is not None:
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module
