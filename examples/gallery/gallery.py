"""Writes one HTML page of what a model answers about pictures: picture, question, answer, boxes drawn.

    PYTHONPATH=bindings/python LMM_LIBRARY=build/lib/liblmm.so python3 examples/gallery/gallery.py --out build/gallery.html

Without further arguments it shows the pocket model on the held-out pictures of its tests, unpicked, with what is right and
wrong, beside its score on 400 pictures of each kind. Needs Python alone; the page needs no other file.
"""

import argparse
import base64
import html
import json
import statistics
import sys
import time
from pathlib import Path
from string import Template
from typing import NamedTuple

import lmm

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
POCKET = ROOT / "examples" / "pocket"
sys.path.append(str(POCKET))

from grading import grade  # noqa: E402

# Task of the samples -> heading, a line below it. In this order on the page.
ABILITIES = {
    "identify": ("Tells what it sees", "116 everyday things, drawn in many styles."),
    "mood": ("Reads a mood", "Faces, drawn or emoji."),
    "box": ("Shows where things are", "Its box is solid, the right one dashed."),
    "yesno": ("Says whether a thing is there", "Half of the answers are yes."),
    "colour": ("Names colours", ""),
    "shape": ("Names shapes", ""),
    "nothing": ("Sees that nothing is there", "Empty grounds, asked about as if they were not."),
    "digits": ("Reads handwritten digits", "One to three of them."),
    "bone": ("Sees a broken bone", "Drawn as on an X-ray: a drawing, not medicine."),
    "fracture": ("Shows where it is broken", "The box of the break."),
    "second": ("Remembers what was said", "A second question that only makes sense after the first."),
    "absent": ("Knows what is not there", "Questions about a thing that the picture lacks."),
    "list": ("Lists all it sees", "Right only where nothing is missing and nothing too much."),
    "count": ("Counts", "One to six."),
    "relation": ("Tells left from right", "And above from below."),
    "mark": ("Sees what is marked", "Circled, framed, pointed at or numbered: visual prompting."),
    "word": ("Reads printed words", "Short ones, sometimes."),
    "handwriting": ("Reads handwriting", "Words in fonts like handwriting."),
    "hangul": ("Reads Korean", "One to four syllables."),
    "korean": ("Speaks Korean", "The same questions, asked and answered in Korean."),
    "change": ("Compares two pictures", "What has changed from one to the other?"),
    "order": ("Puts steps in order", "Kimbap, a sandwich, the moon, a clock ..."),
    "meme": ("Gets the caption", "What it says, what is there, whether they agree."),
    "sudoku": ("Fills the marked cell", "Of a 4 x 4 sudoku."),
}


class Card(NamedTuple):
    """One picture or two, what was asked (of a conversation all of it), what was answered."""

    files: list[Path]
    question: str
    wanted: str
    reply: lmm.Reply
    size: tuple[int, int]
    right: bool


def ask(session: lmm.Session, folder: Path, item: dict[str, str]) -> Card:
    files = [folder / item[key] for key in ("file", "second_file") if key in item]
    images = [lmm.Image.open(file) for file in files]
    first, *later = item["question"].split("\n")
    session.reset()
    reply, asked = session.ask([*images, first], max_tokens=48), first
    for question in later:
        asked += f" {spoken(reply.text)}. {question}"
        reply = session.ask(question, max_tokens=48)
    right = grade(item["task"], reply.text.strip(), item["answer"])
    whole = right[1].get("exact", right[0])
    return Card(files, asked, item["answer"], reply, (images[0].width, images[0].height), whole >= 0.999)


def spoken(text: str) -> str:
    """An answer as people read it: without the markup of boxes and the quotes of what was read."""
    return "see the dashed box" if text.startswith("<box>") else text.strip().strip('"') or "(nothing)"


def overlay(card: Card) -> str:
    """Boxes as SVG in the pixels of the picture."""
    rectangles = [("answered", box.x0, box.y0, box.x1, box.y1) for box in card.reply.boxes]
    if card.wanted.startswith("<box>"):
        numbers = [int(word) / 1000 for word in card.wanted.replace("<", " ").split() if word.isdigit()]
        width, height = card.size
        rectangles.append(("wanted", numbers[0] * width, numbers[1] * height, numbers[2] * width, numbers[3] * height))
    drawn = "".join(f'<rect class="{kind}" x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"/>'
                    for kind, x0, y0, x1, y1 in rectangles)
    return f'<svg viewBox="0 0 {card.size[0]} {card.size[1]}" aria-hidden="true">{drawn}</svg>' if drawn else ""


def card_html(card: Card) -> str:
    shown = "".join(f'<img src="data:image/{ {".png": "png", ".webp": "webp"}.get(file.suffix, "jpeg")};base64,'
                    f'{base64.b64encode(file.read_bytes()).decode()}" alt="" loading="lazy">' for file in card.files)
    answer = "here" if card.reply.boxes else spoken(card.reply.text)
    truth = "" if card.right else f'<p class="truth">it is: {html.escape(spoken(card.wanted))}</p>'
    verdict = ("right", "✓") if card.right else ("wrong", "✗")
    return (f'<figure class="{verdict[0]}"><div class="picture{" pair" * (len(card.files) > 1)}">{shown}'
            f"{overlay(card)}</div><figcaption><p class=\"question\">{html.escape(card.question)}</p>"
            f'<p class="answer"><span title="{verdict[0]}">{verdict[1]}</span> {html.escape(answer)}</p>{truth}</figcaption></figure>')


def section_html(task: str, cards: list[Card], score: dict[str, float]) -> str:
    heading, line = ABILITIES.get(task, (task, ""))
    bar = ""
    if score:
        bar = (f'<div class="score"><div class="bar"><i style="width:{100 * score["score"]:.0f}%"></i></div>'
               f'<span><b>{100 * score["score"]:.0f} %</b> of {score["n"]:.0f} held-out pictures; '
               f'always giving the commonest answer: {100 * score["commonest"]:.0f} %</span></div>')
    right = sum(card.right for card in cards)
    return (f'<section id="{html.escape(task)}"><h2>{html.escape(heading)}</h2><p class="line">{html.escape(line)} Here: {right} of {len(cards)} right.</p>'
            f'{bar}<div class="cards">{"".join(map(card_html, cards))}</div></section>')


def page(model: lmm.Model, cards: dict[str, list[Card]], scores: dict[str, dict[str, float]]) -> str:
    every = [card for own in cards.values() for card in own]
    seconds = [card.reply.timings.preprocess + card.reply.timings.encode + card.reply.timings.prefill + card.reply.timings.decode
               for card in every]
    names = [task for task in ABILITIES if task in cards] + [task for task in cards if task not in ABILITIES]
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        name=html.escape(Path(model.info.folder).parent.name if Path(model.info.folder).name == "model" else Path(model.info.folder).name),
        parameters=f"{model.info.parameters / 1e6:.1f}", megabytes=f"{model.info.weight_bytes / 1e6:.0f}",
        right=sum(card.right for card in every), total=len(every), milliseconds=f"{1000 * statistics.median(seconds):.0f}",
        links="".join(f'<a href="#{html.escape(task)}">{html.escape(ABILITIES.get(task, (task, ""))[0])}</a>' for task in names),
        sections="".join(section_html(task, cards[task], scores.get(f"{task}/seen", {})) for task in names))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(POCKET / "model"))
    parser.add_argument("--samples", type=Path, default=ROOT / "tests" / "data" / "pocket",
                        help="folder of pictures and samples.json: items of file, task, question, answer")
    parser.add_argument("--scores", type=Path, default=POCKET / "scores.json", help="what examples/pocket/score.py wrote")
    parser.add_argument("--out", type=Path, default=Path("gallery.html"))
    args = parser.parse_args()
    try:
        items = json.loads((args.samples / "samples.json").read_text(encoding="utf-8"))["items"]
        scores = json.loads(args.scores.read_text())["clean"] if args.scores.exists() else {}
        model = lmm.Model.load(args.model)
        begin = time.perf_counter()
        cards: dict[str, list[Card]] = {}
        with lmm.Session(model) as session:
            for number, item in enumerate(items, 1):
                cards.setdefault(item["task"], []).append(ask(session, args.samples, item))
                if sys.stderr.isatty():
                    print(f"{number} of {len(items)}", end="\r", file=sys.stderr, flush=True)
        print(f"{len(items)} pictures in {time.perf_counter() - begin:.1f} s", file=sys.stderr)
        args.out.write_text(page(model, cards, scores), encoding="utf-8")
    except (lmm.LmmError, OSError, KeyError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
