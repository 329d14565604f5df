"""The words of the corpus and their odds, as data. Every word carries its leading space (see `machinery`)."""

from __future__ import annotations

from explainer.corpus.machinery import Odds, table
from explainer.kernel.tokenizer import split_words

GIRLS = Odds({" Mia": 4, " Ada": 3, " Lily": 3, " Nora": 2})
BOYS = Odds({" Tom": 4, " Ben": 3, " Leo": 3, " Max": 2})
PEOPLE = Odds(GIRLS.weights | BOYS.weights)
PRONOUNS = {  # subject, possessive; at the start of a sentence and inside it
    "girl": {"She": " She", "she": " she", "Her": " Her", "her": " her"},
    "boy": {"She": " He", "she": " he", "Her": " His", "her": " his"},
}
GENDER = dict.fromkeys(GIRLS.weights, "girl") | dict.fromkeys(BOYS.weights, "boy")

PETS = table(" Noodle", " Pickle", " Waffle", " Button", " Gravy")
ANIMALS = Odds({" cat": 4, " dog": 4, " pig": 3, " hen": 3, " frog": 2, " bear": 2, " goat": 2, " duck": 2})
ADJECTIVES = Odds(
    {
        " small": 4,
        " brave": 3,
        " polite": 3,
        " sleepy": 2,
        " rather round": 2,
        " very old": 2,
        " clever": 2,
        " noisy": 2,
    }
)
COLOURS = Odds({" red": 4, " blue": 4, " green": 3, " yellow": 2, " pink": 2, " black": 1})
LOOKS = Odds({" new": 3, " big": 3, " shiny": 2, " tiny": 2, " lucky": 1})
THINGS = Odds(
    {
        " kite": 4,
        " hat": 4,
        " ball": 3,
        " boat": 3,
        " drum": 2,
        " lamp": 2,
        " spoon": 2,
        " sock": 2,
        " clock": 2,
        " bell": 2,
    }
)
HOLES = table(" river", " soup", " well", " bath")
FALLING = Odds({" fell": 3, " rolled": 2, " jumped": 1})
HIDING = Odds({" under the bed": 3, " behind the door": 3, " in the tree": 2, " on the moon": 1})
PLACES = Odds({" garden": 3, " market": 3, " forest": 2, " kitchen": 2, " school": 1})
FEELINGS = Odds(
    {" happy": 4, " sad": 3, " proud": 2, " hungry": 2, " angry": 1, " sleepy": 2, " bored": 2, " famous": 1}
)
BAD_FEELINGS = Odds({" sad": 3, " angry": 2, " very quiet": 1})
FOODS = Odds({" cake": 4, " soup": 3, " jam": 3, " cheese": 2, " toast": 2, " pie": 2, " honey": 2, " bread": 1})
SAID = Odds({" said": 5, " sang": 2, " whispered": 2, " shouted": 2})
HOW_MUCH = Odds({" some": 3, " no more": 1, " a lot of": 2})
HOW_OFTEN = Odds({" very": 2, " always": 2, " never": 1, " often": 1})

BEASTS = Odds({" dragon": 4, " giant": 3, " robot": 3, " ghost": 2, " wizard": 2})
BEAST_MANNERS = Odds({" shy": 3, " lazy": 3, " polite": 2, " sleepy": 2, " very old": 1, " noisy": 2, " clever": 1})
HOBBIES = Odds(
    {
        " to sing in the bath": 3,
        " to bake pies": 3,
        " to paint the moon": 2,
        " to count sheep": 2,
        " to dance": 2,
        " to nap": 1,
    }
)
FRUITS = Odds({" apples": 3, " eggs": 3, " nuts": 2, " plums": 2})
NUMBERS = (" zero", " one", " two", " three", " four", " five", " six", " seven", " eight", " nine", " ten")
NOISES = table(" la", " dee", " doo", " boing")
BRACKETS = {" (": " )", " [": " ]", " {": " }"}

ECHO_WORDS = tuple(
    sorted(
        {
            word
            for odds in (
                *(PEOPLE, PETS, ANIMALS, ADJECTIVES, COLOURS, LOOKS, THINGS, HOLES, FALLING, HIDING, PLACES, FEELINGS),
                *(BAD_FEELINGS, FOODS, SAID, HOW_MUCH, HOW_OFTEN, BEASTS, BEAST_MANNERS, HOBBIES, FRUITS, NOISES),
            )
            for phrase in odds.weights
            for word in split_words(phrase)
        }
        | set(NUMBERS)
    )
)
"""Every word of the tables above: what an echo may consist of."""
