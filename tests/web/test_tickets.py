"""Tickets: used once, soon, and not to be guessed."""

from faceloupe.web.tickets import SECONDS, Tickets


def test_a_ticket_opens_its_page_once():
    tickets = Tickets()
    one, other = tickets.issue("one", "me"), tickets.issue("other", "me")
    assert len(one) >= 22  # 128 bits, 6 a character
    assert one != other
    assert tickets.redeem(one) == "one"
    assert tickets.redeem(one) is None
    assert tickets.redeem(other) == "other"


def test_a_ticket_that_never_was_opens_nothing():
    tickets = Tickets()
    tickets.issue("one", "me")
    assert [tickets.redeem(forged) for forged in ("", "a" * 22, "../one")] == [None] * 3


def test_after_a_minute_it_is_worth_nothing(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("faceloupe.web.tickets.time.monotonic", lambda: now[0])
    tickets = Tickets()
    early = tickets.issue("early", "me")
    now[0] += SECONDS / 2
    late = tickets.issue("late", "me")
    now[0] += SECONDS / 2 + 0.1
    assert tickets.redeem(early) is None
    assert tickets.redeem(late) == "late"


def test_only_a_few_pages_wait():
    tickets = Tickets()
    issued = [tickets.issue(str(number), "me") for number in range(20)]
    assert [tickets.redeem(ticket) for ticket in issued] == [None] * 12 + [str(number) for number in range(12, 20)]


def test_nobody_s_pages_push_out_those_of_others():
    tickets = Tickets()
    own = tickets.issue("own", "me")
    for number in range(20):
        tickets.issue(str(number), "you")
    assert tickets.redeem(own) == "own"
