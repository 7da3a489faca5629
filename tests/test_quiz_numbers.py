"""The numbers in the second forms of the quizzes are those that the libraries compute."""

import json
import math
import re
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import binomtest

from lessonlib import checksums
from lessonlib.checks.ctc import collapse
from lessonlib.checks.search import best_path
from lessonlib.evaluation import wilson_interval, with_temperature
from lessonlib.network import cross_entropy, softmax
from lessonlib.optimizers import Adam, GradientDescent, Momentum
from lessonlib.perceptron import fires
from lessonlib.quiz import Question, quiz
from tests.test_quiz import notebook, right_answer

Array = npt.NDArray[np.float64]


def asked(stem: str, number: int) -> Question:
    return quiz(stem, "b").questions[number - 1]


def right(stem: str, number: int) -> str:
    return plain(right_answer(asked(stem, number)).text)


def reason(stem: str, number: int, choice: str) -> str:
    (found,) = [c.reason for c in asked(stem, number).choices if c.text.startswith(choice)]
    return plain(found)


def plain(text: str) -> str:
    """Write a text as Python formats numbers."""
    return text.replace("\xa0", " ").replace("−", "-")


def bits(count: int) -> Array:
    return np.array(list(product((0.0, 1.0), repeat=count)))


# ---------------------------------------------------------------- history


def test_the_unit_with_two_weights_of_minus_1_fires_as_said() -> None:
    X = bits(3)
    expected = [x[0] == 1 and not (x[1] == x[2] == 1) for x in X]
    assert fires(X, np.array([2, -1, -1]), -1).tolist() == expected
    assert right("history", 1) == "When x₁ is 1, unless x₂ and x₃ both are."
    for_two = [x[0] == 1 and x[1] == x[2] == 0 for x in X]  # what a wrong choice says
    assert fires(X, np.array([2, -1, -1]), -2).tolist() == for_two


def corrected(x: Array, label: int, w: Array, b: float) -> tuple[Array, float]:
    error = label - int(fires(x, w, b))
    return w + error * x, b + error


def test_the_corrected_unit_has_the_weights_said() -> None:
    w, b = corrected(np.array([3.0, -2]), 0, np.array([2.0, 1]), -3)
    assert right("history", 2) == f"w = ({w[0]:.0f}, {w[1]:.0f}), b = {b:.0f}"


def test_the_example_takes_as_many_corrections_as_said() -> None:
    x, w, b = np.array([2.0, 1]), np.array([-5.0, -2]), -4.0
    assert x @ w + b == -16
    count = 0
    while not fires(x, w, b):
        (w, b), count = corrected(x, 1, w, b), count + 1
    assert right("history", 3) == str(count)
    assert math.ceil(16 / (x @ x)) == 4  # without the bias: a wrong choice


def test_the_hidden_layer_lays_two_inputs_on_one_point() -> None:
    X = bits(2)
    hidden = np.stack([fires(X, np.array(w), -0.5) for w in ([1, -1], [-1, 1])], axis=1)
    assert fires(hidden, np.array([1, 1]), -0.5).tolist() == [0, 1, 1, 0]
    assert hidden[0].tolist() == hidden[3].tolist() == [0, 0]
    assert right("history", 5) == "(0, 0) and (1, 1)"
    assert len(np.unique(hidden, axis=0)) == 3


# ---------------------------------------------------------------- forward


def test_random_units_learn_xor_as_often_as_the_chapter_prints() -> None:
    assert "parity of 2     2:  0    4:  5    8: 12   16: 19" in printed("history")
    assert "16 random hidden units" in reason("forward", 1, "Train the last")
    assert "19 of 20" in reason("forward", 1, "Train the last")


def printed(stem: str) -> str:
    cells = json.loads(notebook(stem).read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", [])) for output in outputs)


def test_the_gate_with_turned_signs_is_nor() -> None:
    X = bits(2)
    assert fires(X, np.array([1, 1]), -0.5).tolist() == [0, 1, 1, 1]
    assert fires(X, np.array([-1, -1]), 0.5).tolist() == [1, 0, 0, 0]
    assert fires(X, np.array([-1, -1]), 1).tolist() == [1, 1, 1, 0]  # NAND
    assert right("forward", 2).startswith("NOR")


@pytest.mark.parametrize(("n", "units"), [(10, 10), (1, 10), (20, 1)])
def test_a_column_of_biases_passes_where_it_is_said_to_pass(n: int, units: int) -> None:
    (np.zeros((n, 30)) @ np.zeros((30, units)) + np.zeros((units, 1))).sum()
    sizes = [numbers(choice.text) for choice in asked("forward", 3).choices if not choice.right]
    assert [n, 30, units] in sizes


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split() if word.isdigit()]


def test_a_column_of_biases_stops_where_it_is_said_to_stop() -> None:
    n, d_in, d_out = numbers(right("forward", 3))
    with pytest.raises(ValueError, match="broadcast"):
        np.zeros((n, d_in)) @ np.zeros((d_in, d_out)) + np.zeros((d_out, 1))


def test_the_two_layers_are_the_single_one_said() -> None:
    at_0, at_1 = (3 * (2 * x + 1) - 4 for x in (0, 1))
    assert right("forward", 4) == f"z = {at_1 - at_0}x - {-at_0}"


def test_the_odds_are_those_of_a_softmax() -> None:
    p = softmax(np.array([[5.0, 3, 1, 0, 2, -1, 0, 4, 1, 1]]))[0]
    assert math.isclose(p[0] / p[1], math.e**2)
    assert right("forward", 5) == f"e², about {p[0] / p[1]:.1f}"
    assert f"{5 / 3:.1f}" == "1.7"


# ---------------------------------------------------------------- backprop


def test_the_answers_change_as_the_chapter_prints() -> None:
    assert "smooth    change of the answers per nudge: [0.   0.   0.32 0.01]" in printed("history")
    assert "by 0, 0, 0.32 and 0.01 times" in reason("backprop", 1, "Some")


def test_each_probability_gives_the_loss_of_its_way() -> None:
    logs = -np.log([[1 / 4, 1 / 9]])
    assert right("backprop", 2) == "1/9"
    assert math.isclose(logs.mean(), math.log(6))
    assert math.isclose(-math.log(1 / 4) - math.log(2 / 3), math.log(6))  # the sum: 2/3
    assert math.isclose((1 / 4 + 1 / 12) / 2, 1 / 6)  # the mean probability: 1/12
    assert (4 + 8) / 2 == 6  # the mean of 1/p: 1/8


def test_only_the_bias_has_a_derivative() -> None:
    u, w, b = (torch.tensor(number, requires_grad=True) for number in (-1.0, 2.0, 4.0))
    (0.5 * (torch.relu(u) * w + b - 1) ** 2).backward()
    assert [float(number.grad) for number in (u, w, b) if number.grad is not None] == [0, 0, 3]
    assert right("backprop", 3) == "By b alone: 3"


def test_the_probabilities_give_the_derivative_said() -> None:
    p = np.array([0.3, 0.1, 0.6])
    logits = torch.tensor(np.log([p]), requires_grad=True)
    torch.nn.functional.cross_entropy(logits, torch.tensor([2])).backward()
    assert logits.grad is not None
    assert np.allclose(logits.grad, [[0.3, 0.1, -0.4]])
    assert math.isclose(cross_entropy(np.log([p]), np.array([2])), -math.log(0.6))
    assert right("backprop", 4) == "The third, with 0.6"


# ---------------------------------------------------------------- descent


def test_both_paths_through_a_product_count() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (5 * x * (3 * x)).backward()
    assert x.grad is not None
    assert right("descent", 1) == f"{float(x.grad):.0f}"


def test_the_two_weights_go_where_it_is_said() -> None:
    w = np.array([5.0, 1])
    optimizer = GradientDescent([w], lr=0.3)
    path = [w.copy()]
    for _ in range(20):
        optimizer.step([w * (1, 8)])
        path.append(w.copy())
    first, second = np.array(path).T
    assert np.allclose(first[1:] / first[:-1], 0.7)
    assert np.allclose(second[1:] / second[:-1], -1.4)
    assert right("descent", 3).startswith("w₁ goes to 0; w₂ jumps across")


def test_adam_makes_the_steps_of_both_layers_equal() -> None:
    w = np.zeros(2)
    adam = Adam([w], lr=0.1)
    for _ in range(5):
        adam.step([np.array([1.0, 0.001])])
    assert np.allclose(w, -0.5, rtol=1e-4)
    assert math.isclose(1000**-0.5, 1 / 30, rel_tol=0.1)  # the root alone: a wrong choice
    assert "Adam: nearly as long" in right("descent", 4)


def test_five_sigmoids_leave_a_thousandth_at_most() -> None:
    x = torch.zeros(1, requires_grad=True)
    torch.sigmoid(x).backward()
    assert x.grad is not None
    assert right("descent", 5) == f"1/{1 / float(x.grad) ** 5:,.0f}"


# ---------------------------------------------------------------- training


def test_momentum_under_changing_signs_takes_the_strides_said() -> None:
    w = np.zeros(1)
    momentum = Momentum([w], lr=1, beta=0.6)
    sizes = []
    for t in range(60):
        momentum.step([np.array([(-1.0) ** t])])
        sizes.append(abs(momentum.m[0][0]))
    assert np.allclose(sizes[:3], [1, 0.4, 0.76])
    assert right("training", 1) == f"{sizes[-1]:.3f} η g"


def test_gradients_that_are_emptied_before_the_step_train_nothing() -> None:
    model = torch.nn.Linear(3, 2)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(3):
        model(torch.ones(4, 3)).square().mean().backward()
        optimizer.zero_grad()
        optimizer.step()
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert right("training", 3).startswith("No training")


def test_the_lead_of_two_means_is_as_many_deviations_as_said() -> None:
    lead, spread = 0.3, 0.2
    assert right("training", 5) == f"About {lead / (math.sqrt(2 / 5) * spread):.1f}"
    wrong = lead / spread, lead / (math.sqrt(2) * spread), lead / (spread / math.sqrt(5))
    for value, choice in zip(wrong, (0, 1, 3), strict=True):
        assert asked("training", 5).choices[choice].text == f"About {value:.1f}"


# ---------------------------------------------------------------- evaluation


def test_the_two_intervals_of_29_in_30_are_those_said() -> None:
    q = 29 / 30
    half = 1.96 * math.sqrt(q * (1 - q) / 30)
    low, high = wilson_interval(29, 30)
    per_cent = [f"{100 * end:.1f} %" for end in (q - half, q + half, low, high)]
    assert f"get {per_cent[0]} to {per_cent[1]}" in plain(asked("evaluation", 3).text)
    assert f"gives {per_cent[2]} to {per_cent[3]}" in reason("evaluation", 3, "Wilson")


def test_a_temperature_below_1_raises_the_confidence_and_leaves_the_answers() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(10), size=50)
    sharper, flatter = with_temperature(p, 0.5), with_temperature(p, 2.0)
    assert (sharper.max(axis=1) > p.max(axis=1)).all()
    assert (flatter.max(axis=1) < p.max(axis=1)).all()
    assert (sharper.argmax(axis=1) == p.argmax(axis=1)).all()
    assert right("evaluation", 4).startswith("Some T below 1")


def test_precision_and_recall_give_the_count_said() -> None:
    found = 0.45 * 200
    assert right("evaluation", 5) == f"{found / 0.9:.0f}"


# ---------------------------------------------------------------- checks


@pytest.mark.parametrize(
    ("start", "ours", "theirs"),
    [("A's", 0, 20), ("They share 50", 50, 70), ("They share no", 100, 120)],
)
def test_the_p_values_of_mcnemar_s_test_are_those_said(start: str, ours: int, theirs: int) -> None:
    p = binomtest(ours, ours + theirs, 0.5).pvalue
    said = reason("checks", 1, start)
    assert (f"{p:.6f}" if p < 0.001 else f"{p:.2f}") in said


def test_standardised_pixels_are_the_numbers_said() -> None:
    paper, ink = (f"{(u - 0.13) / 0.31:.2f}" for u in (0, 1))
    assert f"x = -0.13/0.31 = {paper}" in reason("checks", 2, "For paper")
    assert f"(1 - 0.13)/0.31 = {ink}" in reason("checks", 2, "For ink")
    assert f"about {0.13 * 255:.0f} of 255" in reason("checks", 2, "For a pale")


@pytest.mark.parametrize(("theta", "finds"), [(100, {90}), (200, {130, 90, 160}), (145, {130, 90})])
def test_a_threshold_takes_the_levels_said_for_ink(theta: int, finds: set[int]) -> None:
    assert {level for level in (130, 90, 240, 160) if level <= theta} == finds
    assert (right("checks", 3) == f"θ = {theta}") == (finds == {130, 90})


@pytest.mark.parametrize(
    ("way", "choice"), [("stretched", "The digit"), ("boxed", "The mid"), ("hard edges", "Each")]
)
def test_the_ways_to_28_by_28_cost_what_the_chapter_prints(way: str, choice: str) -> None:
    before, best = (
        re.findall(rf"^{name} +([\d.]+)%", printed("checks"), re.MULTILINE)[0]
        for name in (way, "as MNIST")
    )
    assert f"{before} % are read instead of {best} %" in reason("checks", 5, choice)


# ---------------------------------------------------------------- any check


def test_equal_probabilities_of_26_classes_cost_the_loss_said() -> None:
    assert right("any-check", 1) == f"{math.exp(3.26):.0f}"
    assert f"{10**3.26:,.0f}"[:4] == "1,82"
    assert round(2**3.26) == 10


def collapsed(text: str) -> str:
    path = [2 if kind == "_" else int(kind) for kind in text.split()]
    return "".join(map(str, collapse(path, blank=2)))


def test_1100_needs_as_many_columns_as_said() -> None:
    least = next(
        n
        for n in range(1, 9)
        if any(collapse(p, 2) == (1, 1, 0, 0) for p in product(range(3), repeat=n))
    )
    assert right("any-check", 3) == str(least)
    assert collapsed("1 _ 1 0 _ 0") == "1100"
    assert [collapsed(text) for text in ("1 1 0 0", "1 _ 1 0 0", "1 1 0 _ 0")] == [
        "10",
        "110",
        "100",
    ]


def test_the_best_path_has_the_score_said() -> None:
    spans = np.array([[0, 1], [1, 2], [2, 3], [0, 2], [1, 3]])
    log_p = np.full((5, 12), -50.0)
    log_p[:, 7] = [-1, -4, -2, -3, -2.5]
    assert right("any-check", 4) == f"{best_path(spans, log_p, 3).score:.1f}"


def test_the_marks_confidence_is_what_the_chapter_prints() -> None:
    assert "mean of the largest probabilities: 73%" in printed("any-check")
    assert "73 %" in reason("any-check", 5, "The largest")


# ---------------------------------------------------------------- checksums


def test_the_share_of_wrong_texts_is_as_said() -> None:
    agreed = 1000 - 30 - 30
    assert right("checksums", 1) == f"{7000 / agreed:.1f} %, 70 of {agreed}"


def test_luhn_s_digit_is_the_one_said() -> None:
    assert right("checksums", 3) == checksums.luhn_digit("468")


def test_the_weights_4_and_7_miss_what_is_said() -> None:
    strings = np.array(list(product(range(10), repeat=3)))
    weights = np.array([4, 7, 4])
    swaps = [
        (weights[i] - weights[i + 1]) * (x[i + 1] - x[i])
        for x in strings
        for i in (0, 1)
        if x[i] != x[i + 1]
    ]
    changes = {int(w): [d for d in range(1, 10) if w * d % 10 == 0] for w in weights}
    assert all(change % 10 for change in swaps)
    assert changes == {4: [5], 7: []}
    assert right("checksums", 4) == "Some changed digits, but no swap"


def test_the_beginnings_leave_the_remainders_said() -> None:
    places = [{2: 0.7, 9: 0.3}.items(), {5: 0.8, 8: 0.2}.items()]
    found = [(f"{a}{b}", p * q, (7 * a + 3 * b) % 10) for (a, p), (b, q) in product(*places)]
    starts, chances, rests = zip(*found, strict=True)
    assert starts == ("25", "28", "95", "98")
    text = asked("checksums", 5).text
    assert "0.56, 0.14, 0.24 and 0.06" in text
    assert np.allclose(chances, [0.56, 0.14, 0.24, 0.06])
    assert "remainders {}, {}, {} and {} modulo 10".format(*rests) in text
    assert right("checksums", 5).startswith("28, as 95")


# ---------------------------------------------------------------- next steps


def test_adamw_shrinks_the_weight_by_what_is_said() -> None:
    for size in (0.001, 1000.0):
        w = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
        w.grad = torch.tensor([size], dtype=torch.float64)
        torch.optim.AdamW([w], lr=0.01, weight_decay=0.5).step()
        step = 2 - w.item() - 0.01  # the other 0.01 is Adam's own
        assert right("next-steps", 1) == f"By {step:.2f}, whatever its gradients are"


def test_the_second_misreading_makes_the_number_fit_as_said() -> None:
    number = "011000015"  # Boston, as in the chapter: 0 of weight 3, 1 of weight 1
    assert checksums.aba_valid(number)
    for high, fits in ((-1, False), (4, True), (6, False)):
        assert checksums.aba_valid(f"2{number[1]}{int(number[2]) + high}{number[3:]}") == fits
    assert (3 * 2 - 2) % 10 == 4
    assert right("next-steps", 2) == "4 too high"


def test_the_convolution_has_as_many_parameters_as_said() -> None:
    layer = torch.nn.Conv2d(int(right("next-steps", 4)), 10, 3)
    assert sum(p.numel() for p in layer.parameters()) == 1000
