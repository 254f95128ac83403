"""The wordings of the questions: eight or more each; of those lists the last two are held out (only the scorer asks them).

{n} a name, {a} a name with its article, {p} a plural, {c} a colour, {m} a second name, {s} a side, {k} a number.
"""
import korean

WORDINGS = {
  "identify": ["What is this?", "What is in the picture?", "What do you see here?", "Name the object.", "Which object is this?", "What thing is shown?",
               "What is shown here?", "Which thing do you see?"],
  "count": ["How many {p} are there?", "How many {p} do you see?", "Count the {p}.", "What is the number of {p}?", "How many {p} are in the picture?",
            "How many {p} can you see?", "How many {p} are shown here?", "Count the {p} in the picture."],
  "colour": ["What colour is the {n}?", "Which colour does the {n} have?", "Name the colour of the {n}.", "What is the colour of the {n}?",
             "In which colour is the {n}?", "The {n} has which colour?", "Which colour is the {n}?", "What colour does the {n} have?"],
  "shape": ["What shape is this?", "Which shape is shown?", "Name the shape.", "What shape do you see?", "Which shape is this?",
            "What is the shape called?", "What shape is shown here?", "Which shape do you see?"],
  "shape_c": ["What shape is the {c} one?", "Which shape is {c}?", "What {c} shape do you see?", "Name the {c} shape.", "Which shape is the {c} one?",
              "What is the {c} shape called?", "What shape is {c}?", "Which {c} shape is shown?"],
  "relation": ["Where is the {n} relative to the {m}?", "On which side of the {m} is the {n}?", "Is the {n} left, right, above or below the {m}?",
               "Where is the {n}, seen from the {m}?", "Relative to the {m}, where is the {n}?", "Left, right, above or below the {m}: where is the {n}?",
               "From the {m}, where is the {n}?", "Relative to the {m}, is the {n} left, right, above or below?", "Which side of the {m} is the {n} on?",
               "From the {m}, on which side is the {n}?", "Where is the {n} from the {m}?", "The {m}: on which side of it is the {n}?",
               "Seen from the {m}, where is the {n}?", "On which side is the {n} relative to the {m}?"],
  "box": ["Where is the {n}?", "Find the {n}.", "Give the box of the {n}.", "Where in the picture is the {n}?", "Show where the {n} is.",
          "Give the place of the {n}.", "Find the box of the {n}.", "Where do you see the {n}?"],
  "yesno": ["Is there {a} in the picture?", "Do you see {a}?", "Can you see {a} here?", "Is {a} shown here?", "Is there {a} here?", "Does the picture show {a}?",
            "Can you see {a} in the picture?", "Do you see {a} here?"],
  "list": ["List what you see.", "What things are in the picture?", "Name everything you see.", "List the things in the picture.", "What things do you see?",
           "Name the things in the picture.", "List everything in the picture.", "What things are shown here?"],
  "word": ["What does it say?", "Read the text.", "What is written here?", "Which word is this?", "Read the word.", "What word is written here?",
           "What does the text say?", "Which word is written here?"],
  "word_top": ["Read the top word.", "What does the top line say?", "What is the top word?"],
  "word_bottom": ["Read the bottom word.", "What does the bottom line say?", "What is the bottom word?"],
  "line": ["Read line {k}.", "What does line {k} say?", "What is written in line {k}?", "Which word is in line {k}?"],
  "hangul": ["Read the Korean text.", "What does the Korean text say?", "What is written here in Korean?", "Which Korean text is this?", "Read the Korean word.",
             "Which Korean word is this?", "What does the Korean word say?", "Which Korean word is written here?"],
  "digits_line": ["Read line {k}.", "Which number is in line {k}?", "What is written in line {k}?"],
  "digits": ["Which number is this?", "Read the number.", "What number is written here?", "What is the number?", "Name the number.", "Which number is written here?",
             "What number is this?", "Which number do you see?"],
  "mood": ["How does the face feel?", "What is the mood of the face?", "Which mood is this?", "What mood does the face show?", "Name the mood.",
           "What does the face feel?", "Which mood does the face have?", "What mood is this?"],
  "mark_circle": ["What is circled?", "What is in the circle?", "What is marked?", "Which object is circled?", "Name the circled object.",
                  "What does the circle show?", "Which thing is circled?", "What do you see in the circle?"],
  "mark_frame": ["What is in the frame?", "What is marked?", "Which object is in the frame?", "What does the frame show?", "What is framed?",
                 "Name the object in the frame.", "Which thing is in the frame?", "What do you see in the frame?"],
  "mark_arrow": ["What does the arrow point to?", "What is the arrow pointing at?", "What is marked?", "Which object does the arrow point to?",
                 "Name what the arrow is pointing at.", "What is at the arrow?", "Which thing does the arrow point to?", "What does the arrow show?"],
  "mark_number": ["What is number {k}?", "What has the number {k}?", "Which object is number {k}?", "Name the object with number {k}.",
                  "Which thing has the number {k}?", "What is at number {k}?", "Which thing is number {k}?", "Name number {k}."],
  "beside": ["What is {s} the {m}?", "Which object is {s} the {m}?", "What do you see {s} the {m}?", "Name what is {s} the {m}."],
  "sudoku": ["Which number goes into the marked cell?", "What goes into the marked cell?", "Which number is missing in the marked cell?", "Solve the marked cell.",
             "What is the number of the marked cell?", "Which number fits into the marked cell?", "What number goes into the marked cell?",
             "Which number is the marked cell?"],
  "sudoku_row": ["Read the marked row.", "What is in the marked row?", "Which numbers are in the marked row?"],
  "sudoku_column": ["Read the marked column.", "What is in the marked column?", "Which numbers are in the marked column?"],
  "order": ["In which order are the pictures?", "What is the right order?", "In what order do the pictures go?", "Give the right order.", "Which order is right?",
            "What order do the pictures go in?", "In which order do the pictures go?", "What is the right order of the pictures?"],
  "order_first": ["Which picture is the first?", "Which picture comes first?", "What comes first?"],
  "order_last": ["Which picture is the last?", "Which picture comes last?", "What comes last?"],
  "meme_says": ["What does the caption say?", "Read the caption.", "What is the caption?", "What is written in the caption?", "Which word is the caption?",
                "Which word does the caption say?", "What word is in the caption?", "What does it say in the caption?"],
  "meme_shows": ["What does the picture show?", "What is above or below the caption?", "Which thing does the picture show?", "What is beside the caption?",
                 "Which object has the caption?", "What has the caption?", "Which object does the picture show?", "What thing does the picture show?"],
  "meme_agree": ["Do caption and picture agree?", "Does the caption fit the picture?", "Is the caption right?", "Does the caption say what the picture shows?",
                 "Does the picture fit the caption?", "Do the picture and the caption agree?", "Do the caption and the picture agree?",
                 "Does the caption agree with the picture?"],
  "bone": ["Is the bone broken?", "Is there a broken bone?", "Is a bone broken here?", "Do you see a broken bone?", "Is a bone broken?", "Is this bone broken?",
           "Can you see a broken bone?", "Is there a broken bone here?"],
  "fracture": ["Where is the bone broken?", "Find the break.", "Where is the break?", "Show where the bone is broken.", "Give the box of the break.",
               "Where in the picture is the break?", "Find where the bone is broken.", "Where do you see the break?"],
  "and_colour": ["And its colour?", "And which colour?", "Which colour does it have?", "What colour is it?", "And the colour?", "In which colour?", "And what colour is it?",
                 "Which colour is it?"],
  "and_box": ["And where is it?", "Where is it?", "Give its box.", "Find it.", "Show where it is.", "And its place?", "And its box?", "Where do you see it?"],
  "change": ["What has changed?", "What is different?", "What has changed in the second picture?", "What is different in the second picture?", "What changed?",
             "Which change do you see?", "What is the change?", "What change do you see?"],
  "list_of": ["What things are in the {k} picture?", "List the things in the {k} picture.", "What do you see in the {k} picture?"],
  "box_of": ["Where is the {n} in the {k} picture?", "Find the {n} in the {k} picture."],
  "colour_of": ["What colour is the {n} in the {k} picture?", "Which colour does the {n} have in the {k} picture?"],
  "yesno_of": ["Is there {a} in the {k} picture?", "Do you see {a} in the {k} picture?"],
  "only_of": ["What is in the {k} picture alone?", "Which thing is in the {k} picture alone?"],
  "moved": ["Is the {n} in the same place in both pictures?", "Is the place of the {n} the same in both pictures?"],
  "recoloured": ["Does the {n} have the same colour in both pictures?", "Is the colour of the {n} the same in both pictures?"],
} | korean.WORDINGS

# Only learnt from, so that the scorer's questions stay as they are: each way to ask with either name first.
LEARNT = {
  "relation": ["Seen from the {m}, on which side is the {n}?", "On which side is the {n}, seen from the {m}?", "On which side is the {n} of the {m}?",
               "Seen from the {m}, is the {n} left, right, above or below?", "Where is the {n}: left, right, above or below the {m}?",
               "Relative to the {m}, on which side is the {n}?", "Where is the {n} when seen from the {m}?"],
}


def say(rng, key, test=False, unseen=None, **names):
  """A question, and whether its wording is a held-out one. With `test`, every other question has a held-out wording."""
  texts = WORDINGS[key]
  keep = len(texts) - (2 if len(texts) >= 8 else 0)
  unseen = (rng.random() < .5 if unseen is None else unseen) if test and keep < len(texts) else False
  choices = texts[keep:] if unseen else texts[:keep] if test else texts[:keep] + LEARNT.get(key, [])
  return str(choices[rng.integers(len(choices))]).format(**names), bool(unseen)
