"""Prompts for the pages, by what they show. All lie inside the grammar unless they say otherwise."""

from __future__ import annotations

PROMPTS: dict[str, tuple[str, str]] = {
    "copy a name": (
        "Far away lived a shy wizard called Zo-lo-mi. They all knew Zo",
        "The rest of an invented name can only be copied from above: induction.",
    ),
    "which of two names": (
        "Under the hill lived a noisy dragon called Du-ri. One day Du-ri met a giant called Pa-nu-ka. The giant gave",
        "Two invented names; who gives decides which one comes next. The models only guess: see their cards.",
    ),
    "who has it": (
        "Once there was a clever boy named Leo. He had a lucky pink sock. His friend Waffle was a brave bear. "
        "Next morning Leo gave the sock to Waffle. Then Waffle gave it to Nora. So who has the lucky pink sock now?",
        "The thing went from hand to hand; the last holder is the answer.",
    ),
    "free choice": (
        "Once there was a small girl named Mia. She found a shiny",
        "A free choice of six colours whose true odds are known.",
    ),
    "another free choice": (
        "Recipe for cake: take three eggs, two nuts and one",
        "Ten things may come next; no word is 'the' right one.",
    ),
    "he or she": (
        "One day, Ben went to the forest.",
        "The pronoun must agree with a name that stands seven tokens back.",
    ),
    "is or are": (
        "Farm news: the frog that saw the dogs",
        "The verb agrees with the frog, not with the nearer dogs.",
    ),
    "close the quotes": (
        'Guess what: Tom said, "I heard Ben say, \'I heard Leo say, "I ate the soup.',
        "Three quotes are open and must be closed in the right order.",
    ),
    "close the bracket": (
        "Boxes: ( [ { } ",
        "A closing bracket must fit the one that is open; a new one may open too.",
    ),
    "a string of beads": (
        "Beads: red,",
        "Six colours may come next; written cold, the string never ends.",
    ),
    "a pattern": (
        "Beads: red, blue, blue, red, blue,",
        "The pattern has shown itself; from here on it is forced.",
    ),
    "count": (
        "Count the eggs: one, two, three. There are",
        "The number must be counted, the noun remembered.",
    ),
    "a small sum": (
        "Sums: 3 + 4 = 7, 8 + 5 =",
        "One addition, the answer at once.",
    ),
    "answer before working": (
        "Add 7 + 5 + 8 + 9 + 6. Answer:",
        "Five numbers summed in one forward pass, before any working is written.",
    ),
    "answer after working": (
        "Add 7 + 5 + 8 + 9 + 6. Steps:",
        "The same sum with the working first: each step is one small addition.",
    ),
    "who has how many": (
        "Today Mia has 5 apples and Ben has 2. Mia gives 3 to Ben. Now Mia has",
        "Take away on one side, add on the other.",
    ),
    "remember the list": (
        "Recipe for pie: take two plums, five eggs and one sock. Mix the",
        "The ingredients come back in their order.",
    ),
    "start of a story": (
        "Once there was",
        "A long way to go: good for sampling at different temperatures.",
    ),
    "anything at all": (
        "",
        "Only the start token: the first word decides the kind of document.",
    ),
    "outside the grammar": (
        "The naïve 🦆 sat on the 7th drum",
        "No document of the corpus begins like this; bytes take over where words are missing.",
    ),
}
"""Name -> (prompt, what it shows)."""
