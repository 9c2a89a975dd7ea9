"""The same key, the same answer."""

import asyncio
import gc
import weakref
from contextlib import suppress

import pytest
from pydantic import BaseModel

from faceloupe.web.idempotency import Answers
from faceloupe.web.problems import HTTPProblem


class Sent(BaseModel):
    name: str = "ann"


class Work:
    def __init__(self):
        self.times, self.fails = 0, 0

    async def __call__(self):
        self.times += 1
        await asyncio.sleep(0.01)
        if self.fails:
            self.fails -= 1
            raise ValueError("failed")
        return 201, {"times": self.times}


def test_sent_twice_done_once_also_at_the_same_time():
    async def main():
        answers, work = Answers(), Work()
        both = await asyncio.gather(*(answers.once("me", "k", Sent(), work) for _ in range(2)))
        return [*both, await answers.once("me", "k", Sent(), work)]

    answers = asyncio.run(main())
    assert [answer[:2] for answer in answers] == [(201, {"times": 1})] * 3
    assert [answer.again for answer in answers] == [False, True, True]
    assert len({answer.at for answer in answers}) == 1


def test_other_keys_callers_and_none_are_new_requests():
    async def main():
        answers, work = Answers(), Work()
        for caller, key in (("me", "a"), ("me", "b"), ("you", "a"), ("me", None), ("me", None)):
            await answers.once(caller, key, Sent(), work)
        return work.times

    assert asyncio.run(main()) == 5


def test_a_key_is_for_one_request():
    async def main():
        answers, work = Answers(), Work()
        await answers.once("me", "k", Sent(), work)
        with pytest.raises(HTTPProblem) as refused:
            await answers.once("me", "k", Sent(name="bob"), work)
        return refused.value.status_code

    assert asyncio.run(main()) == 409


def test_of_what_failed_nothing_is_kept():
    async def main():
        answers, sent = Answers(), Sent()

        async def fail(sent=sent):
            raise ValueError(sent.name)

        with suppress(ValueError):
            await answers.once("me", "k", sent, fail)
        kept = weakref.ref(sent)
        del sent, fail
        await asyncio.sleep(0)
        gc.collect()
        return kept()

    assert asyncio.run(main()) is None


def test_answers_that_were_made_can_be_forgotten():
    async def main():
        answers, work = Answers(), Work()
        await answers.once("me", "k", Sent(), work)
        answers.clear()
        return await answers.once("me", "k", Sent(), work)

    assert asyncio.run(main())[:2] == (201, {"times": 2})


def test_one_that_is_being_made_is_told_to_those_who_wait_and_then_forgotten():
    async def main():
        answers, made, times = Answers(), asyncio.Event(), []

        async def work():
            times.append(1)
            await made.wait()
            return 201, {"times": len(times)}

        waiting = asyncio.ensure_future(answers.once("me", "k", Sent(), work))
        while not times:
            await asyncio.sleep(0)
        answers.clear()
        made.set()
        return await waiting, await answers.once("me", "k", Sent(), work)

    assert [answer.document for answer in asyncio.run(main())] == [{"times": 1}, {"times": 2}]


def test_what_failed_may_be_tried_again_and_what_was_left_goes_on():
    async def main():
        answers, work = Answers(), Work()
        work.fails = 1
        with pytest.raises(ValueError, match="failed"):
            await answers.once("me", "k", Sent(), work)
        gone = asyncio.ensure_future(answers.once("me", "k", Sent(), work))
        await asyncio.sleep(0.001)
        gone.cancel()
        return await answers.once("me", "k", Sent(), work)

    assert asyncio.run(main())[:2] == (201, {"times": 2})


def test_one_caller_s_answers_do_not_push_out_those_of_another(monkeypatch):
    monkeypatch.setattr("faceloupe.web.idempotency.KEPT", 3)

    async def main():
        answers, work = Answers(), Work()
        await answers.once("me", "k", Sent(), work)
        for number in range(10):
            await answers.once("you", str(number), Sent(), work)
        return await answers.once("me", "k", Sent(), work), await answers.once("you", "0", Sent(), work)

    mine, yours = asyncio.run(main())
    assert (mine.document, mine.again) == ({"times": 1}, True)
    assert yours.again is False
