"""Tickets: used once, soon, and not to be guessed."""

from faceloupe.web.tickets import SECONDS, Tickets


def test_a_ticket_opens_its_page_once():
    tickets = Tickets()
    one, other = tickets.issue("one"), tickets.issue("other")
    assert len(one) >= 22  # 128 bits, 6 a character
    assert one != other
    assert tickets.redeem(one) == "one"
    assert tickets.redeem(one) is None
    assert tickets.redeem(other) == "other"


def test_a_ticket_that_never_was_opens_nothing():
    tickets = Tickets()
    tickets.issue("one")
    assert [tickets.redeem(forged) for forged in ("", "a" * 22, "../one")] == [None] * 3


def test_after_a_minute_it_is_worth_nothing(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("faceloupe.web.tickets.time.monotonic", lambda: now[0])
    tickets = Tickets()
    early = tickets.issue("early")
    now[0] += SECONDS / 2
    late = tickets.issue("late")
    now[0] += SECONDS / 2 + 0.1
    assert tickets.redeem(early) is None
    assert tickets.redeem(late) == "late"


def test_only_a_few_pages_wait():
    tickets = Tickets()
    issued = [tickets.issue(str(number)) for number in range(20)]
    assert [tickets.redeem(ticket) for ticket in issued] == [None] * 4 + [str(number) for number in range(4, 20)]
