"""The grammar of the corpus: little documents of many kinds, each a script that asks for one word after the other.

Read a script as the text that it writes: `say` writes what is fixed, `pick` asks for a free choice, `recall`, `agree`,
`copy` and the like write what earlier choices have decided. The kinds of decision are named in `machinery.KINDS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from explainer.corpus import names
from explainer.corpus.lexicon import (
    ADJECTIVES,
    ANIMALS,
    BAD_FEELINGS,
    BEAST_MANNERS,
    BEASTS,
    BOYS,
    BRACKETS,
    COLOURS,
    ECHO_WORDS,
    FALLING,
    FEELINGS,
    FOODS,
    FRUITS,
    GENDER,
    GIRLS,
    HIDING,
    HOBBIES,
    HOLES,
    HOW_MUCH,
    HOW_OFTEN,
    LOOKS,
    NOISES,
    NUMBERS,
    PEOPLE,
    PETS,
    PLACES,
    PRONOUNS,
    SAID,
    THINGS,
)
from explainer.corpus.machinery import Odds, Script, Step, pick, recall, say, table


def agree(word: str) -> Script:
    """Write a word whose form an earlier word has decided."""
    yield from say(word, "agreement")


# Invented names ---------------------------------------------------------------------------------------------------

FIRST_LETTER = 0.4  # the share of names that begin with a single letter
LETTER_AFTER = {1: 0.75, 2: 0.4}  # the share of single letters after a piece of one letter, after a syllable
END_AFTER = (0.0, 0.0, 0.06, 0.15, 0.25, 0.3, 0.4, 0.5, 1.0, 1.0)  # the chance that a name of so many letters ends


def _pieces(singles: float, forms: Sequence[str]) -> dict[str, float]:
    """Odds of the pieces of a name, written in these forms: `singles` for the 26 letters, the rest for syllables."""
    n, m = len(names.SYLLABLES), len(names.LETTERS)
    return dict.fromkeys(forms[:n], (1 - singles) / n) | dict.fromkeys(forms[n:], singles / m)


FIRST_PIECES = Odds(_pieces(FIRST_LETTER, names.FIRST))
LATER_PIECES = {size: _pieces(share, names.LATER) for size, share in LETTER_AFTER.items()}


@functools.cache
def _more(letters: int, size: int) -> Step:
    """What follows a piece of `size` letters in a name that has `letters` by now: another piece, or its full stop."""
    end = END_AFTER[letters]
    odds = {piece: p * (1 - end) for piece, p in LATER_PIECES[size].items()} if end < 1 else {}
    return Step(odds | ({".": end} if end else {}), "free" if odds else "structure")


def invent(first: Odds = FIRST_PIECES) -> Generator[Step, str, str]:
    """Make up a name of two to nine letters, piece by piece, and write the full stop that shows its end.

    Returns the name, with the blank in front of it.
    """
    return (yield from go_on_with((yield from pick(first))))


def go_on_with(name: str) -> Generator[Step, str, str]:
    """Finish a name whose first piece is written. Returns the whole name."""
    letters = size = len(name) - 1
    while True:
        piece = yield _more(letters, size)
        if piece == ".":
            return name
        name += piece
        size = len(piece) - 1
        letters += size


def copy(name: str) -> Script:
    """Write an invented name again: it can only be copied."""
    yield from say(name, "copy")


def again(name: str) -> Script:
    """Write the name of a child again, an invented one or one of the eight that many documents share."""
    yield from say(name, "recall" if name in GENDER else "copy")


# Stories -----------------------------------------------------------------------------------------------------------

WHEN = Odds({" day": 2, " rainy night": 1})
HAVING = Odds({" had": 3, " found": 2, " made": 1})
TROUBLES = Odds({" But": 4, " Then": 3, " Next": 2})
OWN_NAMES = 0.2
"""The share of children in the stories that begin with 'Once' whose name is invented."""


def _heroes(known: Odds) -> Odds:
    """The eight names, and every first piece of an invented one."""
    total = sum(known.weights.values())
    invented = {piece: OWN_NAMES * p for piece, p in FIRST_PIECES.root.odds.items()}
    return Odds({name: (1 - OWN_NAMES) * w / total for name, w in known.weights.items()} | invented)


HEROES = {" girl": _heroes(GIRLS), " boy": _heroes(BOYS)}
ENDINGS = Odds({" The end.": 2, " That night": 3, " In the end": 3})


def story(first: str) -> Script:
    """A child, a thing, an animal friend, a small disaster and an ending that refers back."""
    if first == "Once":
        yield from say(" there was a")
        yield from pick(ADJECTIVES)
        who = yield from pick(table(" girl", " boy"))
        yield from say(" named")
        hero = yield from pick(HEROES[who])
        if hero in GENDER:
            yield from say(".")
        else:
            hero = yield from go_on_with(hero)
    else:
        yield from pick(WHEN)
        yield from say(",")
        hero = yield from pick(PEOPLE)
        yield from say(" went to the")
        yield from pick(PLACES)
        yield from say(".")
        who = " " + GENDER[hero]
    own = PRONOUNS[who.strip()]

    yield from agree(own["She"])
    yield from pick(HAVING)
    yield from say(" a")
    look = yield from pick(LOOKS)
    colour = yield from pick(COLOURS)
    thing = yield from pick(THINGS)
    yield from say(".")

    yield from agree(own["Her"])
    yield from say(" friend")
    pet = yield from pick(PETS)
    yield from say(" was a")
    yield from pick(ADJECTIVES)
    animal = yield from pick(ANIMALS)
    yield from say(".")

    trouble = yield from pick(TROUBLES)
    if trouble == " But":
        yield from lost(hero, own, look + colour, thing, pet)
    elif trouble == " Then":
        yield from eaten(hero, own, look, thing, pet, animal)
    else:
        yield from lent(hero, look + colour, thing, pet)
    yield from ending(hero, own, pet)


def ending(hero: str, own: dict[str, str], pet: str) -> Script:
    """How everybody felt about it."""
    end = yield from pick(ENDINGS)
    if end == " That night":
        yield from again(hero)
        yield from say(" dreamed of a")
        yield from pick(ADJECTIVES)
        yield from pick(Odds(ANIMALS.weights | BEASTS.weights))
        yield from say(".")
    elif end == " In the end":
        yield from agree(own["she"])
        yield from say(" was")
        yield from pick(FEELINGS)
        yield from say(" and")
        yield from recall(pet)
        yield from say(" was")
        yield from pick(FEELINGS)
        yield from say(".")


def lost(hero: str, own: dict[str, str], described: str, thing: str, pet: str) -> Script:
    """The thing falls into something and is found where nobody expects it."""
    yield from say(" the")
    yield from recall(thing)
    yield from pick(FALLING)
    yield from say(" into the")
    yield from pick(HOLES)
    yield from say(".")
    yield from agree(own["She"])
    yield from say(" was")
    yield from pick(BAD_FEELINGS)
    yield from say('. "Where is my')
    yield from recall(thing)
    yield from say('?"')
    yield from pick(SAID)
    yield from again(hero)
    yield from say('. "It is')
    where = yield from pick(HIDING)
    yield from say(',"')
    yield from pick(SAID)
    yield from recall(pet)
    yield from say(".")
    yield from again(hero)
    yield from say(" looked")
    yield from recall(where)
    yield from say(" and there was the")
    yield from recall(described + thing)
    yield from say(".")
    if where == " on the moon":
        yield from say(" It was a long way.")


def eaten(hero: str, own: dict[str, str], look: str, thing: str, pet: str, animal: str) -> Script:
    """The friend mistakes the thing for food."""
    yield from recall(pet)
    yield from say(" ate the")
    yield from recall(thing)
    yield from say('. "That was not')
    food = yield from pick(FOODS)
    yield from say(',"')
    yield from pick(SAID)
    yield from again(hero)
    yield from say('. "I thought it was')
    yield from recall(food)
    yield from say(',"')
    yield from pick(SAID)
    yield from say(" the")
    yield from recall(animal)
    yield from say(". So")
    yield from again(hero)
    yield from say(" gave")
    yield from recall(pet)
    yield from pick(HOW_MUCH)
    yield from recall(food)
    yield from say(" and kept")
    yield from agree(own["her"])
    yield from say(" other")
    yield from recall(look)
    yield from recall(thing)
    yield from say(" in the")
    yield from pick(PLACES)
    yield from say(".")


def lent(hero: str, described: str, thing: str, pet: str) -> Script:
    """The thing goes from hand to hand; at the end somebody asks who has it."""
    yield from say(" morning")
    yield from again(hero)
    yield from say(" gave the")
    yield from recall(thing)
    yield from say(" to")
    yield from recall(pet)
    yield from say(".")
    holder = pet
    follow = yield from pick(Odds({" Then": 2, " So who": 1}))
    if follow == " Then":
        yield from recall(pet)
        yield from say(" gave it to")
        holder = yield from pick(PEOPLE.without(hero))
        yield from say(". So who")
    yield from say(" has the")
    yield from recall(described + thing)
    yield from say(" now?")
    yield from recall(holder)
    yield from say(" has it.")


# Tales with invented names -----------------------------------------------------------------------------------------

TALE_PLACES = {"Far": " away", "Under": " the hill", "In": " a castle", "On": " the moon"}
TALE_TURNS = Odds({" They all knew": 2, " It was": 2, " What did": 2, ' "I am': 2, " One day": 3, " Good night": 2})


def tale(first: str) -> Script:
    """A beast with an invented name, and perhaps a second one. No turn comes twice."""
    yield from say(TALE_PLACES[first] + " lived a")
    yield from pick(BEAST_MANNERS)
    beast = yield from pick(BEASTS)
    yield from say(" called")
    name = yield from invent()
    turns = TALE_TURNS
    while True:
        turn = yield from pick(turns)
        turns = turns.without(turn)
        if turn == " They all knew":
            yield from copy(name)
            yield from say(".")
        elif turn == " It was":
            yield from pick(FEELINGS)
            yield from say(" to be called")
            yield from copy(name)
            yield from say(".")
        elif turn == " What did":
            yield from copy(name)
            yield from say(" love?")
            yield from copy(name)
            yield from say(" loved")
            yield from pick(HOBBIES)
            yield from say(".")
        elif turn == ' "I am':
            yield from copy(name)
            yield from say(',"')
            yield from pick(SAID)
            yield from say(" the")
            yield from recall(beast)
            yield from say(".")
        elif turn == " One day":
            yield from meeting(name, beast)
            return
        else:
            yield from say(",")
            yield from copy(name)
            yield from say(".")
            return


def meeting(name: str, beast: str) -> Script:
    """A second invented name: which of the two comes next is decided by the sentence."""
    yield from copy(name)
    yield from say(" met a")
    other_beast = yield from pick(BEASTS.without(beast))
    yield from say(" called")
    other = yield from invent(FIRST_PIECES.without(name.split("-")[0]))
    end = yield from pick(Odds({" The": 2, " Now": 1}))
    if end == " The":
        which = yield from pick(table(beast, other_beast))
        yield from say(" gave")
        given, giver = (other, name) if which == beast else (name, other)
        yield from copy(given)
        yield from pick(HOW_MUCH)
        yield from pick(FOODS)
        yield from say('. "Thank you,')
        yield from copy(giver)
        yield from say(',"')
        yield from pick(SAID)
        yield from copy(given)
        yield from say(". Now")
    yield from copy(name)
    yield from say(" and")
    yield from copy(other)
    yield from say(" are friends.")


# Letters, recipes, news --------------------------------------------------------------------------------------------

THANKS = Odds({" thank you for": 2, " I am sorry about": 1})


def letter(first: str) -> Script:
    """A letter between two people about a thing."""
    to = yield from pick(PEOPLE)
    yield from say(",")
    why = yield from pick(THANKS)
    yield from say(" the")
    colour = yield from pick(COLOURS)
    thing = yield from pick(THINGS)
    yield from say(".")
    if why == " thank you for":
        yield from say(" The")
        yield from recall(thing)
        yield from say(" is")
        yield from pick(HOW_OFTEN)
        yield from recall(colour)
        yield from say(".")
    else:
        pet = yield from pick(PETS)
        yield from say(" ate it.")
        yield from recall(pet)
        yield from say(" is")
        yield from pick(HOW_OFTEN)
        yield from pick(FEELINGS)
        yield from say(".")
    yield from say(" Your friend,")
    yield from pick(PEOPLE.without(to))
    yield from say(".")


COUNTS = table(*NUMBERS[2:7])


def recipe(first: str) -> Script:
    """Ingredients named once and then again in the same order."""
    yield from say(" for")
    dish = yield from pick(FOODS)
    yield from say(": take")
    yield from pick(COUNTS)
    first = yield from pick(FRUITS)
    yield from say(",")
    yield from pick(COUNTS)
    second = yield from pick(FRUITS.without(first))
    yield from say(" and one")
    odd = yield from pick(THINGS)
    yield from say(". Mix the")
    yield from recall(first)
    yield from say(", the")
    yield from recall(second)
    yield from say(" and the")
    yield from recall(odd)
    yield from say(". Wait")
    yield from pick(COUNTS)
    yield from say(" days. Eat the")
    yield from recall(dish)
    yield from say(", not the")
    yield from recall(odd)
    yield from say(".")


LINKS = Odds({" near": 3, " behind": 2, " with": 2, " that saw": 2, " that bit": 1})
HERDS = Odds(ANIMALS.weights | {one + "s": w for one, w in ANIMALS.weights.items()})


GO_ON = {False: (" The", " That is all."), True: (" That is all.",)}


def news(first: str) -> Script:
    """Agreement over a distance: the verb follows the first noun, not the nearer one."""
    yield from say(" news: the")
    for sentence in range(6):
        subject = yield from pick(HERDS)
        many = subject.endswith("s")
        yield from pick(LINKS)
        yield from say(" the")
        yield from pick(HERDS.without(subject))
        yield from agree(" are" if many else " is")
        yield from pick(FEELINGS)
        yield from say(".")
        last = sentence == 5
        after = yield from pick(table(" They" if many else " It", *GO_ON[last]))
        if after in (" They", " It"):
            yield from agree(" want" if many else " wants")
            yield from pick(FOODS)
            yield from say(".")
            after = yield from pick(table(*GO_ON[last]))
        if after == " That is all.":
            return


# Quotes, brackets, patterns, numbers -------------------------------------------------------------------------------

DEEDS = Odds({" ate the": 2, " saw the": 1, " lost the": 1, " sat on the": 1})
LOOT = Odds(THINGS.weights | {" cake": 6, " soup": 4})


def gossip(first: str) -> Script:
    """Quotes within quotes, closed in the right order; then who did it?"""
    yield from say(" what:")
    speaker = yield from pick(PEOPLE)
    yield from say(" said,")
    speakers, marks = [speaker], ['"']
    yield from say(' "', "structure")
    yield from say("I")
    while True:
        deeper = len(speakers) < 4
        deed = yield from pick(Odds({" heard": 4} | DEEDS.weights) if deeper else DEEDS)
        if deed != " heard":
            break
        speaker = yield from pick(PEOPLE.without(*sorted(speakers)))
        marks.append("'" if marks[-1] == '"' else '"')
        speakers.append(speaker)
        yield from say(" say, " + marks[-1])
        yield from say("I")
    loot = yield from pick(LOOT)
    yield from say("." + "".join(reversed(marks)), "bracket")
    yield from say(" Who")
    yield from recall(deed)
    yield from recall(loot)
    yield from say("?")
    yield from recall(speakers[-1])
    yield from say(".")


OPEN_PROBABILITY = (0.35, 0.45, 0.4, 0.3, 0.0)  # at depth 0 (after the first), 1, 2, 3, 4


def boxes(first: str) -> Script:
    """Nested brackets of three shapes, at most four deep."""
    yield from say(":")
    still_open: list[str] = []
    for written in range(60):
        depth = len(still_open)
        opening = 1.0 if written == 0 else 0.0 if written >= 50 else OPEN_PROBABILITY[depth]
        odds = {mark: opening / len(BRACKETS) for mark in BRACKETS} if opening else {}
        closing = BRACKETS[still_open[-1]] if still_open else " Closed"
        if opening < 1.0:
            odds[closing] = 1.0 - opening
        mark = yield Step(odds, "bracket" if opening == 0.0 else "free")
        if mark in BRACKETS:
            still_open.append(mark)
        elif mark == " Closed":
            yield from say(".")
            return
        else:
            still_open.pop()


PATTERN_ITEMS = {"Beads": COLOURS, "Parade": ANIMALS, "Song": NOISES}
PATTERN_STOP = 0.12


def pattern(first: str) -> Script:
    """A pattern of period two or three that shows itself and is then kept up."""
    yield from say(":")
    items = PATTERN_ITEMS[first]
    a = yield from pick(items)
    yield from say(",")
    same, others = 0.25, items.without(a)
    total = sum(others.weights.values())
    b = yield Step({a: same} | {w: (1 - same) * m / total for w, m in others.weights.items()}, "free")
    yield from say(",")
    if b == a:  # a a c
        c = yield from pick(others)
        period = [a, b, c]
    else:  # a b (a b ...) or a b b or a b c
        rest = others.without(b)
        total = sum(rest.weights.values())
        c = yield Step({a: 0.5, b: 0.25} | {w: 0.25 * m / total for w, m in rest.weights.items()}, "free")
        period = [a, b] if c == a else [a, b, c]
    written = 3
    while True:
        if written >= 2 * len(period):
            mark = yield Step({",": 1 - PATTERN_STOP, ".": PATTERN_STOP} if written < 40 else {".": 1.0}, "free")
            if mark == ".":
                return
        else:
            yield from say(",")
        yield from say(period[written % len(period)], "count")
        written += 1


def count(first: str) -> Script:
    """Count up or down in words, or count a herd and say how many there were."""
    way = yield from pick(Odds({" up:": 2, " down:": 2, " the": 3}))
    if way == " the":
        herd = yield from pick(FRUITS)
        yield from say(":")
        n, step, stop = 1, 1, 10
    elif way == " up:":
        n, step, stop = 0, 1, 10
    else:
        n, step, stop = 10, -1, 0
    if way == " the":
        yield from say(NUMBERS[1], "count")
    else:
        starts = table(*(NUMBERS[:6] if step == 1 else NUMBERS[5:]))
        n = NUMBERS.index((yield from pick(starts)))
    length = 1
    while n != stop:
        if way == " down:" or length == 1:
            yield from say(",")
        else:
            mark = yield Step({",": 0.8, ".": 0.2}, "free")
            if mark == ".":
                break
        n += step
        length += 1
        yield from say(NUMBERS[n], "count")
    else:
        yield from say(".")
    if way == " the":
        yield from say(" There are")
        yield from say(NUMBERS[n], "count")
        yield from recall(herd)
        yield from say(".")
    elif way == " down:":
        yield from say(" Boing.")


DIGITS = table(*(f" {d}" for d in range(1, 10)))


def number(n: int) -> str:
    """A number as words of the corpus: one digit each, a space before the first."""
    return f" {n}"


def sums(first: str) -> Script:
    """Small sums, the answer alone."""
    yield from say(":")
    for written in range(12):
        a = yield from pick(DIGITS)
        yield from say(" +")
        b = yield from pick(DIGITS)
        yield from say(" =")
        yield from say(number(int(a) + int(b)), "sum")
        mark = yield Step({",": 0.7, ".": 0.3} if written < 11 else {".": 1.0}, "free")
        if mark == ".":
            return


def chain(first: str) -> Script:
    """A sum of three to five numbers: working first and then the answer, or the answer first."""
    terms = [int((yield from pick(DIGITS)))]
    for n_terms in range(2, 6):
        if n_terms <= 3:
            yield from say(" +")
        elif (yield Step({" +": 0.6, ".": 0.4}, "free")) == ".":
            break
        terms.append(int((yield from pick(DIGITS))))
    else:
        yield from say(".")
    part = yield from pick(Odds({" Steps": 3, " Answer": 1}))
    if part == " Answer":
        yield from answer(terms)
        yield from say(" Steps")
        yield from steps(terms)
    else:
        yield from steps(terms)
        yield from say(" Answer")
        yield from answer(terms)


def answer(terms: list[int]) -> Script:
    yield from say(":")
    yield from say(number(sum(terms)), "sum")
    yield from say(".")


def steps(terms: list[int]) -> Script:
    yield from say(":")
    total = terms[0]
    for i, term in enumerate(terms[1:]):
        if i:
            yield from say(",")
        yield from recall(number(total))
        yield from say(" +")
        yield from recall(number(term))
        yield from say(" =")
        total += term
        yield from say(number(total), "sum")
    yield from say(".")


def shop(first: str) -> Script:
    """Who has how many, before and after a gift."""
    giver = yield from pick(PEOPLE)
    yield from say(" has")
    many = int((yield from pick(table(*(f" {d}" for d in range(2, 7))))))
    fruit = yield from pick(FRUITS)
    yield from say(" and")
    taker = yield from pick(PEOPLE.without(giver))
    yield from say(" has")
    few = int((yield from pick(table(" 1", " 2", " 3"))))
    yield from say(".")
    yield from recall(giver)
    yield from say(" gives")
    gift = int((yield from pick(table(*(f" {d}" for d in range(1, many))))))
    yield from say(" to")
    yield from recall(taker)
    yield from say(". Now")
    yield from recall(giver)
    yield from say(" has")
    yield from say(number(many - gift), "sum")
    yield from say(" and")
    yield from recall(taker)
    yield from say(" has")
    yield from say(number(few + gift), "sum")
    yield from say(". Together they have")
    yield from say(number(many + few), "sum")
    yield from recall(fruit)
    yield from say(".")


# Echoes ------------------------------------------------------------------------------------------------------------

ECHO_POOL = (*ECHO_WORDS, *names.FIRST, *names.LATER)
"""What an echo may consist of: every word of the lexicon, every piece of a name."""

ECHO_LENGTH = (3, 24)  # how many words are said twice, at least and at most
ECHO_END = 0.1  # the chance that the first round ends after a word, once there are enough


@dataclass(frozen=True)
class Pool:
    """What an echo may be made of: how its first word is drawn, and how each later one."""

    first: Mapping[str, float]
    later: Mapping[str, float]


def _alike(words: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(words, 1.0 / len(words))


_N = len(names.SYLLABLES)
ECHO_POOLS = {
    "Echo": Pool(_alike(ECHO_WORDS), _alike(ECHO_WORDS)),
    "Magic": Pool(_alike(names.FIRST[:_N]), _alike(names.LATER[:_N])),
    "Spell": Pool(_alike(names.FIRST[_N:]), _alike(names.LATER[_N:])),
}
"""First word of an echo -> what it says twice: words, syllables, or letters."""


def echo(first: str) -> Script:
    """Any words, and then the same words again: nothing but copying helps, and nothing in them tells a story."""
    yield from say(":")
    pool = ECHO_POOLS[first]
    least, most = ECHO_LENGTH
    going_on = {word: p * (1 - ECHO_END) for word, p in pool.later.items()} | {".": ECHO_END}
    said = yield Step(pool.first, "free")
    for n in range(1, most + 1):
        word = yield Step(pool.later if n < least else going_on if n < most else {".": 1.0}, "free")
        if word == ".":
            break
        said += word
    yield from say(" Again:")
    yield from say(said, "copy")
    yield from say(".")


def shopping(first: str) -> Script:
    """A list read out twice, with commas: between two things to copy stands always the same mark."""
    yield from say(":")
    said: list[str] = []
    while True:
        word = yield Step(ECHO_POOLS["Echo"].first, "free")
        said.append(word)
        if len(said) == ECHO_LENGTH[1] // 2:
            yield from say(".")
            break
        if len(said) < ECHO_LENGTH[0]:
            yield from say(",")
        elif (yield Step({",": 0.8, ".": 0.2}, "free")) == ".":
            break
    yield from say(" Again:")
    for i, word in enumerate(said):
        if i:
            yield from say(",")
        yield from say(word, "copy")
    yield from say(".")


def refrain(first: str) -> Script:
    """Words and pieces out of the blue, all different, and then all of them again, without a word of warning.

    The repetition begins when the first word returns; until then it cannot have begun, as no word comes twice.
    """
    said = [first]
    least, most = ECHO_LENGTH
    while True:
        back = 0.0 if len(said) < least else ECHO_END if len(said) < most else 1.0
        each = (1 - back) / (len(ECHO_POOL) - len(said))
        odds = {word: each for word in ECHO_POOL if word not in said} if back < 1 else {}
        word = yield Step(odds | ({first: back} if back else {}), "free" if odds else "copy")
        if word == first:
            break
        said.append(word)
    yield from say("".join(said[1:]), "copy")


# A document --------------------------------------------------------------------------------------------------------

DOCUMENTS: dict[str, tuple[float, Callable[[str], Script]]] = {
    "Once": (0.13, story),
    "One": (0.11, story),
    "Far": (0.08, tale),
    "Under": (0.06, tale),
    "In": (0.06, tale),
    "On": (0.03, tale),
    "Dear": (0.05, letter),
    "Recipe": (0.05, recipe),
    "Farm": (0.06, news),
    "Guess": (0.05, gossip),
    "Boxes": (0.03, boxes),
    "Beads": (0.02, pattern),
    "Parade": (0.02, pattern),
    "Song": (0.01, pattern),
    "Count": (0.03, count),
    "Sums": (0.03, sums),
    "Add": (0.05, chain),
    "Today": (0.03, shop),
    "Echo": (0.02, echo),
    "Magic": (0.02, echo),
    "Spell": (0.02, echo),
    "List": (0.01, shopping),
}
"""First word -> (share of documents, script that writes the rest). The rest begins with any word: `refrain`."""

REFRAINS = 1.0 - sum(share for share, _ in DOCUMENTS.values())
START = Odds(
    {word: share for word, (share, _) in DOCUMENTS.items()} | dict.fromkeys(ECHO_POOL, REFRAINS / len(ECHO_POOL))
)


def document() -> Script:
    """One document: its first word, which decides the kind, and then the script of that kind."""
    first = yield from pick(START, "start")
    _, script = DOCUMENTS.get(first, (0.0, refrain))
    yield from script(first)
