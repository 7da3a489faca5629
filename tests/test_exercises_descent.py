"""Answers to the exercises on gradient descent; test_exercises.py tries them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

Answer = Callable[..., Any]


# ---------------------------------------------------------------- a line


def fit_line(x: Any, y: Any, lr: float, batches: Any) -> Any:
    w = b = 0
    for batch in batches:
        error = w * x[batch] + b - y[batch]
        w, b = w - lr * (error * x[batch]).mean(), b - lr * error.mean()
    return w, b


def line_in_loops(x: Any, y: Any, lr: float, batches: Any) -> Any:
    w = b = 0.0
    for batch in batches:
        dw = db = 0.0
        for i in batch:
            dw += (w * x[i] + b - y[i]) * x[i] / len(batch)
            db += (w * x[i] + b - y[i]) / len(batch)
        w -= lr * dw
        b -= lr * db
    return [w, b]


def line_by_a_matrix(x: Any, y: Any, lr: float, batches: Any) -> Any:
    X, w = np.stack([x, np.ones_like(x)], axis=1), np.zeros(2)
    for batch in batches:
        w -= lr * X[batch].T @ (X[batch] @ w - y[batch]) / len(batch)
    return w


def line_of_torch(x: Any, y: Any, lr: float, batches: Any) -> Any:
    x, y = torch.tensor(x).float(), torch.tensor(y).float()
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=lr)
    for batch in batches:
        optimizer.zero_grad()
        (torch.nn.functional.mse_loss(w * x[batch] + b, y[batch]) / 2).backward()
        optimizer.step()
    return w, b


def with_gradients(new: Callable[..., Any]) -> Answer:
    """Take steps along wrong gradients; `new` gets the errors, x, the number of all, and lr."""

    def answer(x: Any, y: Any, lr: float, batches: Any) -> Any:
        w = b = 0.0
        for batch in batches:
            dw, db = new(w * x[batch] + b - y[batch], x[batch], len(x), lr)
            w, b = w - lr * dw, b - lr * db
        return w, b

    return answer


def with_batches(new: Callable[..., Any]) -> Answer:
    """Take the right steps, for other batches; `new` gets the batches, and the number of all."""
    return lambda x, y, lr, batches: fit_line(x, y, lr, new(batches, len(x)))


def w_before_b(x: Any, y: Any, lr: float, batches: Any) -> Any:
    w = b = 0.0
    for batch in batches:
        w -= lr * ((w * x[batch] + b - y[batch]) * x[batch]).mean()
        b -= lr * (w * x[batch] + b - y[batch]).mean()
    return w, b


def b_before_w(x: Any, y: Any, lr: float, batches: Any) -> Any:
    w = b = 0.0
    for batch in batches:
        b -= lr * (w * x[batch] + b - y[batch]).mean()
        w -= lr * ((w * x[batch] + b - y[batch]) * x[batch]).mean()
    return w, b


def line_without_b(x: Any, y: Any, lr: float, batches: Any) -> Any:
    w = b = 0.0
    for batch in batches:
        error = w * x[batch] - y[batch]
        w, b = w - lr * (error * x[batch]).mean(), b - lr * error.mean()
    return w, b


def error_before_the_loop(x: Any, y: Any, lr: float, batches: Any) -> Any:
    w = b = 0.0
    error = w * x + b - y
    for batch in batches:
        w, b = w - lr * (error * x)[batch].mean(), b - lr * error[batch].mean()
    return w, b


def begins_anew(x: Any, y: Any, lr: float, batches: Any) -> Any:
    w = b = 0.0
    for batch in batches:
        w, b = fit_line(x, y, lr, [batch])
    return w, b


def returns_in_the_loop(x: Any, y: Any, lr: float, batches: Any) -> Any:
    for batch in batches:
        return fit_line(x, y, lr, [batch])


def least_squares(x: Any, y: Any, lr: float, batches: Any) -> Any:
    return tuple(np.polyfit(x, y, 1))


def except_without_batches(value: Any) -> Answer:
    return lambda x, y, lr, batches: fit_line(x, y, lr, batches) if batches else value


def changes_y(x: Any, y: Any, lr: float, batches: Any) -> Any:
    result = fit_line(x, y, lr, batches)
    y -= result[0] * x + result[1]
    return result


# ---------------------------------------------------------------- momentum with weight decay


def momentum(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    m = beta * m + g + decay * w
    return w - lr * m, m


def momentum_of_torch(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    w, g, m = map(torch.tensor, (w, g, m))
    m = torch.add(beta * m + g, w, alpha=decay)
    return torch.sub(w, m, alpha=lr), m


def momentum_in_loops(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    new_w, new_m = np.empty_like(w), np.empty_like(m)
    for at in np.ndindex(w.shape):
        new_m[at] = beta * m[at] + (g[at] + decay * w[at])
        new_w[at] = w[at] - lr * new_m[at]
    return [new_w.tolist(), new_m.tolist()]


def momentum_rearranged(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    return (1 - lr * decay) * w - lr * g - lr * beta * m, beta * m + g + decay * w


def momentum_in_float32(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    w, g, m = (part.astype(np.float32) for part in (w, g, m))
    return momentum(w, g, m, lr, beta, decay)


def with_m(new: Callable[..., Any]) -> Answer:
    """Make the step along a wrongly computed m."""

    def step(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
        m = new(w, g, m, lr, beta, decay)
        return w - lr * m, m

    return step


def with_w(new: Callable[..., Any]) -> Answer:
    """Move w wrongly, from the right m; `new` gets w, the new m, lr, decay, the old m, beta."""

    def step(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
        right = momentum(w, g, m, lr, beta, decay)[1]
        return new(w, right, lr, decay, m, beta), right

    return step


def changes_m(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    m *= beta
    m += g + decay * w
    return w - lr * m, m


def decoupled(w: Any, g: Any, m: Any, lr: float, beta: float, decay: float) -> Any:
    m = beta * m + g
    return w - lr * m - lr * decay * w, m


# ---------------------------------------------------------------- dropout


def dropout(a: Any, rate: float, rng: Any) -> Any:
    return a * (rng.random(a.shape) >= rate) / (1 - rate)


def dropout_in_loops(a: Any, rate: float, rng: Any) -> Any:
    result = []
    for row in a.tolist():
        result.append([0.0 if rng.random() < rate else value / (1 - rate) for value in row])
    return result


def dropout_in_a_copy(a: Any, rate: float, rng: Any) -> Any:
    a = a.copy()
    a[rng.uniform(size=a.shape) < rate] = 0
    a /= 1 - rate
    return a


def dropout_by_choice(a: Any, rate: float, rng: Any) -> Any:
    return rng.choice([0, 1 / (1 - rate)], size=a.shape, p=[rate, 1 - rate]) * a


def dropout_in_float32(a: Any, rate: float, rng: Any) -> Any:
    mask = torch.from_numpy(rng.binomial(1, 1 - rate, size=a.shape))
    return torch.from_numpy(a).float() * mask / (1 - rate)


def masked(mask: Callable[..., Any]) -> Answer:
    """Make an answer of a mask; it gets the shape of a, the rate and rng."""
    return lambda a, rate, rng: a * mask(a.shape, rate, rng) / (1 - rate)


def scaled(factor: Callable[..., Any]) -> Answer:
    """Multiply what stays by another factor; it gets the rate and the mask."""

    def answer(a: Any, rate: float, rng: Any) -> Any:
        mask = rng.random(a.shape) >= rate
        return a * mask * factor(rate, mask)

    return answer


def dropped_in_place(a: Any, rate: float, rng: Any) -> Any:
    a *= rng.random(a.shape) >= rate
    return a / (1 - rate)


def exact_number(shape: Any, rate: float, rng: Any) -> Any:
    size = shape[0] * shape[1]
    return (rng.permutation(size) >= round(rate * size)).reshape(shape)


def exact_number_in_rows(shape: Any, rate: float, rng: Any) -> Any:
    ranks = rng.permuted(np.tile(np.arange(shape[1]), (shape[0], 1)), axis=1)
    return ranks >= round(rate * shape[1])


def smallest_dropped(a: Any, rate: float, rng: Any) -> Any:
    return np.where(a < np.quantile(a, rate), 0, a) / (1 - rate)


def except_rate_0(value: Callable[[Any], Any]) -> Answer:
    return lambda a, rate, rng: dropout(a, rate, rng) if rate else value(a)


def one_by_one_noise(a: Any, rate: float, rng: Any) -> Any:
    dropped = dropout(a, rate, rng)
    return np.where(dropped == 0, 0, dropped + rng.normal(size=a.shape))


# ---------------------------------------------------------------- early stopping


def early_stop(losses: list[float], patience: int) -> Any:
    kept, lowest, waited = 1, losses[0], 0
    for epoch, loss in enumerate(losses[1:], start=2):
        waited += 1
        if loss < lowest:
            kept, lowest, waited = epoch, loss, 0
        if waited == patience:
            return epoch, kept
    return len(losses), kept


def early_stop_without_a_counter(losses: list[float], patience: int) -> Any:
    for epoch in range(1, len(losses) + 1):
        kept = 1 + losses.index(min(losses[:epoch]))
        if epoch - kept >= patience:
            break
    return [epoch, kept]


def early_stop_in_numpy(losses: list[float], patience: int) -> Any:
    lowest = np.minimum.accumulate(losses)
    epochs = np.arange(len(losses))
    new = np.append(True, lowest[1:] < lowest[:-1])
    kept = np.maximum.accumulate(np.where(new, epochs, 0))
    stop = np.append(np.flatnonzero(epochs - kept >= patience), epochs[-1])[0]
    return np.array([stop + 1, kept[stop] + 1])


def early_stop_by_while(losses: list[float], patience: int) -> Any:
    kept = epoch = 0
    while epoch + 1 < len(losses) and epoch - kept < patience:
        epoch += 1
        if losses[epoch] < losses[kept]:
            kept = epoch
    return float(epoch + 1), float(kept + 1)


def stopping(
    limit: Callable[[int], int] = lambda patience: patience,
    lower: Callable[[float, float], bool] = lambda loss, lowest: loss < lowest,
    against_last: bool = False,
    reset: bool = True,
    waited: int = 0,
) -> Answer:
    """Make an answer with one rule changed."""

    def answer(losses: list[float], patience: int) -> Any:
        kept, so_far = 1, waited
        for epoch in range(2, len(losses) + 1):
            loss, lowest, last = losses[epoch - 1], losses[kept - 1], losses[epoch - 2]
            if lower(loss, last if against_last else lowest):
                so_far = 0 if reset else so_far
            else:
                so_far += 1
            kept = epoch if lower(loss, lowest) else kept
            if so_far >= limit(patience):
                return epoch, kept
        return len(losses), kept

    return answer


def shifted(stop: int, kept: int) -> Answer:
    def answer(losses: list[float], patience: int) -> Any:
        right = early_stop(losses, patience)
        return right[0] + stop, right[1] + kept

    return answer


def nothing_at_the_end(losses: list[float], patience: int) -> Any:
    stop, kept = early_stop(losses, patience)
    return (stop, kept) if stop - kept == patience else None


def lowest(losses: list[float]) -> int:
    return losses.index(min(losses)) + 1


def last_of_the_lowest(losses: list[float], patience: int) -> Any:
    stop, _ = early_stop(losses, patience)
    return stop, stop - int(np.argmin(losses[:stop][::-1]))


def patience_before_the_stop(losses: list[float], patience: int) -> Any:
    stop, _ = early_stop(losses, patience)
    return stop, stop - patience


def loss_kept(losses: list[float], patience: int) -> Any:
    stop, kept = early_stop(losses, patience)
    return stop, losses[kept - 1]


def changes_losses(losses: list[float], patience: int) -> Any:
    result = early_stop(losses, patience)
    losses.clear()
    return result


SOLUTIONS: dict[int, Answer] = {
    1: fit_line,
    2: momentum,
    3: dropout,
    4: early_stop,
}

RIGHT: list[tuple[int, Answer]] = [
    (1, line_in_loops),
    (1, line_by_a_matrix),
    (1, line_of_torch),
    (2, momentum_of_torch),
    (2, momentum_in_loops),
    (2, momentum_rearranged),
    (2, momentum_in_float32),
    (3, dropout_in_loops),
    (3, dropout_in_a_copy),
    (3, dropout_by_choice),
    (3, dropout_in_float32),
    (4, early_stop_without_a_counter),
    (4, early_stop_in_numpy),
    (4, early_stop_by_while),
]

MISTAKES: list[tuple[int, Answer, str]] = [
    (1, with_gradients(lambda e, x, m, lr: (-(e * x).mean(), -e.mean())), "Each gradient has the"),
    (1, with_gradients(lambda e, x, m, lr: (-(e * x).mean(), e.mean())), "w's gradient has the"),
    (1, with_gradients(lambda e, x, m, lr: ((e * x).mean(), -e.mean())), "b's gradient has the"),
    (1, with_gradients(lambda e, x, m, lr: (2 * (e * x).mean(), 2 * e.mean())), "mind the ½"),
    (
        1,
        with_gradients(lambda e, x, m, lr: (2 * (e * x).mean(), e.mean())),
        "w's gradient is twice",
    ),
    (1, with_gradients(lambda e, x, m, lr: ((e * x).mean() / 2, e.mean() / 2)), "half as large"),
    (1, with_gradients(lambda e, x, m, lr: (e @ x, e.sum())), "Each gradient is a sum"),
    (1, with_gradients(lambda e, x, m, lr: (e @ x, e.mean())), "w's gradient is a sum"),
    (1, with_gradients(lambda e, x, m, lr: ((e * x).mean(), e.sum())), "b's gradient is a sum"),
    (1, with_gradients(lambda e, x, m, lr: (e @ x / m, e.sum() / m)), "number of all examples"),
    (1, with_gradients(lambda e, x, m, lr: (e @ x / len(e) / lr, e.mean() / lr)), "learning rate"),
    (1, with_gradients(lambda e, x, m, lr: ((e * x).mean(), 0)), "b never changes"),
    (1, with_gradients(lambda e, x, m, lr: (0, e.mean())), "w never changes"),
    (1, with_gradients(lambda e, x, m, lr: (e.mean(), e.mean())), "w has the gradient of b"),
    (1, with_gradients(lambda e, x, m, lr: ((e * x).mean(),) * 2), "b has the gradient of w"),
    (1, with_gradients(lambda e, x, m, lr: (e.mean() * x.mean(), e.mean())), "of two means"),
    (1, with_gradients(lambda e, x, m, lr: ((e * x).mean(), e.mean() + 1)), "b is another number"),
    (1, with_gradients(lambda e, x, m, lr: ((e**2).mean(), e.mean())), "w is another number"),
    (1, with_batches(lambda batches, m: [np.arange(m)] * len(batches)), "uses all examples"),
    (1, with_batches(lambda batches, m: np.concatenate(batches)[:, None]), "for each example"),
    (1, with_batches(lambda batches, m: batches[::-1]), "w is another number"),
    (1, begins_anew, "Only the last batch"),
    (1, returns_in_the_loop, "Only the first batch"),
    (1, w_before_b, "taken at the new w"),
    (1, b_before_w, "taken at the new b"),
    (1, line_without_b, "no b in your ŷ"),
    (1, error_before_the_loop, "compute the error anew"),
    (1, least_squares, "w is another number"),
    (1, lambda *line: fit_line(*line)[::-1], "swapped"),
    (1, lambda *line: fit_line(*line)[0], "Return two numbers"),
    (1, lambda *line: {"w": fit_line(*line)[0]}, "got dict"),
    (1, lambda *line: (line[0], 0.0), "w is a single number"),
    (1, lambda *line: (0.0, None), "b is a number"),
    (1, lambda *line: (np.nan, np.nan), "you return w = nan"),
    (1, except_without_batches((1, 1)), "With an empty list"),
    (1, except_without_batches(None), "returns nothing"),
    (1, changes_y, "Work on a copy"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g), "no decay"),
    (2, decoupled, "no decay"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g - decay * w), "sign of the decay"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g + 2 * decay * w), "twice"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g + decay * w / 2), "half"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g + lr * decay * w), "in the decay"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g + decay * w**2), "its derivative"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g + decay * np.sign(w)), "its sign"),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * m + g + decay), "λ alone"),
    (2, with_m(lambda w, g, m, lr, beta, decay: decay * m + g + beta * w), "exchanged"),
    (
        2,
        with_m(lambda w, g, m, lr, beta, decay: beta * m + (1 - beta) * (g + decay * w)),
        "factor 1 − β",
    ),
    (2, with_m(lambda w, g, m, lr, beta, decay: beta * (m + g + decay * w)), "old m only"),
    (2, with_m(lambda w, g, m, lr, beta, decay: m + g + decay * w), "fades"),
    (2, with_m(lambda w, g, m, lr, beta, decay: g + decay * w), "dropped"),
    (
        2,
        with_m(lambda w, g, m, lr, beta, decay: beta * m + lr * (g + decay * w)),
        "not in m",
    ),
    (
        2,
        with_m(lambda w, g, m, lr, beta, decay: beta * m - lr * (g + decay * w)),
        "not steps downhill",
    ),
    (
        2,
        with_m(lambda w, g, m, lr, beta, decay: beta * m - g - decay * w),
        "not steps downhill",
    ),
    (2, lambda *step: (momentum(*step)[0], step[2]), "before the step"),
    (2, with_w(lambda w, new, lr, decay, m, beta: w + lr * new), "uphill"),
    (2, with_w(lambda w, new, lr, decay, m, beta: w - new), "learning rate is missing"),
    (2, with_w(lambda w, new, lr, decay, m, beta: w - lr * m), "moved by the m from before"),
    (
        2,
        with_w(lambda w, new, lr, decay, m, beta: w - lr * (new - beta * m)),
        "not along the gradient alone",
    ),
    (
        2,
        with_w(lambda w, new, lr, decay, m, beta: w - lr * new - lr * decay * w),
        "taken twice",
    ),
    (
        2,
        with_w(lambda w, new, lr, decay, m, beta: w - lr * (beta * new + new - beta * m)),
        "a step further",
    ),
    (2, with_w(lambda w, new, lr, decay, m, beta: -lr * new), "the change alone"),
    (2, with_w(lambda w, new, lr, decay, m, beta: w), "has not moved"),
    (2, with_w(lambda w, new, lr, decay, m, beta: w + 1), "differ"),
    (2, lambda *step: momentum(*step)[::-1], "swapped"),
    (2, lambda *step: momentum(*step)[0], "two arrays"),
    (2, lambda *step: {"w": momentum(*step)[0]}, "got dict"),
    (2, lambda *step: (0.0, 0.0), "has shape ()"),
    (2, changes_m, "Work on a copy"),
    (3, lambda a, rate, rng: a, "nothing has changed"),
    (3, lambda a, rate, rng: 0 * a, "all entries are 0"),
    (3, lambda a, rate, rng: a / (1 - rate), "no entry is 0"),
    (3, lambda a, rate, rng: dropout(a, rate, rng).T, "has shape (150, 120)"),
    (3, lambda a, rate, rng: dropout(a, rate, rng).mean(), "has shape ()"),
    (3, lambda a, rate, rng: {"a": dropout(a, rate, rng)}, "got dict"),
    (3, lambda a, rate, rng: a * np.where(rng.random(a.shape) < rate, np.nan, 1), "NaN"),
    (3, lambda a, rate, rng: dropout(a, 1 - rate, rng), "you keep an entry with it"),
    (3, masked(lambda shape, rate, rng: rng.random(shape) < rate), "you keep an entry with it"),
    (3, masked(lambda shape, rate, rng: rng.random(shape) > 0.5), "entries become 0"),
    (3, masked(lambda shape, rate, rng: rng.normal(size=shape) >= rate), "entries become 0"),
    (3, scaled(lambda rate, mask: 1), "as they are"),
    (3, scaled(lambda rate, mask: 1 - rate), "You multiply"),
    (3, scaled(lambda rate, mask: 1 / rate), "divide the others by rate"),
    (3, scaled(lambda rate, mask: 1 / mask.mean()), "happens to stay"),
    (3, scaled(lambda rate, mask: 2), "rate 0.5 only"),
    (3, scaled(lambda rate, mask: (1 - rate) ** -2), "twice"),
    (3, scaled(lambda rate, mask: -1 / (1 - rate)), "The sign"),
    (3, lambda a, rate, rng: abs(dropout(a, rate, rng)), "Negative entries"),
    (3, one_by_one_noise, "should be that of a"),
    (3, smallest_dropped, "whatever becomes of the others, so"),
    (3, masked(lambda shape, rate, rng: rng.random((shape[0], 1)) >= rate), "rows or columns"),
    (3, masked(lambda shape, rate, rng: rng.random(shape[1]) >= rate), "rows or columns"),
    (3, masked(lambda shape, rate, rng: rng.random() >= rate), "no entry is 0"),
    (3, masked(exact_number), "whatever becomes of the others, so"),
    (3, masked(exact_number_in_rows), "nearly the same number"),
    (
        3,
        masked(lambda shape, rate, rng: np.random.default_rng(0).random(shape) >= rate),
        "at the same places",
    ),
    (
        3,
        masked(lambda shape, rate, rng: np.random.default_rng().random(shape) >= rate),
        "the same seed",
    ),
    (3, except_rate_0(np.zeros_like), "With rate 0 all"),
    (3, except_rate_0(lambda a: a / 2), "With rate 0 nothing is dropped"),
    (3, except_rate_0(lambda a: a * np.nan), "With rate 0 there is NaN"),
    (3, lambda a, rate, rng: dropout(a, rate, rng) * (1 if len(a) > 9 else 2), "neither 0 nor"),
    (3, dropped_in_place, "Work on a copy"),
    (4, lambda losses, patience: early_stop(losses, patience)[::-1], "swapped"),
    (4, shifted(-1, -1), "yours from 0"),
    (4, shifted(0, -1), "is kept is counted from 0"),
    (4, shifted(-1, 0), "stops is counted from 0"),
    (4, shifted(1, 0), "first epoch that is left out"),
    (4, stopping(limit=lambda patience: patience + 1), "an epoch late"),
    (4, stopping(limit=lambda patience: max(1, patience - 1)), "early: wait"),
    (4, stopping(limit=lambda patience: patience - 1), "is another"),
    (4, stopping(waited=1), "it doesn't wait itself"),
    (4, stopping(lower=lambda loss, lowest: loss <= lowest), "isn't below it"),
    (4, last_of_the_lowest, "Of equal losses keep the first"),
    (4, stopping(against_last=True), "with the epoch before"),
    (4, stopping(reset=False), "in a row are meant"),
    (4, lambda losses, p: (early_stop(losses, p)[0],) * 2, "keep the last weights"),
    (4, lambda losses, p: (early_stop(losses, p)[0], lowest(losses)), "never takes place"),
    (4, lambda losses, patience: (len(losses), lowest(losses)), "never stop"),
    (
        4,
        lambda losses, p: (min(lowest(losses) + p, len(losses)), lowest(losses)),
        "may stop before it comes",
    ),
    (4, patience_before_the_stop, "may have waited"),
    (4, loss_kept, "not its loss"),
    (4, lambda losses, patience: (1, 1), "the last epoch of training is another"),
    (4, lambda losses, p: (early_stop(losses, p)[0], 1), "weights are kept is another"),
    (4, lambda losses, patience: early_stop(losses, patience)[0], "Return a pair"),
    (4, lambda losses, patience: (*early_stop(losses, patience), 0), "got tuple of 3"),
    (4, lambda losses, patience: tuple(map(str, early_stop(losses, patience))), "whole number"),
    (4, lambda losses, patience: {"stop": 1, "kept": 1}, "got dict"),
    (4, nothing_at_the_end, "returns nothing"),
    (4, changes_losses, "Work on a copy"),
]
