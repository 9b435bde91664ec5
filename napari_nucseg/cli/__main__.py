"""The command as ``python -m napari_nucseg.cli``."""

import sys

from . import main

sys.exit(main())
