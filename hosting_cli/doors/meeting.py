"""Let many do one thing step by step: nobody begins a step before everybody has done the one before.  asyncio."""

import asyncio


class Meeting:
    """So many take part; whoever fails leaves, so that the others go on."""

    def __init__(self, parties: int) -> None:
        self._parties = parties
        self._arrived = 0
        self._step = 0
        self._moved = asyncio.Condition()

    async def wait_for_all(self) -> None:
        """Wait until everybody who still takes part has come as far."""
        async with self._moved:
            step = self._step
            self._arrived += 1
            self._go_on_if_all_are_there()
            await self._moved.wait_for(lambda: self._step != step)

    async def leave(self) -> None:
        """Take part no more."""
        async with self._moved:
            self._parties -= 1
            self._go_on_if_all_are_there()

    def _go_on_if_all_are_there(self) -> None:
        if self._arrived >= self._parties:
            self._arrived = 0
            self._step += 1
            self._moved.notify_all()
