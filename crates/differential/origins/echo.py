"""Runs every request and says so, a line of JSON each, before it answers."""

import hashlib
import json
import os
import sys
import threading

from waitress.server import create_server


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    context = environ.get("HTTP_PORTREEVE_CONTEXT")
    run = {
        "method": environ["REQUEST_METHOD"],
        "target": environ.get("REQUEST_URI", ""),
        "path": environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        "host": environ.get("HTTP_HOST", ""),
        "contexts": [context] if context else [],
        "length": len(body),
        "body": hashlib.sha256(body).hexdigest(),
    }
    os.write(1, (json.dumps(run) + "\n").encode())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"ran\n"]


server = create_server(app, host="127.0.0.1", port=0, threads=2)
os.write(1, f"{server.effective_port}\n".encode())
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.run()
