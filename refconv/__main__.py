"""``python -m refconv`` is the command ``refconv``."""

import sys

from refconv.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
