"""Health checks of the compose file, done without starting a program where we know what the program would do.

A launcher that starts Python for each check of each service would spend more on checking than the services on
working; `shared.probe`, `wget` and `valkey-cli ping` are one question and one answer over a socket.
"""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ops.compose import Health
from ops.processes import die_with_parent


async def passes(health: Health, environment: Mapping[str, str], folder: Path) -> bool:
    """Run the check once; True when it passes within its timeout."""
    try:
        async with asyncio.timeout(health.timeout):
            return await _ask(health.test, environment, folder)
    except (TimeoutError, OSError, asyncio.IncompleteReadError):
        return False


async def _ask(test: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> bool:
    match test:
        case ("CMD", "python", "-m", "shared.probe", url) | ("CMD", "wget", *_, url):
            return await _http_ok(url)
        case ("CMD", "valkey-cli", "-p", port, "ping"):
            return await _exchange("127.0.0.1", int(port), b"PING\r\n") == b"+PONG\r\n"
        case ("CMD-SHELL", line):
            return await _run(("/bin/sh", "-c", line), environment, folder)
        case _:
            return await _run(test[1:], environment, folder)


async def _exchange(host: str, port: int, question: bytes) -> bytes:
    """Send one line and return the first line of the answer."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(question)
        return await reader.readline()
    finally:
        writer.close()


async def _http_ok(url: str) -> bool:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    question = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    status = (await _exchange(host, port, question.encode())).split()
    return len(status) > 1 and status[1].startswith(b"2")


async def _run(argv: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> bool:
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=folder,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
