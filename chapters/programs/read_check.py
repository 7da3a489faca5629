"""Read handwritten amounts from images, with the network that train_digits.py has trained.

python read_check.py amount.png another.jpg

An image shows one amount in dark ink, cut out around it. Prints, parted by tabs: the file, its
digits from left to right, the product of their probabilities, and whether they pass Luhn's check.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor, nn

Image = npt.NDArray[np.uint8]
HEIGHT = 96  # pixels: every image is brought to it, and all lengths below are shares of heights


class MLP(nn.Module):
    """A multilayer perceptron that standardises its images itself: no caller can forget it."""

    def __init__(self) -> None:
        super().__init__()
        first = [nn.Flatten(), nn.Linear(784, 256), nn.BatchNorm1d(256), nn.ReLU()]
        second = [nn.Linear(256, 128), nn.BatchNorm1d(128), nn.ReLU()]
        self.net = nn.Sequential(*first, *second, nn.Linear(128, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (n, 28, 28), from 0 for paper to 1 for ink, into logits (n, 10)."""
        logits: Tensor = self.net((x - 0.1307) / 0.3081)  # MNIST's mean and deviation
        return logits


def load_network(path: Path) -> MLP:
    """Load numbers and nothing else (weights_only): other pickles can run a stranger's code."""
    model = MLP()
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a damaged file makes torch raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        sys.exit(f"error: {path} is no network of train_digits.py: run that first ({reason})")
    return model.eval()


def load_gray(path: Path) -> Image:
    """Load an image as gray levels of a fixed height: the scan's resolution must not matter."""
    try:
        gray = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        gray = None
    if gray is None:
        raise ValueError(f"{path} is damaged, or no image: save it as PNG or JPEG")
    scale = min(HEIGHT / gray.shape[0], 40 * HEIGHT / gray.shape[1])  # bounds a strip's width, too
    return resize(np.asarray(gray, np.uint8), scale)


def resize(image: Image, scale: float) -> Image:
    """Scale without losing thin strokes: average where it shrinks, interpolate where it grows."""
    size = [max(1, round(n * scale)) for n in image.shape[::-1]]
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


def find_ink(gray: Image) -> Image:
    """Compare each pixel with its surroundings (Sauvola): shaded paper can be as dark as ink."""
    dark, light = np.percentile(gray, (1, 99))
    if light - dark < 16:  # gray levels: an empty field has only noise
        return np.zeros_like(gray)
    levels = np.clip((gray - dark) * (255 / (light - dark)), 0, 255).astype(np.float32)
    levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), 0.015 * HEIGHT), np.float32)
    window = (HEIGHT // 4 + 1, HEIGHT // 4 + 1)  # wider than any stroke
    mean, mean_square = cv2.blur(levels, window), cv2.blur(levels**2, window)
    deviation = (mean_square - mean**2).clip(0) ** 0.5
    return np.asarray(levels < mean * (1 + 0.3 * (deviation / 128 - 1)), np.uint8)


def erase_lines(ink: Image) -> Image:
    """Erase ruled lines, because a line joins all digits that it touches into one piece."""
    bar = np.ones((1, max(3, round(max(0.7 * ink.shape[0], 0.4 * ink.shape[1])))), np.uint8)
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))  # a line that isn't quite level has steps
    lines = cv2.morphologyEx(thick, cv2.MORPH_OPEN, bar)  # keeps only what the bar fits into
    rest = np.asarray(ink * (lines == 0), np.uint8)
    bridged = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((9, 1), np.uint8))
    return np.asarray(ink * bridged, np.uint8)  # a stroke that crosses a line gets its ink back


def find_digits(ink: Image) -> list[Image]:
    """Cut out the connected pieces, left to right, without those too low to be digits."""
    labels, _ = ndimage.label(ink, np.ones((3, 3)))  # pieces touch at corners, too
    boxes = list(enumerate(ndimage.find_objects(labels), start=1))
    boxes.sort(key=lambda numbered: numbered[1][1].start)
    pieces = [np.asarray(labels[box] == number, np.uint8) for number, box in boxes]
    if not pieces:
        return []
    # The digits' height is a median in which each pixel has a vote, so that crumbs don't count.
    tall = np.median(np.repeat([len(p) for p in pieces], [p.sum() for p in pieces]))
    if tall < 0.15 * len(ink):  # nothing but the paper's texture
        return []
    # By height alone, since a 1 may be as narrow as the pen; a dash may be a little higher.
    return [p for p in pieces if len(p) > tall * (0.45 if p.shape[1] < 3 * len(p) else 0.6)]


def as_mnist(piece: Image) -> Image:
    """Scale a digit into 20x20, and centre its mass in 28x28: such images the network knows."""
    small = resize(piece * np.uint8(255), 20 / max(piece.shape))
    frame = np.zeros((28, 28), np.uint8)
    if small.any():  # a centre without mass would be 0/0
        centre = zip(ndimage.center_of_mass(small), small.shape, strict=True)
        y, x = (min(max(round(13.5 - mean), 0), 28 - length) for mean, length in centre)
        frame[y : y + small.shape[0], x : x + small.shape[1]] = small
    return frame


def read(model: MLP, path: Path) -> tuple[str, float]:
    """Read an image, all digits in one batch; an empty one is "", with a probability of 0."""
    digits = [as_mnist(piece) for piece in find_digits(erase_lines(find_ink(load_gray(path))))]
    if not digits:
        return "", 0.0
    with torch.inference_mode():
        best = model(torch.from_numpy(np.stack(digits)) / 255).softmax(dim=1).max(dim=1)
    return "".join(map(str, best.indices.tolist())), float(best.values.prod())


def luhn_valid(text: str) -> bool:
    """Check a card's or an account's number; an amount has no check digit, so chance decides."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in text[-2::-2]]
    return text != "" and (sum(map(int, text[::-2])) + sum(doubled)) % 10 == 0


def main() -> None:
    """Read every image that is named; one that can't be read must not stop the others."""
    parser = argparse.ArgumentParser(description="Read handwritten amounts from images.")
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--model", type=Path, default=Path("digits.pt"), help="(%(default)s)")
    args = parser.parse_args()
    model, errors = load_network(args.model), 0
    for path in args.images:
        try:
            text, probability = read(model, path)
            luhn = "passes Luhn" if luhn_valid(text) else "fails Luhn"
            print(path, text, f"{probability:.3f}", luhn, sep="\t")
        except (OSError, ValueError) as error:
            errors += 1
            print(f"error: {error}", file=sys.stderr)
    sys.exit(errors > 0)


if __name__ == "__main__":
    main()
