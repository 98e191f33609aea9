"""`python -m shared.ui plus trash`: copies icons of these names from node_modules (or $ASSETS_DIR) to `icons/`."""

import os
import sys
from pathlib import Path

from shared.ui.icon import copy_icons

PROJECT = Path(__file__).resolve().parents[2]

copy_icons(sys.argv[1:], Path(os.environ.get("ASSETS_DIR", PROJECT / "node_modules")))
