"""One service of the compose file while it runs: started when what it needs is there, watched, started again."""

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ops import probes
from ops.compose import COMPLETED, HEALTHY, Spec
from ops.failure import Failure
from ops.journal import LogFile, Terminal, last_lines
from ops.native import Program
from ops.processes import Known, die_with_parent, know, send_group

SHORT_LIFE = 10  # seconds; who lived longer starts again at once
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
TRIES = 5  # before a service that never came up is given up
PATIENCE = 120  # seconds for a service to become healthy the first time
MAX_LINE = 1 << 20


def next_pause(pause: float, lived: float) -> float:
    """Return how long to wait before the next start: doubled after each short life, short again after a long one."""
    if lived >= SHORT_LIFE:
        return FIRST_PAUSE
    return min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)


class Part:
    """Runs one service. `find_program` may block; `changed` is called whenever the state or process is another."""

    def __init__(
        self,
        spec: Spec,
        logs: Path,
        terminal: Terminal,
        find_program: Callable[[Spec], Program],
        changed: Callable[[], None],
    ) -> None:
        self.spec, self.terminal, self.find_program, self.changed = spec, terminal, find_program, changed
        self.log_path = logs / f"{spec.name}.log"
        self.process: Process | None = None
        self.known: Known | None = None
        self.state = "waiting"
        self.restarts = 0
        self.came_up = False
        self.stopping = False
        self.starting = asyncio.Lock()
        self.started, self.healthy, self.completed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @property
    def ready(self) -> asyncio.Event:
        """What must happen before this service counts as ready."""
        if not self.spec.restarts:
            return self.completed
        return self.healthy if self.spec.health else self.started

    def event(self, condition: str) -> asyncio.Event:
        """Return the event of a `depends_on` condition."""
        return {HEALTHY: self.healthy, COMPLETED: self.completed}.get(condition, self.started)

    def describe(self) -> dict[str, Any]:
        """Return what run.json keeps of this service."""
        known = self.known
        return {
            "state": self.state,
            "pid": known.pid if known else None,
            "started": known.started if known else None,
            "stop_signal": self.spec.stop_signal.name,
            "grace": self.spec.grace,
            "restarts": self.restarts,
            "program": self.spec.image or " ".join(self.spec.command),
        }

    def _become(self, state: str) -> None:
        self.state = state
        self.changed()

    async def run(self, others: Mapping[str, "Part"]) -> None:
        """Live until stopped; return when a one-shot is done; Failure when it cannot work."""
        for name, condition in self.spec.needs.items():
            await others[name].event(condition).wait()
        pause = 0.0
        while not self.stopping:
            began = time.monotonic()
            code = await self._live_once()
            if self.stopping:
                return
            if not self.spec.restarts:
                self._finish(code)
                return
            self.restarts += 1
            pause = next_pause(pause, time.monotonic() - began)
            if not self.came_up and self.restarts >= TRIES:
                raise Failure(self._report(f"{self.spec.name} does not start"))
            self.terminal.say(self.spec.name, f"ended with {code}; starts again in {pause:g} s")
            self._become("restarting")
            await asyncio.sleep(pause)

    def _finish(self, code: int) -> None:
        if code:
            self._become("failed")
            raise Failure(self._report(f"{self.spec.name} failed with {code}"))
        self._become("done")
        self.completed.set()

    def _report(self, what: str) -> str:
        lines = last_lines(self.log_path, 12)
        return f"{what}. Its last lines, from {self.log_path}:\n" + "\n".join(f"  {line[:400]}" for line in lines)

    async def _live_once(self) -> int:
        """Start the process, watch it, and return its exit code once it and its group are gone."""
        async with self.starting:
            if self.stopping:
                return 0
            program = await asyncio.to_thread(self.find_program, self.spec)
            process, output = await self._start(program)
            self.process, self.known = process, know(process.pid)
        self._become("starting" if self.spec.health else "running")
        self.started.set()
        if not self.spec.health and self.spec.restarts:
            self.terminal.say(self.spec.name, "running")
        pump = asyncio.create_task(self._pump(output))
        watch = asyncio.create_task(self._watch(program))
        try:
            code = await self._outcome(process, watch)
        finally:
            watch.cancel()
            self.healthy.clear()
        if not self.stopping:
            send_group(process.pid, signal.SIGKILL)  # a worker without its master would hold the port
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(pump, 1)
        self.known = None
        return code

    async def _start(self, program: Program) -> tuple[Process, int]:
        """Start the process; return it with the end of the pipe that reads what it prints."""
        output, write_end = os.pipe()  # not asyncio's own: its wait() hangs while a grandchild holds the pipe
        try:
            process = await asyncio.create_subprocess_exec(
                *program.argv,
                cwd=program.folder,
                env=program.environment,
                stdin=DEVNULL,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
                preexec_fn=die_with_parent(self.spec.stop_signal),
                **program.start_as,  # type: ignore[arg-type]
            )
        except FileNotFoundError:
            os.close(output)
            raise Failure(f"{self.spec.name}: there is no program {program.argv[0]}.") from None
        finally:
            os.close(write_end)
        return process, output

    async def _outcome(self, process: Process, watch: asyncio.Task[None]) -> int:
        """Wait for the end of the process; Failure from the watch ends the wait."""
        ending = asyncio.create_task(process.wait())
        await asyncio.wait({ending, watch}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done() and not watch.cancelled() and (trouble := watch.exception()):
            raise trouble
        return await ending

    async def _pump(self, output: int) -> None:
        """Carry what the service prints into its log, line by line."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb")
        )
        log = LogFile(self.log_path)
        rest = b""
        try:
            while block := await reader.read(1 << 16):
                *lines, rest = (rest + block).split(b"\n")
                if len(rest) > MAX_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._print(log, line)
            if rest:
                self._print(log, rest)
        finally:
            transport.close()
            log.close()

    def _print(self, log: LogFile, line: bytes) -> None:
        log.write(line + b"\n")
        if self.stopping and not self.terminal.verbose:
            return  # what it says of those it needs, which stop as well
        text = line.decode(errors="replace").rstrip()
        # What a program warns of while it starts is about this machine, and the same every time.
        self.terminal.show_log(self.spec.name, text, warnings=self.came_up)

    async def _watch(self, program: Program) -> None:
        """Check health: often until it is there, then as often as the compose file says."""
        health = self.spec.health
        if health is None:
            if self.spec.restarts:
                await asyncio.sleep(SHORT_LIFE)
                self.came_up = True
            return
        began, failures = time.monotonic(), 0
        while True:
            if await probes.passes(health, program.environment, program.folder):
                failures = 0
                self._set_healthy(time.monotonic() - began)
            else:
                failures += 1
                if self.healthy.is_set() and failures >= health.retries:
                    self.healthy.clear()
                    self.terminal.say(self.spec.name, "does not answer its health check")
                    self._become("unhealthy")
            if not self.came_up and time.monotonic() - began > PATIENCE:
                raise Failure(self._report(f"{self.spec.name} was not healthy within {PATIENCE} s"))
            await asyncio.sleep(health.interval if self.healthy.is_set() else 0.15)

    def _set_healthy(self, after: float) -> None:
        if not self.healthy.is_set():
            self.healthy.set()
            self.came_up = True
            self.terminal.say(self.spec.name, f"ready after {after:.1f} s")
            self._become("healthy")

    async def end(self) -> None:
        """Stop: its own stop signal, its grace, then force."""
        self.stopping = True
        async with self.starting:  # what is just being started has to be stopped as well
            process = self.process
        if process is None or process.returncode is not None:
            return
        began = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.spec.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.spec.grace)
        except TimeoutError:
            self.terminal.say(self.spec.name, f"did not stop within {self.spec.grace:g} s and was killed")
        send_group(process.pid, signal.SIGKILL)
        await process.wait()
        self.known = None
        self.terminal.say(self.spec.name, f"stopped after {time.monotonic() - began:.1f} s")
        self._become("stopped")
