#!/usr/bin/python3 -SE
"""The program of the units: a worker that sends notifications if it may, and a web server if it gets a socket."""

import os
import signal
import socket
import time


def say(text):
    print(text, flush=True)


def notify(text):
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)


def reload(*_):
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
    say("reloaded")
    notify("READY=1\nSTATUS=reloaded")


def stop(*_):
    # The loop ends, so that a connection that was accepted gets its answer.
    global running
    running = False


running = True
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGHUP, reload)
web = None
if os.environ.get("LISTEN_PID") == str(os.getpid()):
    web = socket.socket(fileno=3)
    web.settimeout(0.5)
notify("READY=1\nSTATUS=serving")
say(f"serves with {os.environ.get('AWS_ACCESS_KEY_ID')} {os.environ.get('LISTEN_FDNAMES')}")
while running:
    if not os.path.exists("/run/hang"):
        notify("WATCHDOG=1")
    if web is None:
        time.sleep(0.5)
        continue
    try:
        connection, _ = web.accept()
    except TimeoutError:
        continue
    with connection:
        connection.settimeout(5)
        connection.recv(4096)
        connection.sendall(f"HTTP/1.0 200 OK\r\n\r\n{os.getpid()} {os.environ['LISTEN_FDNAMES']}".encode())
say("stopped")
