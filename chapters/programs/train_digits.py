"""Train a network on handwritten digits, and write it to digits.pt for read_check.py.

python train_digits.py                   MNIST, downloaded into the folder data
python train_digits.py --data bundled    the 1,797 digits that scikit-learn has: no network needed
"""

import argparse
import os
import socket
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.datasets import MNIST

BATCH, PEAK_RATE = 128, 5e-3


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


def load_digits(data: str) -> list[Tensor]:
    """Load MNIST from a folder or its mirrors; or scikit-learn's 8x8 images, enlarged."""
    if data == "bundled":
        from sklearn.datasets import load_digits

        small, labels = (torch.as_tensor(part) for part in load_digits(return_X_y=True))
        large = F.interpolate(small.float().view(-1, 1, 8, 8) / 16, (20, 20), mode="bicubic")
        x = F.pad((2 * large[:, 0] - 0.4).clamp(0, 1), (4, 4, 4, 4))  # steep edges, as a pen leaves
        return [x[:1300], labels[:1300], x[1300:], labels[1300:]]
    socket.setdefaulttimeout(20)  # seconds: a mirror that hangs must not hang the class
    train, test = (MNIST(data, train=part, download=True) for part in (True, False))
    return [train.data / 255, train.targets, test.data / 255, test.targets]


def jiggle(x: Tensor) -> Tensor:
    """Turn, scale and shift each image a little, so that none comes twice to be memorised."""
    u = 2 * torch.rand(5, len(x), device=x.device) - 1  # uniform in [-1, 1]
    angle, scale_x, scale_y = 0.17 * u[0], 1 + 0.1 * u[1], 1 + 0.1 * u[2]  # 0.17 rad: 10 degrees
    across = torch.stack([scale_x * angle.cos(), -angle.sin(), 0.1 * u[3]], dim=1)
    down = torch.stack([angle.sin(), scale_y * angle.cos(), 0.1 * u[4]], dim=1)  # 0.1: 1.4 pixels
    grid = F.affine_grid(torch.stack([across, down], dim=1), [len(x), 1, 28, 28], False)
    return F.grid_sample(x[:, None], grid, align_corners=False)[:, 0]  # outside is 0: paper


def accuracy(model: MLP, x: Tensor, y: Tensor) -> float:
    """Give the share of images read right: what training is for, in one number."""
    model.eval()
    with torch.inference_mode():
        return float((model(x).argmax(dim=1) == y).float().mean())


def train(x: Tensor, y: Tensor, epochs: int) -> MLP:
    """Train with Adam and a one-cycle rate, and hold out every twelfth image to watch progress."""
    held_out = torch.arange(len(x), device=x.device) % 12 == 0
    x_val, y_val, x, y = x[held_out], y[held_out], x[~held_out], y[~held_out]
    model, steps = MLP().to(x.device), len(x) // BATCH
    optimizer = torch.optim.Adam(model.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=epochs * steps)
    for epoch in range(1, epochs + 1):
        model.train()
        order = torch.randperm(len(x), device=x.device)
        for batch in order[: steps * BATCH].view(steps, BATCH):  # indices into the one tensor
            optimizer.zero_grad()
            F.cross_entropy(model(jiggle(x[batch])), y[batch]).backward()
            optimizer.step()
            rate.step()
        right = accuracy(model, x_val, y_val)
        print(f"epoch {epoch}: {right:.1%} of {len(x_val):,} held-out images right", flush=True)
    return model


def main() -> None:
    """Refuse what can't work at once, not after minutes of training."""
    parser = argparse.ArgumentParser(description="Train a network that reads digits.")
    root = os.environ.get("LESSONLIB_MNIST_ROOT") or "data"
    parser.add_argument("--data", default=root, help='folder for MNIST, or "bundled" (%(default)s)')
    parser.add_argument("--out", type=Path, default=Path("digits.pt"), help="(%(default)s)")
    parser.add_argument("--epochs", type=int, default=15, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    args = parser.parse_args()
    if args.epochs < 1 or not 0 <= args.seed < 2**63:
        parser.error("--epochs must be at least 1, --seed from 0 to 2^63 - 1")
    if args.out.is_dir() or not os.access(args.out.parent, os.W_OK):
        parser.error(f"--out must name a file in a folder that can be written to, not {args.out}")
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        x, y, x_test, y_test = (part.to(device) for part in load_digits(args.data))
    except Exception as error:  # a damaged file or a lost mirror makes torchvision raise anything
        sys.exit(
            f"error: {args.data}/MNIST/raw has no MNIST, or a damaged one, and it can't be "
            f"downloaded ({error!r}). Give --data FOLDER with the files, or --data bundled."
        )
    model = train(x, y, args.epochs)
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, args.out)
    print(f"test: {accuracy(model, x_test, y_test):.1%} of {len(x_test):,} images right")
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
