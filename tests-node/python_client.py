"""python-socketio against a server that answers the events of `reference-server.mjs`.

Run:   python3 -m pip install -r tests-node/requirements.txt      (a virtual environment will do)
       python3 tests-node/python_client.py URL [websocket] [polling] [upgrade]

Prints `ok python: name` or `not ok python: name: why` for each case, at the end `done: n failed`. Exit code 0 if
all is well, 1 if a case failed, 2 if it could not begin. It always ends by itself.
"""

import os
import queue
import sys
import threading
import time

try:
    import socketio
except ImportError:
    print("not ok python: begins: python -m pip install -r tests-node/requirements.txt")
    sys.exit(2)

PATIENCE = 5
LIMIT = 60
TRANSPORTS = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": None}


class Peer:
    """One client, with a queue of what it hears."""

    def __init__(self, url, transport, namespace="/", auth=None):
        self.namespace = namespace
        self.client = socketio.Client(reconnection=False)
        self.heard = {}
        self.reply = None
        for event in ("echo", "answer", "news", "disconnect"):
            self.client.on(event, self._keep(event), namespace=namespace)
        self.client.on("question", lambda *args: self.reply, namespace=namespace)
        self.client.connect(url, transports=TRANSPORTS[transport], namespaces=[namespace], auth=auth, wait_timeout=PATIENCE)

    def _keep(self, event):
        self.heard[event] = queue.Queue()
        return lambda *args: self.heard[event].put(list(args))

    @property
    def id(self):
        return self.client.get_sid(self.namespace)

    def emit(self, event, *args):
        self.client.emit(event, args, namespace=self.namespace)

    def ask(self, event, *args):
        return self.client.call(event, args, namespace=self.namespace, timeout=PATIENCE)

    def next(self, event):
        return self.heard[event].get(timeout=PATIENCE)

    def settle(self):
        """All that was sent to this client before is in its queues afterwards."""
        self.ask("echo-ack")
        self.emit("echo", "settled")
        while self.next("echo") != ["settled"]:
            pass


def same(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def events(connect, _transport):
    peer = connect()
    for args in ([], [1, 2.5, None, True], ["ü漢😀", {"a": {"b": [1, None, {}]}}], [[], [[1]]]):
        peer.emit("echo", *args)
        same(peer.next("echo"), args)


def binary(connect, _transport):
    peer = connect()
    for args in ([bytes(range(256))], [b""], ["a", {"deep": [b"\x01", {"er": b"\x02\x03"}]}, b"\xff"]):
        peer.emit("echo", *args)
        same(peer.next("echo"), args)


def acks(connect, _transport):
    peer = connect()
    same(peer.ask("echo-ack", 1), 1)
    same(peer.ask("echo-ack", [1, 2]), [1, 2])
    same(peer.ask("echo-ack", 1, "two"), (1, "two"))
    same(peer.ask("echo-ack", {"bin": b"\x00\x01"}), {"bin": b"\x00\x01"})


def asked(connect, _transport):
    peer = connect()
    for reply, answer in ((7, [7]), ((1, "two"), [1, "two"]), (b"\x07", [b"\x07"])):
        peer.reply = reply
        peer.emit("ask", "why")
        same(peer.next("answer"), answer)


def rooms(connect, _transport):
    namespace = f"/dyn-{time.time_ns()}"
    first, second, third = (connect(namespace) for _ in range(3))
    for peer in (first, second):
        same(peer.ask("join", "r"), "ok")
    same(first.ask("rooms"), [first.id, "r"])
    first.emit("to-room", "r", "news", 1)
    first.emit("in-room", "r", "news", b"\x02")
    first.emit("broadcast", "news", 3)
    first.emit("to-room", third.id, "news", 4)
    for peer, wanted in ((first, [[b"\x02"]]), (second, [[1], [b"\x02"], [3]]), (third, [[3], [4]])):
        first.settle()
        peer.settle()
        same(list(peer.heard["news"].queue), wanted)


def namespaces(connect, _transport):
    peer = connect("/admin", {"token": "sesame"})
    same(peer.ask("handshake")["auth"], {"token": "sesame"})
    for namespace in ("/admin", "/nowhere"):
        try:
            connect(namespace)
        except socketio.exceptions.ConnectionError:
            continue
        raise AssertionError(f"{namespace} took us")


def kicked(connect, _transport):
    peer = connect()
    peer.emit("kick")
    same(peer.next("disconnect"), [peer.client.reason.SERVER_DISCONNECT])


def stays(connect, _transport):
    """Longer than the server's ping interval and timeout together."""
    peer = connect()
    time.sleep(3.6)
    same(peer.ask("echo-ack", 1), 1)


def upgrades(connect, transport):
    peer = connect()
    wanted = "polling" if transport == "polling" else "websocket"
    same(peer.client.transport(), wanted)


CASES = [events, binary, acks, asked, rooms, namespaces, kicked, stays, upgrades]


def run(url, transport, case, failures):
    peers = []

    def connect(namespace="/", auth=None):
        peers.append(Peer(url, transport, namespace, auth))
        return peers[-1]

    name = f"{case.__name__} ({transport})"
    try:
        case(connect, transport)
        print(f"ok python: {name}", flush=True)
    except Exception as error:  # a case may fail in any way
        failures.append(name)
        print(f"not ok python: {name}: {type(error).__name__} {error}", flush=True)
    finally:
        for peer in peers:
            peer.client.disconnect()


def main():
    url, *chosen = sys.argv[1:] or [None]
    if url is None or any(transport not in TRANSPORTS for transport in chosen):
        print(__doc__)
        return 2
    failures = []
    threads = [
        threading.Thread(target=run, args=(url, transport, case, failures), daemon=True)
        for transport in chosen or TRANSPORTS
        for case in CASES
    ]
    end = time.monotonic() + LIMIT
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
        if thread.is_alive():
            failures.append("time")
            print(f"not ok python: it ends by itself: not done after {LIMIT} s")
            break
    print(f"done: {len(failures)} failed", flush=True)
    return 1 if failures else 0


# Threads of the package may linger; the result is known.
result = main()
sys.stdout.flush()
os._exit(result)
