"""Accept connections on the TCP ports named as arguments, and close them at once; a port in use is left alone.

The service manager is told as soon as somebody listens on all of them.
"""

import contextlib
import os
import selectors
import socket
import sys

with selectors.DefaultSelector() as selector:
    for port in sys.argv[1:]:
        # Whoever holds the port already listens on it, which is all that is wanted.
        with contextlib.suppress(OSError):
            server = socket.create_server(("", int(port)))
            selector.register(server, selectors.EVENT_READ, data=server)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    while True:
        for key, _ in selector.select():
            connection, _ = key.data.accept()
            connection.close()
