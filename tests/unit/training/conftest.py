"""The scripts of training are no package: they are imported from their folder."""

import sys
from pathlib import Path

FOLDER = str(Path(__file__).parents[3] / "training")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)
