"""Write the bytecode of these files beside them, as an import does. Skip files that do not compile."""

import sys
from importlib.machinery import SourceFileLoader

for path in sys.argv[1:]:
    try:
        SourceFileLoader("", path).get_code("")
    except Exception:
        continue
