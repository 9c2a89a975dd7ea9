"""One run of a network for many callers, and a bound on how many may wait."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager, contextmanager
from typing import Generic, TypeVar

from faceloupe.web.problems import HTTPProblem

Item = TypeVar("Item")
Result = TypeVar("Result")


class MicroBatcher(Generic[Item, Result]):
    """Gathers what several callers want done while the batch before is at work, and does it in one go.

    No caller waits for others to come: an idle server answers at once, and a busy one fills its batches of `most`
    items. `run` returns a list as long as the one it is given; it is called in a thread of `threads`, or one that
    everything shares, and never twice at the same time.
    """

    def __init__(
        self, run: Callable[[list[Item]], Sequence[Result]], *, most: int, threads: Executor | None = None
    ) -> None:
        self._run, self._most, self._threads = run, most, threads
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, items: Sequence[Item]) -> list[Result]:
        """Return the result of each item. What `run` raises reaches every caller of that batch."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Result]] = [loop.create_future() for _ in items]
        self._waiting.extend(zip(items, futures, strict=True))
        if self._worker is None and items:
            self._worker = loop.create_task(self._work())
        return await asyncio.gather(*futures)

    async def _work(self) -> None:
        try:
            while batch := self._next_batch():
                items, futures = zip(*batch, strict=True)
                await self._fulfil(futures, list(items))
        finally:
            self._worker = None

    async def _fulfil(self, futures: Sequence[asyncio.Future[Result]], items: list[Item]) -> None:
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._threads, self._run, items)
        except Exception as problem:  # whatever it is, it is the callers'
            for future in futures:
                if not future.done():
                    future.set_exception(problem)
        else:
            for future, result in zip(futures, results, strict=True):
                if not future.done():
                    future.set_result(result)

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        while self._waiting and len(batch) < self._most:
            item, future = self._waiting.popleft()
            if not future.done():  # a caller that went away needs no result
                batch.append((item, future))
        return batch


class Budget:
    """An amount of something, such as "bytes of pixels", that all callers share.

    A caller who finds too little left waits for it, at most `patience` seconds, first come, first served.
    """

    def __init__(self, most: int, what: str, *, patience: float) -> None:
        self._most, self._what, self._patience = most, what, patience
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self.taken = 0

    @asynccontextmanager
    async def take(self, amount: int) -> AsyncIterator[None]:
        """Take an amount for as long as the work takes; one above the whole counts as the whole.

        Raises HTTPProblem if there was too little for too long.
        """
        with self._turn(amount) as turn:
            try:
                async with asyncio.timeout(self._patience):
                    await asyncio.wrap_future(turn)
            except TimeoutError:
                raise self._busy() from None
            yield

    @contextmanager
    def take_in_thread(self, amount: int) -> Iterator[None]:
        """Take an amount as :meth:`take` does, in a thread that waits for it."""
        with self._turn(amount) as turn:
            try:
                turn.result(self._patience)
            except TimeoutError:
                raise self._busy() from None
            yield

    @contextmanager
    def _turn(self, amount: int) -> Iterator["Future[None]"]:
        """Yield a future that is done once the amount is free; then give it, or the place in the queue, back."""
        amount, turn = min(amount, self._most), Future[None]()
        with self._lock:
            self._waiting.append((amount, turn))
            self._give()
        try:
            yield turn
        finally:
            with self._lock:
                if not turn.cancel():
                    self.taken -= amount
                self._give()

    def _give(self) -> None:
        """Serve those who have waited longest; under the lock."""
        while self._waiting:
            amount, turn = self._waiting[0]
            if not turn.cancelled():
                if self.taken + amount > self._most:
                    return
                if turn.set_running_or_notify_cancel():  # from here on it cannot be cancelled
                    self.taken += amount
                    turn.set_result(None)
            self._waiting.popleft()

    def _busy(self) -> HTTPProblem:
        return HTTPProblem("busy", f"too many {self._what} are in work", retry_after=2)


class Slots:
    """A bound on the callers at once, waiting ones included; further ones are answered with the time to come back.

    `what` takes the places, such as "photographs".
    """

    def __init__(self, most: int, what: str) -> None:
        self._most, self._what = most, what
        self.taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Take a place for as long as the work takes; raise HTTPProblem if all are taken."""
        if self.taken >= self._most:
            raise HTTPProblem("busy", f"{self.taken} {self._what} are in work or waiting", retry_after=1)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
