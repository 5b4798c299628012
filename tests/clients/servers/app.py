"""The same application for WSGI (`wsgi`) and ASGI (`asgi`): answers with the process ID of the server."""

import os


def wsgi(environ, start_response):
    # Under gunicorn a worker answers; its parent is the process that xassume started.
    body = str(os.getppid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body))), ("Connection", "close")])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body = str(os.getpid()).encode()
    headers = [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
