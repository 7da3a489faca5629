"""``python -m lessonlib.synthesis FOLDER`` makes the labelled sample fields anew."""

import sys

from lessonlib.synthesis.samples import write_samples

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1][:1] in ("", "-"):
        sys.exit("usage: python -m lessonlib.synthesis FOLDER (the course's own: data/checks)")
    try:
        write_samples(sys.argv[1])
    except OSError as error:
        sys.exit(f"the samples can't be written: {error}")
