"""Makes the builder of valid evidence importable by its file, as import mode importlib needs."""

import importlib.util
import sys
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("evidence_build", Path(__file__).parent / "build.py")
_MODULE = importlib.util.module_from_spec(_SPEC)
sys.modules["evidence_build"] = _MODULE
_SPEC.loader.exec_module(_MODULE)
