"""Sentences to be spoken: 200 in English and 30 in each of seven other languages, put together from parts."""

import itertools
import random

ENGLISH = (
    ("The old man", "My sister", "A young doctor", "The teacher", "Our neighbour", "The little girl", "The captain",
     "A tired driver", "The farmer", "Her brother"),
    ("found", "carried", "painted", "lost", "opened", "cleaned", "sold", "remembered", "followed", "described"),
    ("the wooden box", "a yellow bicycle", "two heavy bags", "the garden gate", "an empty bottle", "the broken window",
     "a letter from Paris", "the last train", "seven green apples", "a very long story"),
    ("before breakfast", "on Sunday morning", "in the rain", "near the river", "without a word", "after the concert",
     "in the middle of the night", "last summer", "with great care", "at a quarter past nine"),
)

OTHERS = {
    "de": (("Der alte Mann", "Meine Schwester", "Die Lehrerin", "Unser Nachbar", "Das kleine Mädchen", "Der Kapitän"),
           ("kauft heute drei Brote.", "wartet auf den Zug.", "öffnet langsam das Fenster.", "schreibt einen langen Brief.",
            "geht am Abend nach Hause.")),
    "it": (("Il vecchio signore", "Mia sorella", "La maestra", "Il nostro vicino", "La bambina", "Il capitano"),
           ("compra tre mele verdi.", "aspetta il treno.", "apre piano la finestra.", "scrive una lunga lettera.",
            "torna a casa la sera.")),
    "cs": (("Starý pán", "Moje sestra", "Učitelka", "Náš soused", "Malá holka", "Kapitán"),
           ("kupuje tři jablka.", "čeká na vlak.", "pomalu otevírá okno.", "píše dlouhý dopis.", "jde večer domů.")),
    "ru": (("Старый человек", "Моя сестра", "Учительница", "Наш сосед", "Маленькая девочка", "Капитан"),
           ("покупает три яблока.", "ждёт поезд.", "медленно открывает окно.", "пишет длинное письмо.", "идёт вечером домой.")),
    "fi": (("Vanha mies", "Minun siskoni", "Opettaja", "Meidän naapuri", "Pieni tyttö", "Kapteeni"),
           ("ostaa kolme omenaa.", "odottaa junaa.", "avaa hitaasti ikkunan.", "kirjoittaa pitkän kirjeen.",
            "menee illalla kotiin.")),
    "hi": (("बूढ़ा आदमी", "मेरी बहन", "हमारा पड़ोसी", "छोटी लड़की", "अध्यापक", "मेरा भाई"),
           ("तीन सेब खरीदता है।", "गाड़ी का इंतज़ार करता है।", "खिड़की खोलता है।", "लंबा पत्र लिखता है।", "शाम को घर जाता है।")),
    "ko": (("할아버지가", "내 동생이", "선생님이", "우리 이웃이", "어린 소녀가", "선장이"),
           ("사과 세 개를 삽니다.", "기차를 기다립니다.", "창문을 천천히 엽니다.", "긴 편지를 씁니다.", "저녁에 집으로 갑니다.")),
}


def plain(text: str) -> str:
  """What error rates are taken of: lower case, letters and digits."""
  return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def english(count: int = 200) -> list[str]:
  """Different sentences, the same in each run."""
  draw = random.Random(7)
  seen: dict[str, None] = {}
  while len(seen) < count:
    seen[" ".join(draw.choice(part) for part in ENGLISH) + "."] = None
  return list(seen)


def others(language: str) -> list[str]:
  return [" ".join(parts) for parts in itertools.product(*OTHERS[language])]
