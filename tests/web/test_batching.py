"""Batches of many callers: everybody gets what is his, once, and nobody waits for company."""

import asyncio
import threading

import pytest

from faceloupe.web.batching import Budget, MicroBatcher, Slots
from faceloupe.web.problems import HTTPProblem
from helpers.waiting import BOUND


class Doubler:
    """Doubles numbers, and remembers in what batches; the gate holds the first batch back."""

    def __init__(self):
        self.batches, self.gate = [], threading.Event()

    def __call__(self, items):
        assert self.gate.wait(BOUND)
        self.batches.append(list(items))
        if "bad" in items:
            raise ValueError("bad")
        return [2 * item for item in items]


def test_what_comes_while_one_batch_works_becomes_the_next():
    async def main():
        run = Doubler()
        batch = MicroBatcher(run, most=4)
        first = asyncio.create_task(batch([1]))
        await asyncio.sleep(0.05)  # the first is at work alone
        others = [asyncio.create_task(batch([n, 10 * n])) for n in (2, 3, 4)]
        await asyncio.sleep(0.05)
        run.gate.set()
        return await asyncio.gather(first, *others), run.batches

    results, batches = asyncio.run(main())
    assert results == [[2], [4, 40], [6, 60], [8, 80]]
    assert batches == [[1], [2, 20, 3, 30], [4, 40]]


def test_a_failure_reaches_its_own_batch_only():
    async def main():
        run = Doubler()
        run.gate.set()
        batch = MicroBatcher(run, most=4)
        with pytest.raises(ValueError, match="bad"):
            await batch(["bad"])
        return await batch([1])

    assert asyncio.run(main()) == [2]


def test_a_caller_who_went_away_costs_nothing():
    async def main():
        run = Doubler()
        batch = MicroBatcher(run, most=4)
        first = asyncio.create_task(batch([1]))
        await asyncio.sleep(0.05)
        gone, stays = asyncio.create_task(batch([2])), asyncio.create_task(batch([3]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        run.gate.set()
        return await asyncio.gather(first, stays), run.batches

    assert asyncio.run(main()) == ([[2], [6]], [[1], [3]])


def test_nothing_to_do_is_done_at_once():
    assert asyncio.run(MicroBatcher(Doubler(), most=4)([])) == []


def test_places_run_out_and_come_back():
    slots = Slots(2, "photographs")
    with slots.take():
        with slots.take(), pytest.raises(HTTPProblem) as refused, slots.take():
            pass
        assert refused.value.status_code == 429
        assert "Retry-After" in refused.value.headers
        with slots.take():
            assert slots.taken == 2
    assert slots.taken == 0


def test_a_budget_is_shared_in_the_order_of_coming():
    async def main():
        budget, order = Budget(10, "pixels", patience=BOUND), []

        async def use(name, amount):
            async with budget.take(amount):
                order.append(name)
                assert budget.taken <= 10
                await asyncio.sleep(0.01)

        await asyncio.gather(use("a", 6), use("b", 6), use("c", 3), use("d", 100), use("e", 1))
        return order, budget.taken

    assert asyncio.run(main()) == (["a", "b", "c", "d", "e"], 0)


def test_a_thread_waits_for_its_turn_among_others():
    order = []

    def use(budget):
        with budget.take_in_thread(5):
            order.append(budget.taken)

    async def main():
        budget = Budget(10, "pixels", patience=BOUND)
        async with budget.take(8):
            waiting = asyncio.create_task(asyncio.to_thread(use, budget))
            await asyncio.sleep(0.05)
            order.append("given back")
        await waiting
        return order, budget.taken

    assert asyncio.run(main()) == (["given back", 5], 0)


def test_a_thread_that_waits_too_long_takes_nothing():
    budget = Budget(10, "pixels", patience=0.05)
    with budget.take_in_thread(8):
        with pytest.raises(HTTPProblem) as refused, budget.take_in_thread(5):
            pass
        with budget.take_in_thread(2):
            assert budget.taken == 10
    assert (refused.value.status_code, budget.taken) == (429, 0)


def test_who_waits_too_long_for_it_is_told_when_to_come_back_and_takes_nothing():
    async def main():
        budget = Budget(10, "pixels", patience=0.05)
        async with budget.take(8):
            with pytest.raises(HTTPProblem) as refused:
                async with budget.take(5):
                    pass
            gone = asyncio.ensure_future(budget.take(5).__aenter__())
            await asyncio.sleep(0)
            gone.cancel()
            async with budget.take(2):
                assert budget.taken == 10
        return refused.value.status_code, refused.value.headers["Retry-After"], budget.taken

    assert asyncio.run(main()) == (429, "2", 0)
