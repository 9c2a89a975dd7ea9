"""A phrase of the language of networks: words taken in turn, and errors that mark the place and say what to write."""

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from faceloupe.errors import InputError
from faceloupe.training.specs import mark

LARGEST = 65_536  # of any whole number in a sentence: a slip of the finger is not a request for terabytes


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int

    @property
    def stop(self) -> int:
        return self.start + len(self.text)


class Phrase:
    """The words between two commas, taken from the left."""

    def __init__(self, sentence: str, start: int, text: str) -> None:
        self.sentence = sentence
        self.words = [_Word(word.group(), start + word.start()) for word in re.finditer(r"\S+", text)]
        self.end = self.words[-1].stop if self.words else start
        self.begin = self.words[0].start if self.words else start
        self.next = 0

    @property
    def word(self) -> str:
        """The next word in lower case; empty at the end."""
        return self.words[self.next].text.lower() if self.next < len(self.words) else ""

    @property
    def after(self) -> str:
        """The word after the next; empty at the end."""
        return self.words[self.next + 1].text.lower() if self.next + 1 < len(self.words) else ""

    def take(self, *wanted: str) -> bool:
        """Pass over the next word if it is one of those wanted."""
        taken = self.word in wanted and bool(self.word)
        self.next += taken
        return taken

    def fail(self, problem: str, remedy: str) -> NoReturn:
        """Raise an error that marks the next word, or the place where one is missing."""
        place = self.words[self.next] if self.next < len(self.words) else _Word("", self.end)
        raise InputError(f"network: {problem}\n{mark(self.sentence, place.start, place.stop)}\n  {remedy}")

    def choice(self, allowed: Iterable[str], remedy: str) -> str:
        """Take one of some words."""
        names = tuple(allowed)
        if self.word not in names:
            likely = difflib.get_close_matches(self.word, names, 1, 0.5)
            came = f'; "{self.word}" is none of them' if self.word else ""
            self.fail(f"expected one of {', '.join(names)}{came}.", f"Did you mean {likely[0]}?" if likely else remedy)
        self.next += 1
        return self.words[self.next - 1].text.lower()

    def whole(self, what: str, least: int, remedy: str) -> int:
        """Take a whole number."""
        if not re.fullmatch(r"\d{1,9}", self.word) or not least <= int(self.word) <= LARGEST:
            self.fail(f"expected {what}, a whole number from {least} to {LARGEST}{self._came()}.", remedy)
        self.next += 1
        return int(self.words[self.next - 1].text)

    def size(self, what: str, least: int, remedy: str) -> tuple[int, int]:
        """Take a size, "5" or "5x3" (height, width)."""
        size = re.fullmatch(r"(\d{1,9})(?:[x×](\d{1,9}))?", self.word)
        sides = size and (int(size[1]), int(size[2] or size[1]))
        if not sides or not least <= min(sides) or max(sides) > LARGEST:
            self.fail(
                f"expected {what} in pixels, {least} or more, as 5 or 5x3 (height x width){self._came()}.", remedy
            )
        self.next += 1
        return sides

    def number(self, what: str, fits: Callable[[float], bool], remedy: str) -> float:
        """Take a number that fits."""
        try:
            value = float(self.word.replace("_", "?"))
        except ValueError:
            value = float("nan")
        if not fits(value):
            self.fail(f"expected {what}{self._came()}.", remedy)
        self.next += 1
        return value

    def once(self, earlier: set[str]) -> None:
        """Refuse the next word if it is among earlier ones, and add it to them."""
        if self.word in earlier:
            self.fail(f'"{self.word}" is said twice.', "Leave one out.")
        earlier.add(self.word)

    def close(self, remedy: str) -> None:
        """Refuse words that are left."""
        if self.word:
            self.fail(f'"{self.word}" is not expected here.', remedy)

    def _came(self) -> str:
        return f'; got "{self.word}"' if self.word else ""


def phrases(sentence: str, start: int, text: str, what: str, example: str) -> Iterable[Phrase]:
    """Yield the phrases of a text that begins at a place of the sentence; refuse an empty one."""
    for part in text.split(","):
        phrase = Phrase(sentence, start, part)
        if not phrase.words:
            phrase.fail(f"expected {what} here, but there is nothing.", f"Write for example: {example}")
        yield phrase
        start += len(part) + 1
