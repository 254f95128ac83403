"""Asks a model about a picture: python hello.py MODEL PICTURE"""

import sys

import lmm


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: hello.py MODEL PICTURE", file=sys.stderr)
        return 2
    try:
        model = lmm.Model.load(sys.argv[1])
        with lmm.Session(model) as session:
            stream = session.stream([lmm.Image.open(sys.argv[2]), "Name the object."], max_tokens=32)
            for piece in stream:
                print(piece, end="", flush=True)
            print(f"\n({stream.reply.usage.new_tokens} new tokens)")
    except lmm.LmmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
