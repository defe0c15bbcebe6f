"""Every module of storage can be the first that is imported: no command finds the package half made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRY_EACH = """
import importlib, pathlib, sys
for path in sorted(pathlib.Path("storage").glob("*.py")):
    for name in [one for one in sys.modules if one.partition(".")[0] == "storage"]:
        del sys.modules[name]
    importlib.import_module(f"storage.{path.stem}")
    print(path.stem)
"""


def test_any_module_of_storage_may_be_imported_first() -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter, our own text
        [sys.executable, "-c", TRY_EACH], cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert len(done.stdout.split()) > 25
