"""Where the process that changes hosts begins: gevent patches the standard library, and only then is anything imported.

What opens sockets must find them patched; it is why this is a process of its own.
"""

import sys
from importlib import import_module

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()
    sys.exit(import_module("deploys.worker").main())
