"""All services of a copy: started in the order of their needs, kept up, stopped in the opposite order."""

import asyncio
import signal
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ops.compose import Spec, stop_order
from ops.journal import Terminal
from ops.native import Program, program_for
from ops.part import Part
from ops.place import Place
from ops.record import Holder


class Supervisor:
    """Runs services until a signal, a failure, or (with `until`) the end of the named one-shots."""

    def __init__(self, place: Place, holder: Holder, specs: Mapping[str, Spec], terminal: Terminal) -> None:
        self.place, self.holder, self.specs, self.terminal = place, holder, specs, terminal
        self.ready = False
        logs = place.state / "logs"
        self.parts = {name: Part(spec, logs, terminal, self._program, self._changed) for name, spec in specs.items()}

    def _program(self, spec: Spec) -> Program:
        return program_for(spec, self.place.state)

    def _changed(self) -> None:
        services = {name: part.describe() for name, part in self.parts.items()}
        self.holder.write(self.place.address, self.ready, services)

    async def run(self, on_ready: Callable[[], None], until: Collection[str] = ()) -> None:
        """Start everything, call `on_ready` once all is ready, and return after everything has stopped.

        Raises Failure, after stopping everything, when a part cannot work.
        """
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._ask_to_stop, asked)
        lives = [asyncio.create_task(part.run(self.parts)) for part in self.parts.values()]
        readiness = asyncio.create_task(self._await_ready(on_ready, until))
        stop = asyncio.create_task(asked.wait())
        try:
            await self._watch(lives, readiness, stop, ends_when_ready=bool(until))
        finally:
            await self._stop(lives, [readiness, stop])

    def _ask_to_stop(self, asked: asyncio.Event) -> None:
        if asked.is_set():  # asked again: no more patience
            for part in self.parts.values():
                if part.process and part.process.returncode is None:
                    part.process.kill()
        asked.set()

    async def _await_ready(self, on_ready: Callable[[], None], until: Collection[str]) -> None:
        for name in until or self.parts:
            await self.parts[name].ready.wait()
        self.ready = True
        self._changed()
        on_ready()

    async def _watch(
        self,
        lives: list[asyncio.Task[None]],
        readiness: asyncio.Task[None],
        stop: asyncio.Task[bool],
        *,
        ends_when_ready: bool,
    ) -> None:
        waiting: set[asyncio.Task[Any]] = {*lives, readiness, stop}
        while not stop.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if trouble := task.exception():
                    raise trouble
            if ends_when_ready and readiness in done:
                return

    async def _stop(self, lives: list[asyncio.Task[None]], others: list[asyncio.Task[Any]]) -> None:
        began = time.monotonic()
        for part in self.parts.values():
            part.stopping = True
        for task in others:
            task.cancel()
        for wave in stop_order(self.specs):
            await asyncio.gather(*(self.parts[name].end() for name in wave))
        for task in lives:
            task.cancel()
        await asyncio.gather(*lives, *others, return_exceptions=True)
        self.holder.clear()
        self.terminal.print(f"Stopped in {time.monotonic() - began:.1f} s.")
