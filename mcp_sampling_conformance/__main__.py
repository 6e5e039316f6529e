"""``python -m mcp_sampling_conformance``: the command ``mcp-sampling-conformance``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
