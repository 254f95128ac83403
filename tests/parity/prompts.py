"""What the parity tests ask: 200 text prompts, and 200 pictures with a question each, all seeded."""
import itertools
import random

from PIL import Image, ImageDraw

SHORT = 40  # text prompts of the short form, spread over the list

LONG_TEXT = ("In 1998 the 3 lighthouses on the coast were painted red, white and blue. " * 6
             + "How many lighthouses were there, and which colours were they painted in?")

_ASK = [
    "What is {}?", "Write one sentence about {}.", "List three facts about {}.", "Explain {} to a child.",
    "Write a short poem about {}.", "What are the advantages of {}?", "Translate '{}' into French.", "Who would be interested in {}, and why?",
]
_ABOUT = [
    "the sea", "photosynthesis", "a bicycle", "the moon", "bread", "a computer", "chess", "winter in Norway", "the number 42", "honey bees",
    "steam engines", "the colour blue", "a good night's sleep", "jazz", "volcanoes",
]
_OTHER = [
    "Write a Python function that adds two numbers.", "Count from 1 to 20.", "What is 17 + 25?", "def fibonacci(n):", "hello", "?",
    "Summarise: The quick brown fox jumps over the lazy dog. The dog does not mind.", "Was ist die Hauptstadt von Deutschland?",
    "Give me a recipe for pancakes with 3 eggs, 250 g flour and 0.5 l milk.", "Complete the sequence: 2, 4, 8, 16,",
    "Correct the spelling: 'I recieve teh mesage yestarday.'", "What rhymes with 'light'?", "Name the planets in order.",
    "Is a tomato a fruit or a vegetable?", "Write an e-mail asking for a day off.", "¿Cómo estás?", "Qu'est-ce que c'est ?", "日本の首都はどこですか？",
    "Convert 100 degrees Fahrenheit to Celsius.", "What day comes after Tuesday?", "Tell me a joke about cats 🐱.", "Write HTML for a red button.",
    "Sort these words: pear, apple, fig, cherry.", "What is the opposite of 'hot'?", "SELECT * FROM users WHERE", "Describe a sunset in ten words.",
    "How many legs do 4 spiders have?", "Who wrote Romeo and Juliet?", "What is the boiling point of water?", "Give three synonyms of 'happy'.",
    "Why is the sky blue?", "How do I tie a tie?", "Write a haiku.", "What is the largest ocean?", "Explain recursion.", "   leading blanks",
    "line one\nline two\n\nline four", "tabs\tand\ttabs", "What's 2**10?", "If all cats are animals and Tom is a cat, what is Tom?",
    "Repeat the word 'echo' five times.", "What does HTTP stand for?", "Invent a name for a robot.", "What can you do?", "Name a city in Italy.",
    "Who are you?", "Write the alphabet backwards.", "What is the square root of 144?", "How far is the sun?", "Say nothing.",
    "What is the past tense of 'go'?", "Draw a tree with characters.", "Finish the story: Once upon a time, in a small village,",
    "Make a table of the first 5 primes.", "What is DNA?", "Is 91 prime?", "Explain the offside rule.", "When did World War II end?",
    "Give me advice for a job interview.", "Write a tweet about coffee.", "What is the plural of 'mouse'?", "Thanks!", "Tell me about yourself in 3 words.",
    "How do airplanes fly?", "Compare cats and dogs.", "What is the meaning of life?", "Write a limerick about a programmer.", "Name 4 gases.",
    "Which is heavier, a kilogram of feathers or a kilogram of iron?", "What is a haiku?", "Where do penguins live?", "Define entropy.",
    "Plan a weekend in Rome.", "What time is it?", "Write a slogan for a bakery.", "Spell 'rhythm'.", "Give me a riddle.", "ΑΒΓ: what letters are these?",
    "Ends with a blank ", "Привет, как дела?",
]

TEXT_PROMPTS = ([ask.format(about) for ask, about in itertools.product(_ASK, _ABOUT)] + _OTHER)[:200]

_QUESTIONS = ["What is this?", "What colour is it?", "How many are there?", "What does it say?", "Where is it?", "Describe the picture."]


def picture_questions(folder, count=200):
    """(file, question) pairs: shapes, words and noise of all sizes in `folder`."""
    pick = random.Random(11)
    out = []
    for i in range(count):
        width, height = pick.choice([(160, 160), (320, 240), (97, 211), (640, 480), (40, 40), (200, 60)])
        colour = lambda: tuple(pick.randrange(256) for _ in range(3))  # noqa: E731
        picture = Image.new("RGB", (width, height), colour())
        draw = ImageDraw.Draw(picture)
        for _ in range(pick.randint(0, 4)):
            x, y = pick.randrange(width), pick.randrange(height)
            box = [x, y, x + pick.randint(5, width // 2), y + pick.randint(5, height // 2)]
            pick.choice([draw.rectangle, draw.ellipse])(box, fill=colour(), outline=colour())
        if pick.random() < 0.4:
            draw.text((pick.randrange(width // 2), pick.randrange(height // 2)), pick.choice(["OPEN", "12:30", "stop", "lmm"]), fill=colour())
        path = folder / f"{i:03}.{pick.choice(['png', 'png', 'bmp'])}"
        picture.save(path)
        out.append((path, pick.choice(_QUESTIONS)))
    return out
