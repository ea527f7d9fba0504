"""The channel layer between two processes: delay from group_send to receive, and how much goes through in a burst.

Our LISTEN/NOTIFY layer and, where redis-server is installed, the Redis pub/sub layer beside it. N consumers in one
receiving process, messages of 100 bytes. The bar: nothing is lost, and the delay is on a par with Redis's in the same
run. Needs DATABASE_URL.

Run: python -m bench.channel_layer [--short] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from channels_redis.pubsub import RedisPubSubChannelLayer

from helpdesk.channel_layer import PostgresNotifyLayer

#: Consumers and the pace of messages a second at which the delay is taken.
PACES = {1: 20, 100: 20, 1000: 4}
BURSTS = {1: 4000, 100: 1000, 1000: 100}
BODY = "x" * 100


def make_layer(kind: str, address: str) -> Any:
    """The layer under test, with queues that hold a whole burst."""
    if kind == "postgres":
        return PostgresNotifyLayer(dsn=address, capacity=100_000)
    return RedisPubSubChannelLayer(hosts=[address])


async def receive(layer: Any, consumers: int) -> None:
    """The receiving process: prints `ready`, then per round the delays in milliseconds and the time it took."""
    delays: list[float] = []

    async def consumer() -> None:
        channel = await layer.new_channel()
        await layer.group_add("bench", channel)
        joined.release()
        while True:
            message = await layer.receive(channel)
            if message["type"] == "end":
                ended.release()
            else:
                delays.append((time.monotonic() - message["at"]) * 1000)

    joined, ended = asyncio.Semaphore(0), asyncio.Semaphore(0)
    tasks = [asyncio.ensure_future(consumer()) for _ in range(consumers)]
    for _ in tasks:
        await joined.acquire()
    for _ in range(2):
        print("ready", flush=True)
        for _ in tasks:
            await ended.acquire()
        print(json.dumps({"delays": delays, "at": time.monotonic()}), flush=True)
        delays.clear()
    for task in tasks:
        task.cancel()
    await layer.flush()


async def send(kind: str, address: str, consumers: int, share: float) -> dict[str, float]:
    """The sending process: a paced round for the delay, then a burst; the figures of one cell."""
    layer = make_layer(kind, address)
    # A sender that is a server holds its connection; so does this one, which therefore listens too.
    await layer.group_add("sender", await layer.new_channel())
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.channel_layer", "--receive", kind, address, str(consumers),
        stdout=subprocess.PIPE, limit=2**28,
    )  # fmt: skip
    assert child.stdout is not None
    pace = PACES[consumers]
    await child.stdout.readline()
    for _ in range(max(int(pace * 20 * share), 10)):
        await layer.group_send("bench", {"type": "n", "at": time.monotonic(), "body": BODY})
        await asyncio.sleep(1 / pace)
    await layer.group_send("bench", {"type": "end"})
    delays = json.loads(await child.stdout.readline())["delays"]
    await child.stdout.readline()
    count = max(int(BURSTS[consumers] * share), 20)
    begin = time.monotonic()
    for _ in range(count):
        await layer.group_send("bench", {"type": "n", "at": time.monotonic(), "body": BODY})
    sent = time.monotonic()
    await layer.group_send("bench", {"type": "end"})
    burst = json.loads(await child.stdout.readline())
    await child.wait()
    await layer.flush()
    return {
        "p50 ms": statistics.median(delays),
        "p99 ms": statistics.quantiles(delays, n=100)[98],
        "sends/s": count / (sent - begin),
        "deliveries/s": len(burst["delays"]) / (burst["at"] - begin),
        "lost": count * consumers - len(burst["delays"]),
    }


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of our own; gives its address, or nothing where redis-server is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield ""
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


def main() -> int:
    """Prints the table; exit status 1 where messages were lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a fifth of the messages")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--receive", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        kind, address, consumers = options.receive
        asyncio.run(receive(make_layer(kind, address), int(consumers)))
        return 0
    database = os.environ.get("DATABASE_URL")
    if not database:
        print("DATABASE_URL is not set: name a PostgreSQL server, or run this by `make bench`.", file=sys.stderr)
        return 2
    psycopg.connect(database).close()
    lost = 0.0
    with redis_server() as redis:
        for consumers in PACES:
            for kind, address in (("postgres", database), ("redis", redis)):
                if not address:
                    print("redis: no data, redis-server is not installed")
                    continue
                cell = asyncio.run(send(kind, address, consumers, 0.2 if options.short else 1.0))
                lost += cell["lost"] if kind == "postgres" else 0
                if options.json:
                    print(json.dumps({"bench": "channel_layer", "layer": kind, "consumers": consumers} | cell))
                else:
                    figures = "  ".join(f"{name} {value:,.1f}" for name, value in cell.items())
                    print(f"{kind:9} N={consumers:<5} {figures}", flush=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
