# %% three-guesses
import numpy as np
from keras import losses

y_true = np.array([[60.0], [101.0], [37.0]])  # (3, 1)
y_pred = np.array([[65.0], [90.0], [40.0]])

errors = y_pred - y_true
print("errors  ", errors[:, 0])
print("squares ", errors[:, 0] ** 2)
guess_mse = np.mean(errors**2)
guess_mae = np.mean(np.abs(errors))
print(f"mean of squares {guess_mse:.4f}")
print(f"mean of sizes   {guess_mae:.4f}")

# %% three-guesses-keras
keras_mse = losses.MeanSquaredError()
keras_mae = losses.MeanAbsoluteError()
print(f"MSE {float(keras_mse(y_true, y_pred)):.4f}")
print(f"MAE {float(keras_mae(y_true, y_pred)):.4f}")

# %% three-guesses-hold tags=["check"]
assert list(errors[:, 0]) == [5, -11, 3]
assert guess_mse == 155 / 3 and guess_mae == 19 / 3
assert abs(float(keras_mse(y_true, y_pred)) - guess_mse) < 1e-4
assert abs(float(keras_mae(y_true, y_pred)) - guess_mae) < 1e-5


# %% huber
def huber(errors, delta):
    size = np.abs(errors)
    near = errors**2 / 2
    far = delta * size - delta**2 / 2
    return np.where(size <= delta, near, far)


guess_huber = np.mean(huber(errors, delta=10.0))
keras_huber = losses.Huber(delta=10.0)
print("each ", huber(errors, delta=10.0)[:, 0])
print(f"NumPy {guess_huber:.4f}")
print(f"Keras {float(keras_huber(y_true, y_pred)):.4f}")

# %% huber-holds tags=["check"]
assert np.allclose(huber(errors, 10.0)[:, 0], [12.5, 60, 4.5])
assert abs(float(keras_huber(y_true, y_pred)) - guess_huber) < 1e-4
grid = np.linspace(-40, 40, 801)
seam = huber(np.array([10 - 1e-9, 10 + 1e-9]), 10.0)
assert abs(seam[0] - seam[1]) < 1e-6  # the two pieces meet
slope = np.gradient(huber(grid, 10.0), grid)
assert np.allclose(slope[1:-1], np.clip(grid, -10, 10)[1:-1], atol=0.1)
by_default = float(losses.Huber()(y_true, y_pred))
assert abs(by_default - np.mean(huber(errors, 1.0))) < 1e-5

# %% draw-pull
import matplotlib.pyplot as plt

r = np.linspace(-4, 4, 401)
curves = {
    "squared": (r**2, 2 * r),
    "absolute": (np.abs(r), np.where(r == 0, np.nan, np.sign(r))),
    "Huber, δ = 1": (huber(r, 1.0), np.clip(r, -1, 1)),
}
fig, axes = plt.subplots(2, figsize=(4.6, 5.6), layout="tight")
for (name, pair), style in zip(curves.items(), ("-", "--", "-.")):
    for ax, values in zip(axes, pair):
        ax.plot(r, values, style, label=name)
axes[0].set(ylabel="loss of one example", ylim=(-0.3, 8))
axes[1].set(ylabel="slope", xlabel="error (prediction − truth)")
axes[1].set_ylim(-4.5, 4.5)
axes[0].legend()
plt.show()

# %% best-constant
from sklearn.datasets import load_linnerud

jumps = load_linnerud().data[:, 2]  # 20 men
constants = np.linspace(25, 125, 2001)
misses = constants[:, None] - jumps  # (2001, 20)

mse_curve = np.mean(misses**2, axis=1)
mae_curve = np.mean(np.abs(misses), axis=1)
huber_curve = np.mean(huber(misses, delta=10.0), axis=1)
best_for_mse = constants[mse_curve.argmin()]
best_for_huber = constants[huber_curve.argmin()]
flat = constants[mae_curve < mae_curve.min() + 1e-9]
flat_low, flat_high = flat[0], flat[-1]

jumps_mean, jumps_median = np.mean(jumps), np.median(jumps)
print(np.sort(jumps).astype(int).reshape(2, 10))
print(f"MSE   best at {best_for_mse:.2f}")
print(f"MAE   best from {flat_low:.2f} to {flat_high:.2f}")
print(f"Huber best at {best_for_huber:.2f}")


# %% draw-best-constant
fig, ax = plt.subplots(figsize=(5, 3.6), layout="tight")
lines = {
    "root of MSE": (np.sqrt(mse_curve), "-", best_for_mse),
    "MAE": (mae_curve, "--", jumps_median),
    "Huber / δ": (huber_curve / 10, "-.", best_for_huber),
}
for name, (curve, style, best) in lines.items():
    (line,) = ax.plot(constants, curve, style, label=name)
    color = line.get_color()
    ax.plot(best, np.interp(best, constants, curve), "o", color=color)
low = np.full(20, 8.0)
ax.plot(jumps, low, "|", color="C3", markersize=10)
ax.text(72, 14, "the men", color="C3", ha="center")
ax.set(xlabel="constant prediction (jumps)", ylabel="loss (jumps)")
ax.set(xlim=(21, 125), ylim=(4, 85))
ax.legend(loc="upper center")
plt.show()


# %% mean-and-median
def three_centres(data):
    gaps = constants[:, None] - data
    curve = np.mean(huber(gaps, delta=10.0), axis=1)
    return np.mean(data), np.median(data), constants[curve.argmin()]


print("           mean  median  Huber")
for name, data in (("20 men", jumps), ("19 men", jumps[jumps < 250])):
    mean, median, middle = three_centres(data)
    print(f"{name}  {mean:7.2f}  {median:6.2f}  {middle:5.2f}")

# %% best-constant-holds tags=["check"]
ordered = np.sort(jumps)
assert np.sum(jumps < jumps_mean) == 13
assert (
    jumps.shape == (20,) and ordered[-2] == 120 and ordered[-1] == 250
)
assert abs(best_for_mse - jumps_mean) < 0.03
assert list(ordered[9:11]) == [50, 58]
assert abs(flat_low - 50) < 0.06 and abs(flat_high - 58) < 0.06
assert flat_low <= jumps_median <= flat_high
assert best_for_huber < jumps_mean - 10
assert flat_low < best_for_huber < jumps_median
moves = np.subtract(three_centres(jumps), three_centres(ordered[:19]))
assert moves[0] > 9 and moves[1] == 4 and 0 < moves[2] < 4
at_mean = np.sum(2 * (jumps_mean - jumps))
assert abs(at_mean) < 1e-9
for c in (51, 54, 57.5):
    assert np.sum(np.sign(c - jumps)) == 0
assert ordered[0] == 25 and np.unique(jumps).size < 20
middle_man = ordered[:19][9]  # without the outlier: 19, an odd number
assert middle_man == np.median(ordered[:19]) == 50

# %% stairs
from sklearn.datasets import load_iris

widths = load_iris().data[50:, 3]  # two species, 50 flowers each
is_second = np.arange(100) >= 50


def probability_of_truth(border):
    p = 1 / (1 + np.exp(-10 * (widths - border)))  # second species
    return np.where(is_second, p, 1 - p)


for border in (1.52, 1.55, 1.58, 1.62):
    p_truth = probability_of_truth(border)
    mistakes = np.sum(p_truth < 0.5)
    doubt = np.mean(1 - p_truth)
    print(f"border {border}  mistakes {mistakes}  doubt {doubt:.5f}")

# %% draw-stairs
borders = np.linspace(1.2051, 2.1951, 991)
p_truth = np.array([probability_of_truth(b) for b in borders])
counts = np.sum(p_truth < 0.5, axis=1)
doubts = np.mean(1 - p_truth, axis=1)

fig, axes = plt.subplots(2, figsize=(4.6, 4.6), layout="tight")
axes[0].plot(borders, counts, drawstyle="steps-post")
axes[0].set_ylabel("mistakes (of 100)")
axes[1].plot(borders, doubts, color="C1")
axes[1].set(ylabel="mean doubt", xlabel="border (cm)")
plt.show()

# %% stairs-hold tags=["check"]
between = [np.sum(probability_of_truth(b) < 0.5) for b in (1.52, 1.58)]
assert between[0] == between[1]
assert np.sum(probability_of_truth(1.62) < 0.5) != between[0]
inside = np.diff(np.floor(borders * 10)) == 0
assert np.all(np.diff(counts)[inside] == 0) and inside.sum() > 800
assert np.sum(np.diff(doubts) == 0) == 0
lowest = doubts.argmin()
assert np.all(np.diff(doubts)[:lowest] < 0)
assert np.all(np.diff(doubts)[lowest:] > 0)
assert np.unique(counts).size < 15

# %% surprise
print("       p   -log p")
for p in (1.0, 0.5, 0.1, 0.01, 0.000001):
    print(f"{p:8g} {np.log(1 / p):8.4f}")

# %% surprise-holds tags=["check"]
right_but_unsure = np.log(1 / 0.51)
very_wrong = np.log(1 / 0.000001)
for a, b in ((0.5, 0.2), (0.9, 0.01), (1.0, 0.3)):
    assert np.isclose(-np.log(a * b), -np.log(a) - np.log(b))
assert -np.log(1.0) == 0 and right_but_unsure > 0.6
small = 10.0 ** -np.arange(1, 300)
assert np.all(np.diff(np.log(small)) < 0) and np.log(small[-1]) < -680
assert np.isclose(-np.log2(0.5), 1)

# %% draw-log
p = np.geomspace(0.003, 1, 400)
fig, ax = plt.subplots(figsize=(4.6, 3.8), layout="tight")
ax.plot(p, -np.log(p), label="−log p")
ax.plot(p, np.log(p), "--", label="log p")
ax.axhline(0, color="gray", linewidth=0.8)
for x, name in ((0.51, "p = 0.51"), (0.1, "p = 0.1")):
    ax.plot(x, -np.log(x), "o", color="C0")
    ax.text(x + 0.03, -np.log(x) + 0.15, name, color="C0")
ax.set(xlabel="p, given to what happened", ylabel="surprise (nats)")
ax.legend(loc="lower right")
plt.show()


# %% entropy
def entropy(y):
    y = np.asarray(y)
    y = y[y > 0]  # 0 · log 0 counts as 0
    return np.sum(y * np.log(1 / y))


sure = [1.0, 0.0, 0.0]
votes = [0.7, 0.2, 0.1]
even = [1 / 3, 1 / 3, 1 / 3]
votes_entropy = entropy(votes)
print(f"sure  {entropy(sure):.4f}")
print(f"votes {votes_entropy:.4f}")
print(f"even  {entropy(even):.4f}   log 3 = {np.log(3):.4f}")

# %% entropy-holds tags=["check"]
assert entropy(sure) == 0 and np.isclose(entropy(even), np.log(3))
for tiny in (1e-3, 1e-6, 1e-9):
    assert tiny * np.log(1 / tiny) < 10 * tiny**0.8
rng = np.random.default_rng(0)
for y in rng.dirichlet(np.ones(3), size=200):
    assert 0 <= entropy(y) <= np.log(3) + 1e-12


# %% cross-entropy
def cross_entropy(y, y_tilde):
    y, y_tilde = np.asarray(y), np.asarray(y_tilde)
    possible = y > 0
    return np.sum(y[possible] * np.log(1 / y_tilde[possible]))


beliefs = [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]
print("belief           cross-entropy  extra")
for belief in beliefs:
    total = cross_entropy(votes, belief)
    extra = total - entropy(votes)
    print(f"{belief}  {total:13.4f}  {extra:.4f}")

# %% kl-in-keras
three_votes = np.array([votes] * 3)
extras = losses.kl_divergence(three_votes, beliefs)
print(np.round(extras, 4))

# %% cross-entropy-holds tags=["check"]
for belief, keras_extra in zip(beliefs, np.array(extras)):
    ours = cross_entropy(votes, belief) - entropy(votes)
    assert abs(ours - keras_extra) < 1e-5
for y, belief in rng.dirichlet(np.ones(4), size=(300, 2)):
    assert cross_entropy(y, belief) >= entropy(y)
    against_even = cross_entropy(y, np.full(4, 0.25)) - entropy(y)
    assert np.isclose(against_even, np.log(4) - entropy(y))
t = np.geomspace(1e-6, 1e3, 1000)
assert np.all(np.log(t) <= t - 1 + 1e-12)

# %% draw-gap
belief = np.linspace(0.02, 0.98, 400)
hard = -np.log(belief)
soft = -0.7 * np.log(belief) - 0.3 * np.log(1 - belief)
floor = entropy([0.7, 0.3])

fig, ax = plt.subplots(figsize=(4.8, 3.6), layout="tight")
ax.plot(belief, soft, label="truth (0.7, 0.3)")
ax.plot(belief, hard, "--", label="truth (1, 0)")
ax.fill_between(belief, floor, soft, alpha=0.25, color="C0")
ax.axhline(floor, color="C0", linewidth=0.8)
ax.plot(0.7, floor, "o", color="C0")
ax.text(0.05, 0.74, "KL: the extra", color="C0")
ax.text(0.05, 0.42, "entropy: the floor", color="C0")
ax.set(xlabel="probability predicted for the first class")
ax.set(ylabel="cross-entropy (nats)", ylim=(-0.1, 3))
ax.legend()
plt.show()

# %% not-a-distance
y, y_tilde = [0.7, 0.2, 0.1], [0.5, 0.3, 0.2]
to_itself = cross_entropy(y, y)
there, back = cross_entropy(y, y_tilde), cross_entropy(y_tilde, y)
kl_there, kl_back = there - entropy(y), back - entropy(y_tilde)
print(f"H(y, y)  {to_itself:.4f}")
print(f"H(y, ỹ)  {there:.4f}    H(ỹ, y)  {back:.4f}")
print(f"D(y, ỹ)  {kl_there:.4f}    D(ỹ, y)  {kl_back:.4f}")

# %% not-a-distance-holds tags=["check"]
assert to_itself > 0.5 and abs(there - back) > 0.05
assert abs(kl_there - kl_back) > 0.001

# %% one-hot
import keras

labels = np.array([0, 2, 1])  # (3,)
one_hot = keras.utils.to_categorical(labels, num_classes=3)
print(one_hot)


# %% softmax
def softmax(z):
    powers = np.exp(z)
    return powers / np.sum(powers, axis=-1, keepdims=True)


logits = np.log([[8.0, 1, 1], [3, 3, 4], [7, 1, 2]])  # (3, 3)
probabilities = softmax(logits)
print(logits.round(3))
print(probabilities)

# %% softmax-holds tags=["check"]
assert np.array_equal(one_hot, [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
assert np.allclose(
    probabilities, [[0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.7, 0.1, 0.2]]
)
random_logits = rng.normal(scale=5, size=(50, 7))
several = softmax(random_logits)
assert np.allclose(several.sum(axis=1), 1) and np.all(several > 0)
assert np.array_equal(several.argmax(1), random_logits.argmax(1))
ratios = several[:, 0] / several[:, 1]
assert np.allclose(
    ratios, np.exp(random_logits[:, 0] - random_logits[:, 1])
)
shifted = softmax(random_logits + 3.0)
assert np.allclose(shifted, several)

# %% formula
terms = one_hot * np.log(1 / probabilities)  # (3, 3)
print(terms.round(4))
per_example = np.sum(terms, axis=1)  # over i
batch_loss = np.mean(per_example)  # over n
print(per_example.round(4))
print(f"NumPy {batch_loss:.6f}")

# %% formula-keras
keras_cce = losses.CategoricalCrossentropy()
keras_loss = float(keras_cce(one_hot, probabilities))
print(f"Keras {keras_loss:.6f}")

# %% formula-holds tags=["check"]
loss_1, loss_2, loss_3 = per_example
by_hand = -(np.log(0.8) + np.log(0.4) + np.log(0.1)) / 3
assert abs(batch_loss - by_hand) < 1e-12
assert abs(keras_loss - batch_loss) < 1e-5
assert np.count_nonzero(terms) == 3
assert list(probabilities.argmax(axis=1) == labels) == [
    True,
    True,
    False,
]
assert per_example[1] > 0.9
right_order = float(keras_cce(one_hot, probabilities))
wrong_order = float(keras_cce(probabilities, one_hot))
swap = -np.mean(
    np.sum(probabilities * np.log(np.clip(one_hot, 1e-7, 1)), axis=1)
)
assert abs(wrong_order - swap) < 1e-3 and wrong_order > 5 * right_order
assert keras.config.epsilon() == 1e-7
scaled = float(keras_cce(one_hot, 5 * probabilities))
assert abs(scaled - batch_loss) < 1e-5  # divided by their sum

# %% likelihood
p_right = probabilities[np.arange(3), labels]
product = np.prod(p_right)
print("probabilities", p_right.round(2), "product", product.round(4))
print(f"-log of the product    {-np.log(product):.4f}")
print(f"sum of the three -logs {np.sum(per_example):.4f}")
print("0.9 ** 60_000        =", 0.9**60_000)
print("-60_000 * log(0.9)   =", round(-60_000 * np.log(0.9), 1))

# %% likelihood-holds tags=["check"]
assert abs(-np.log(product) - per_example.sum()) < 1e-9
assert 0.9**60_000 == 0.0 and abs(product - 0.032) < 1e-12

# %% binary
is_bag = np.array([[1.0], [0.0], [1.0], [0.0]])  # (4, 1)
p_bag = np.array([[0.9], [0.2], [0.4], [0.7]])

two_terms = is_bag * np.log(p_bag) + (1 - is_bag) * np.log(1 - p_bag)
binary_loss = -np.mean(two_terms)
keras_bce = losses.BinaryCrossentropy()
print(f"NumPy            {binary_loss:.6f}")
print(f"Keras, 1 column  {float(keras_bce(is_bag, p_bag)):.6f}")

two_columns = np.hstack([1 - is_bag, is_bag])
two_p = np.hstack([1 - p_bag, p_bag])
print(f"Keras, 2 columns {float(keras_cce(two_columns, two_p)):.6f}")

# %% several-tags
tags = np.array([[1.0, 0.0, 1.0]])  # red, long, cotton
p_tags = np.array([[0.8, 0.3, 0.6]])
each = -np.log(np.where(tags == 1, p_tags, 1 - p_tags))
tags_loss = np.mean(each)
print(each.round(4), "sum of p", p_tags.sum().round(1))
print(f"NumPy {tags_loss:.6f}")
print(f"Keras {float(keras_bce(tags, p_tags)):.6f}")

# %% binary-holds tags=["check"]
assert abs(float(keras_bce(is_bag, p_bag)) - binary_loss) < 1e-6
assert abs(float(keras_cce(two_columns, two_p)) - binary_loss) < 1e-6
assert abs(float(keras_bce(tags, p_tags)) - tags_loss) < 1e-6
for z in (-5.0, -0.3, 0.0, 2.0, 9.0):
    pair = softmax(np.array([0.0, z]))
    assert np.isclose(pair[1], 1 / (1 + np.exp(-z)))

# %% sparse
keras_scce = losses.SparseCategoricalCrossentropy()
sparse_loss = float(keras_scce(labels, probabilities))
print("labels ", labels, " ", f"{sparse_loss:.6f}")
print("one-hot", one_hot.shape, f"{keras_loss:.6f}")
print(f"NumPy           {-np.mean(np.log(p_right)):.6f}")

# %% sparse-holds tags=["check"]
assert abs(sparse_loss - keras_loss) < 1e-6
assert abs(sparse_loss - batch_loss) < 1e-5
for name in (
    "mse",
    "mae",
    "huber",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
):
    assert callable(losses.get(name))

# %% misspelt tags=["check"]
try:
    losses.get("categorical_cross_entropy")
except ValueError as error:
    assert "Could not interpret loss identifier" in str(error)
else:
    raise AssertionError("two words, and no error")

# %% six-losses tags=["check"]
rng = np.random.default_rng(0)
truth, guess = rng.normal(size=(2, 32, 4))
yes_no = rng.integers(0, 2, size=(32, 4))
p = rng.uniform(0.01, 0.99, size=(32, 4))
number = rng.integers(0, 10, size=32)
row = np.eye(10)[number]  # one-hot
q = softmax(rng.normal(size=(32, 10)))

by_numpy = {
    "MeanSquaredError": np.mean((guess - truth) ** 2),
    "MeanAbsoluteError": np.mean(np.abs(guess - truth)),
    "Huber": np.mean(huber(guess - truth, 1.0)),
    "BinaryCrossentropy": -np.mean(
        yes_no * np.log(p) + (1 - yes_no) * np.log(1 - p)
    ),
    "CategoricalCrossentropy": -np.mean(np.sum(row * np.log(q), 1)),
    "SparseCategoricalCrossentropy": -np.mean(
        np.log(q[np.arange(32), number])
    ),
}
given = [(truth, guess)] * 3 + [(yes_no, p), (row, q), (number, q)]
assert len(by_numpy) == len(given) == 6
for (name, ours), pair in zip(by_numpy.items(), given):
    theirs = float(getattr(losses, name)()(*pair))
    assert abs(ours - theirs) < 1e-5

# %% try-every-combination
import warnings

import tensorflow as tf

one_unit = np.array([[0.2], [0.6], [0.9]])


def outcome(loss, given, output):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f"{float(loss(given, output)):.4f}"
        except (ValueError, tf.errors.InvalidArgumentError):
            return "error"


label_kinds = {
    "(3,)": labels,
    "(3, 1)": labels[:, None],
    "one-hot": one_hot,
}
three = keras_bce, keras_cce, keras_scce
tries = {}
for kind, given in label_kinds.items():
    for output in (probabilities, one_unit):
        results = [outcome(loss, given, output) for loss in three]
        tries[kind, output.shape[1]] = results

# %% show
import textwrap


def show(error):  # wrapped for a narrow page
    message = str(error).split("}} ")[-1].split(" [Op")[0]
    message = f"{type(error).__name__}: {message}"
    print(textwrap.fill(message, width=46))


# %% every-combination
print("labels   columns     BCE     CCE    SCCE")
for (kind, columns), results in tries.items():
    row = "".join(f"{result:>8}" for result in results)
    print(f"{kind:8} {columns:7}{row}")

# %% messages
try:
    keras_cce(labels, probabilities)
except ValueError as error:
    show(error)
try:
    keras_scce(one_hot, probabilities)
except ValueError as error:
    show(error)

# %% every-combination-holds tags=["check"]
silent_bce = float(tries["(3,)", 1][0])
assert tries["(3,)", 3][:2] == ["error", "error"]
assert tries["(3, 1)", 3][:2] == ["error", "error"]
assert tries["one-hot", 3][2] == "error"
assert tries["one-hot", 1] == ["error"] * 3
for kind in ("(3,)", "(3, 1)"):
    assert abs(float(tries[kind, 3][2]) - batch_loss) < 1e-3
    assert (
        tries[kind, 1][1] == "0.0000" and tries[kind, 1][2] == "error"
    )
assert abs(float(tries["one-hot", 3][1]) - batch_loss) < 1e-3
mean_of_nine = -np.mean(
    np.log(np.where(one_hot == 1, probabilities, 1 - probabilities))
)
assert abs(float(tries["one-hot", 3][0]) - mean_of_nine) < 1e-3
a_table = [entry != "error" for row in tries.values() for entry in row]
assert sum(a_table) == 8
column = is_bag[:, 0], p_bag  # (4,) with one column is fine
assert abs(float(keras_bce(*column)) - binary_loss) < 1e-6

# %% small-network
from keras import layers

(x_train, y_train), _ = keras.datasets.fashion_mnist.load_data()
images = x_train[:2000].astype("float32") / 255
classes = y_train[:2000]  # 0 to 9, shape (2000,)


def network(units, activation):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(units, activation=activation),
        ]
    )


def train(model, targets, loss):
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    history = model.fit(images, targets, epochs=5, verbose=0).history
    print("loss    ", *(f"{value:.4g}" for value in history["loss"]))
    accuracy = history["accuracy"][-1]
    print(f"accuracy {accuracy:.3f}")
    return history["loss"], accuracy


# %% train-right
right = network(10, "softmax")
right_losses, right_accuracy = train(
    right, classes, "sparse_categorical_crossentropy"
)

# %% train-negative
negative = network(1, "sigmoid")
negative_losses, negative_accuracy = train(
    negative, classes, "binary_crossentropy"
)
lowest_output = negative.predict(images, verbose=0).min()
print(f"smallest output {lowest_output:.3f}")

# %% train-blind
blind = network(10, "softmax")
blind_losses, blind_accuracy = train(blind, classes[:, None], "mse")
blind_outputs = blind.predict(images, verbose=0)
blind_low, blind_high = blind_outputs.min(), blind_outputs.max()
print(f"outputs  {blind_low:.3f} to {blind_high:.3f}")

# %% train-zero
is_shirt = (classes == 6).astype("float32")  # class 6: shirts
zero = network(1, "sigmoid")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    zero_losses, zero_accuracy = train(
        zero, is_shirt, "categorical_crossentropy"
    )
shirt_outputs = zero.predict(images, verbose=0)
print(f"largest output {shirt_outputs.max():.3f}")
print(f"share of other clothes {1 - is_shirt.mean():.3f}")
show(caught[0].message)

# %% train-comparison
two_faced = network(10, "softmax")
rows = keras.utils.to_categorical(classes, num_classes=10)
two_faced_losses, two_faced_accuracy = train(
    two_faced, rows, "binary_crossentropy"
)
evaluated, _ = two_faced.evaluate(images, rows, verbose=0)
shown = two_faced.predict(images, verbose=0)
computed = float(keras_bce(rows, shown))
print(f"loss that evaluate reports  {evaluated:.4f}")
print(f"BCE of what predict shows   {computed:.4f}")

# %% trainings-hold tags=["check"]
assert right_losses[-1] < 0.7 and right_accuracy > 0.75
assert negative_losses[-1] < negative_losses[0] < 0
assert negative_losses[-1] < -100 and lowest_output > 0.999
assert abs(negative_accuracy - np.mean(classes == 1)) < 1e-6
for y in (2.0, 5.0, 9.0):
    z = np.linspace(-20, 20, 81)
    stretched = np.log1p(np.exp(z)) - y * z
    assert np.all(np.diff(stretched) < -0.5 * (y - 1))
assert blind_losses[0] - blind_losses[-1] < 0.1
assert blind_accuracy < 0.25
assert np.abs(blind_outputs - 0.1).max() < 0.05
expected = np.mean(classes.astype(float) ** 2 - 0.2 * classes) + 0.01
assert abs(blind_losses[-1] - expected) < 0.05
assert max(zero_losses) == 0 and shirt_outputs.max() < 0.01
assert abs(zero_accuracy - (1 - is_shirt.mean())) < 1e-6
assert "y_pred.shape to be (batch_size, num_classes)" in str(
    caught[0].message
)
hidden = np.maximum(
    images.reshape(2000, 784) @ two_faced.layers[1].kernel.numpy()
    + two_faced.layers[1].bias.numpy(),
    0,
)
raw = (
    hidden @ two_faced.layers[2].kernel.numpy()
    + two_faced.layers[2].bias.numpy()
)
as_sigmoids = losses.BinaryCrossentropy(from_logits=True)
assert abs(float(as_sigmoids(rows, raw)) - evaluated) < 1e-3
assert abs(evaluated - computed) > 0.004
assert two_faced_accuracy > 0.7
# case two with labels (N,): an error, unless a batch has K samples
for n in (32, 10):
    flat = tf.constant(classes[:n], "float32")
    even_rows = tf.fill((n, 10), 0.1)
    try:
        keras_mse(flat, even_rows)
        broadcast = True
    except tf.errors.InvalidArgumentError:
        broadcast = False
    assert broadcast == (n == 10)
# case three: Keras takes the logit and makes a softmax of one number
one_logit = tf.Variable([[-2.0], [3.0]])
one_truth = np.array([[0.0], [1.0]])
with (
    tf.GradientTape(persistent=True) as tape,
    warnings.catch_warnings(),
):
    warnings.simplefilter("ignore")
    by_keras = keras.activations.sigmoid(one_logit)
    tagged = keras_cce(one_truth, by_keras)
    untagged = keras_cce(one_truth, tf.sigmoid(one_logit))
assert float(tagged) == 0 and abs(float(untagged)) < 1e-6
assert np.allclose(tape.gradient(tagged, one_logit), [[0.5], [0]])
assert np.allclose(tape.gradient(untagged, one_logit), 0)

# %% jacobian
z = np.array([2.0, 1.0, 0.0])
y = np.array([0.0, 1.0, 0.0])
y_tilde = softmax(z)
jacobian = np.diag(y_tilde) - np.outer(y_tilde, y_tilde)
print("ỹ", y_tilde.round(4))
print(jacobian.round(4))
print("row sums", np.abs(jacobian.sum(axis=1)).round(10))

# %% jacobian-holds tags=["check"]
soft_1, soft_2, soft_3 = y_tilde
powers_sum = np.sum(np.exp(z))
z_variable = tf.Variable(z)
with tf.GradientTape() as tape:
    by_tf = tf.nn.softmax(z_variable)
np.testing.assert_allclose(
    tape.jacobian(by_tf, z_variable), jacobian, atol=1e-12
)
for j in range(3):
    nudge = 1e-6 * np.eye(3)[j]
    column = (softmax(z + nudge) - softmax(z - nudge)) / 2e-6
    np.testing.assert_allclose(column, jacobian[:, j], atol=1e-9)
assert np.allclose(jacobian, jacobian.T)
assert np.allclose(jacobian.sum(axis=0), 0)

# %% gradient-chain
by_chain = (-y / y_tilde) @ jacobian  # (3,) @ (3, 3)
shortcut = y_tilde - y
print("chain rule", by_chain.round(6))
print("ỹ - y     ", shortcut.round(6))


# %% gradient-three-ways
def loss_at(z):  # E from the logits, (N, K)
    return -np.mean(np.sum(one_hot * np.log(softmax(z)), axis=1))


by_formula = (probabilities - one_hot) / 3  # N = 3

variable = tf.Variable(logits)
in_double = losses.CategoricalCrossentropy(
    dtype="float64",  # finer than the default, float32
)
with tf.GradientTape() as tape:
    value = in_double(one_hot, tf.nn.softmax(variable))
by_autodiff = tape.gradient(value, variable).numpy()

by_differences = np.zeros((3, 3))
for n, i in np.ndindex(3, 3):
    nudge = np.zeros((3, 3))
    nudge[n, i] = 1e-5
    rise = loss_at(logits + nudge) - loss_at(logits - nudge)
    by_differences[n, i] = rise / 2e-5

print(by_formula.round(6))
autodiff_gap = np.abs(by_autodiff - by_formula).max()
difference_gap = np.abs(by_differences - by_formula).max()
print(f"gap to autodiff    {autodiff_gap:.0e}")
print(f"gap to differences {difference_gap:.0e}")

# %% gradient-holds tags=["check"]
assert np.allclose(by_chain, shortcut) and abs(shortcut.sum()) < 1e-12
assert autodiff_gap < 1e-12 and difference_gap < 1e-9
soft = np.array([votes, even, [0.1, 0.1, 0.8]])  # soft labels too
with tf.GradientTape() as tape:
    value = in_double(soft, tf.nn.softmax(variable))
np.testing.assert_allclose(
    tape.gradient(value, variable),
    (probabilities - soft) / 3,
    atol=1e-9,
)

# %% sure-and-wrong
print(" gap  cross-entropy  squared    doubt")
for gap in (0.0, 2.0, 5.0, 10.0):
    p = softmax(np.array([[gap, 0.0]]))[0]
    y = np.array([0.0, 1.0])
    chain = np.diag(p) - np.outer(p, p)
    ce_slope = (p - y)[1]
    se_slope = (2 * (p - y) @ chain)[1]
    doubt_slope = -chain[1, 1]  # doubt is 1 - p[1]
    print(f"{gap:4.0f} {ce_slope:14.5f}", end="")
    print(f" {se_slope:8.5f} {doubt_slope:8.5f}")

# %% draw-surface
side = np.linspace(-6, 6, 121)
z1, z2 = np.meshgrid(side, side)
grid = np.stack([z1, z2, np.zeros_like(z1)], axis=-1)
p = softmax(grid)  # (121, 121, 3)
error = p - np.array([1.0, 0.0, 0.0])
squared_slope = 2 * p * (error - np.sum(error * p, -1, keepdims=True))
surfaces = {
    "cross-entropy": (-np.log(p[..., 0]), error),
    "squared error": (np.sum(error**2, -1), squared_slope),
}
fig, axes = plt.subplots(2, figsize=(4.4, 7.4), layout="tight")
for ax, (name, (height, slope)) in zip(axes, surfaces.items()):
    shade = ax.pcolormesh(z1, z2, height, cmap="Blues", rasterized=True)
    few = slice(10, None, 20)
    downhill = -slope[few, few, :2]
    ax.quiver(
        z1[few, few],
        z2[few, few],
        downhill[..., 0],
        downhill[..., 1],
        color="#ff8000",
        angles="xy",
        scale_units="xy",
        scale=0.65,
        width=0.017,
        headwidth=3.5,
        headlength=4,
        headaxislength=3.5,
        minlength=0.6,
        rasterized=True,
    )
    ax.set(title=name, xlabel="$z_1$ (right class)")
    ax.set_ylabel("$z_2$ (wrong class)")
    ax.set(xticks=[-6, -3, 0, 3, 6], yticks=[-6, -3, 0, 3, 6])
    ax.set_aspect("equal")
    fig.colorbar(shade, label="loss", fraction=0.046)
plt.show()

# %% surface-holds tags=["check"]
far = softmax(np.array([[-6.0, 6.0, 0.0]]))[0]
e_far = far - np.array([1.0, 0.0, 0.0])
se_far = 2 * far * (e_far - e_far @ far)
assert np.linalg.norm(e_far) > 1.3 and np.linalg.norm(se_far) < 0.02
assert abs(se_slope) < 0.001 and abs(ce_slope) > 0.999
assert abs(doubt_slope) < 0.001
assert np.ptp(np.abs(chain)) < 1e-12  # two classes: all four alike
for a in rng.dirichlet(np.ones(5), size=100):  # right class: 0
    column = (np.diag(a) - np.outer(a, a))[:, 0]
    assert np.allclose(column, a * (np.eye(5)[0] - a[0]))
    assert np.all(np.abs(column) <= a[0])
    onto = -np.eye(5)[0] / a[0]
    assert np.isclose(onto @ column, a[0] - 1)
corner = softmax(np.array([-6.0, -6.0, 0.0]))
assert corner[2] > 0.99  # bottom left: sure of class 3
for _ in range(100):
    v, a = rng.normal(size=(2, 5))
    a = softmax(a)
    hessian = np.diag(a) - np.outer(a, a)
    assert v @ hessian @ v >= -1e-12
    variance = np.sum(a * v**2) - np.sum(a * v) ** 2
    assert np.isclose(v @ hessian @ v, variance)

# %% overflow
large = np.array([1000.0, 0.0, -1000.0])
with np.errstate(all="ignore"):  # NumPy would warn
    print("exp     ", np.exp(large))
    print("softmax ", softmax(large))
    print("float32 ", np.exp(np.array([88, 89], "float32")))


# %% log-sum-exp
def log_softmax(z):
    highest = np.max(z, axis=-1, keepdims=True)
    safe = z - highest  # at most 0
    return safe - np.log(np.sum(np.exp(safe), axis=-1, keepdims=True))


print("log softmax", log_softmax(large))
print("softmax    ", np.exp(log_softmax(large)))
same = np.log(softmax(logits)) - log_softmax(logits)
print(f"gap on ordinary logits {np.abs(same).max():.0e}")

# %% overflow-holds tags=["check"]
with np.errstate(all="ignore"):
    broken = softmax(large)
    only_shifted = np.log(softmax(large - large.max()))
assert np.isnan(broken[0]) and np.isneginf(only_shifted[2])
assert np.array_equal(log_softmax(large), [0, -1000, -2000])
assert np.abs(same).max() < 1e-14
with np.errstate(all="ignore"):
    assert np.isinf(np.exp(np.float32(89)))
    assert np.isinf(np.exp(710.0)) and np.isfinite(np.exp(709.0))
steep = tf.Variable([1000.0, 0.0])
with tf.GradientTape() as tape:
    powers = tf.exp(steep)
    naive = -tf.math.log(powers[0] / tf.reduce_sum(powers))
assert np.isnan(tape.gradient(naive, steep)[0])
for z in rng.normal(scale=300, size=(100, 6)):
    lse = (z - log_softmax(z))[0]
    assert z.max() - 1e-9 <= lse <= z.max() + np.log(6) + 1e-9

# %% from-logits
from_logits = losses.CategoricalCrossentropy(
    from_logits=True,
)
agree = float(from_logits(one_hot, logits))
print(f"probabilities in {keras_loss:.6f}")
print(f"logits in        {agree:.6f}")

target = np.array([[0.0, 1.0]])
print("        probabilities in     logits in")
print("logits     loss    slope     loss    slope")
for size in (1.0, 5.0, 20.0, 1000.0):
    z = tf.Variable([[size, -size]])  # sure of the wrong class
    # persistent: two gradients from one tape
    with tf.GradientTape(persistent=True) as tape:
        clipped = keras_cce(target, tf.nn.softmax(z))
        exact = from_logits(target, z)
    slopes = [tape.gradient(v, z)[0, 1] for v in (clipped, exact)]
    print(f"±{size:<6.0f} {clipped:8.3f} {slopes[0]:8.3f}", end="")
    print(f" {exact:8.3f} {slopes[1]:8.3f}")

# %% from-logits-holds tags=["check"]
clipped_loss = float(clipped)
assert abs(agree - keras_loss) < 1e-6
assert float(exact) == 2000 and float(slopes[1]) == -1
assert float(slopes[0]) == 0
assert abs(clipped_loss - -np.log(1e-7)) < 1e-3
sparse_logits = losses.SparseCategoricalCrossentropy(from_logits=True)
binary_logits = losses.BinaryCrossentropy(from_logits=True)
assert abs(float(sparse_logits(labels, logits)) - agree) < 1e-6
wide = np.array([[1000.0, -1000.0]], "float32")
assert float(sparse_logits(np.array([1]), wide)) == 2000
assert float(sparse_logits(np.array([0]), wide)) == 0
sides = np.array([[-1000.0], [1000.0]], "float32")
assert float(binary_logits(np.array([[1.0], [1.0]]), sides)) == 500
log_odds = np.log(p_bag / (1 - p_bag))
assert abs(float(binary_logits(is_bag, log_odds)) - binary_loss) < 1e-6

# %% two-endings
linear = network(10, None)  # no activation: gives logits
with_softmax = network(10, "softmax")  # the same seed
scce_logits = losses.SparseCategoricalCrossentropy(
    from_logits=True,
)
loss_of_linear = float(scce_logits(classes, linear(images)))
loss_of_softmax = float(keras_scce(classes, with_softmax(images)))
print(f"linear,  from_logits=True  {loss_of_linear:.6f}")
print(f"softmax, from_logits=False {loss_of_softmax:.6f}")

scores = linear.predict(images[:1], verbose=0)
print("row sum of logits", scores.sum().round(3))
print("row sum after softmax", softmax(scores).sum().round(3))

# %% softmax-and-flag
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    mended = float(scce_logits(classes, with_softmax(images)))
print(f"softmax, from_logits=True  {mended:.6f}")
show(caught[0].message)

# %% two-endings-hold tags=["check"]
tail = tf.constant([[1000.0, -1000.0]])
second = np.array([[0.0, 1.0]])
assert float(keras_cce(second, keras.ops.softmax(tail))) == 2000
assert float(keras_cce(second, layers.Softmax()(tail))) == 2000
cut = layers.Reshape((2,))(layers.Softmax()(tail))
half = layers.Softmax(dtype="mixed_float16")(tail)  # cast by the loss
for without in (
    np.array(keras.ops.softmax(tail)),
    cut,
    half,
    tf.nn.softmax(tail),
):
    assert abs(float(keras_cce(second, without)) - clipped_loss) < 1e-3
import pathlib

backends = pathlib.Path(keras.__file__).parent / "src" / "backend"
for backend in ("tensorflow", "jax", "torch"):
    source = (backends / backend / "nn.py").read_text()
    assert ("_keras_logits" in source) == (backend == "tensorflow")
assert abs(loss_of_linear - loss_of_softmax) < 1e-5
assert abs(mended - loss_of_softmax) < 1e-5 and len(caught) == 1
assert abs(float(softmax(scores).sum()) - 1) < 1e-5
assert np.array_equal(
    linear.predict(images, verbose=0).argmax(1),
    with_softmax.predict(images, verbose=0).argmax(1),
)
assert abs(float(scores.sum()) - 1) > 0.05

# %% smoothing
epsilon = 0.1
smoothed = (1 - epsilon) * one_hot + epsilon / 3
print(smoothed.round(4))
by_hand = -np.mean(np.sum(smoothed * np.log(probabilities), axis=1))
smoother = losses.CategoricalCrossentropy(
    label_smoothing=0.1,
)
print(f"NumPy {by_hand:.6f}")
print(f"Keras {float(smoother(one_hot, probabilities)):.6f}")
smoothing_floor = np.mean([entropy(row) for row in smoothed])
print(f"floor {smoothing_floor:.6f}")

# %% draw-smoothing
gaps = np.linspace(0, 12, 400)  # right logit minus the nine others
ladder = np.zeros((400, 10))
ladder[:, 0] = gaps
fig, ax = plt.subplots(figsize=(4.8, 3.5), layout="tight")
for eps, style in ((0.0, "-"), (0.1, "--"), (0.2, "-.")):
    target = np.full(10, eps / 10)
    target[0] += 1 - eps
    curve = -log_softmax(ladder) @ target
    ax.plot(gaps, curve, style, label=f"ε = {eps}")
    if eps:
        best = np.log(target[0] / target[1])
        ax.plot(best, np.interp(best, gaps, curve), "o", color="gray")
ax.set(xlabel="logit of the right class above the rest")
ax.set(ylabel="loss", ylim=(0, 2.5))
ax.legend(title="smoothing")
plt.show()

# %% smoothing-holds tags=["check"]
assert abs(float(smoother(one_hot, probabilities)) - by_hand) < 1e-5
assert smoothing_floor > 0.2 and np.allclose(smoothed.sum(axis=1), 1)
assert float(smoother(one_hot, smoothed)) < by_hand
assert abs(float(smoother(one_hot, smoothed)) - smoothing_floor) < 1e-5
ten = np.full(10, 0.01)
ten[0] = 0.91
fine = np.linspace(0, 12, 12001)
stack = np.zeros((12001, 10))
stack[:, 0] = fine
curve = -log_softmax(stack) @ ten
best_gap = fine[curve.argmin()]
assert abs(best_gap - np.log(91)) < 0.002
assert abs(curve.min() - entropy(ten)) < 1e-6
plain = -log_softmax(stack)[:, 0]
assert np.all(np.diff(plain) < 0)
assert round(np.log(91), 1) == 4.5 and round(np.log(41), 1) == 3.7
try:
    losses.SparseCategoricalCrossentropy(label_smoothing=0.1)
except TypeError as error:
    assert "label_smoothing" in str(error)
else:
    raise AssertionError("the sparse loss smooths labels now")

# %% reductions
for reduction in ("none", "sum", "sum_over_batch_size"):
    loss = losses.CategoricalCrossentropy(
        reduction=reduction,
    )
    value = np.array(loss(one_hot, probabilities), "float64")
    print(f"{reduction:20} {value.round(4)}")

# %% reductions-weights
weights = np.array([1.0, 1.0, 0.0])
for reduction in ("sum_over_batch_size", "mean_with_sample_weight"):
    loss = losses.CategoricalCrossentropy(
        reduction=reduction,
    )
    value = loss(one_hot, probabilities, sample_weight=weights)
    print(f"{reduction:24} {float(value):.4f}")

# %% reductions-hold tags=["check"]
summed = losses.CategoricalCrossentropy(reduction="sum")
each = losses.CategoricalCrossentropy(reduction="none")
assert np.allclose(each(one_hot, probabilities), per_example, atol=1e-5)
assert (
    abs(float(summed(one_hot, probabilities)) - 3 * batch_loss) < 1e-4
)
each_mse = losses.MeanSquaredError(reduction="none")
assert each_mse(truth, guess).shape == (32,)
in_time = np.tile(one_hot, (4, 1, 1)), np.tile(probabilities, (4, 1, 1))
assert each(*in_time).shape == (4, 3)  # (N, T): divided by N x T
assert abs(float(keras_cce(*in_time)) - batch_loss) < 1e-5
over_n = keras_cce(one_hot, probabilities, sample_weight=weights)
assert abs(float(over_n) - per_example[:2].sum() / 3) < 1e-5
assert abs(float(value) - per_example[:2].mean()) < 1e-5
variable = tf.Variable(logits)
with tf.GradientTape(persistent=True) as tape:
    as_mean = keras_cce(one_hot, tf.nn.softmax(variable))
    as_sum = summed(one_hot, tf.nn.softmax(variable))
np.testing.assert_allclose(
    tape.gradient(as_sum, variable),
    3 * tape.gradient(as_mean, variable),
    atol=1e-5,
)
for name, ratio in (("sgd", 3), ("adam", 1)):
    steps = []
    for scale in (1.0, 3.0):
        weight = tf.Variable([1.0])
        optimizer = keras.optimizers.get(name)
        optimizer.apply([tf.constant([0.5 * scale])], [weight])
        steps.append(1 - float(weight[0]))
    assert abs(steps[1] / steps[0] - ratio) < 0.01

# %% first-loss
fresh = network(10, "softmax")
fresh.compile(
    loss="sparse_categorical_crossentropy",
)
first_loss = fresh.evaluate(images, classes, verbose=0)
pixel_loss = fresh.evaluate(images * 255, classes, verbose=0)
print(f"log 10                 {np.log(10):.3f}")
print(f"untrained, pixels 0-1  {first_loss:.3f}")
print(f"untrained, 0-255       {pixel_loss:.3f}")

# %% first-loss-holds tags=["check"]
assert abs(first_loss - np.log(10)) < 0.5 and pixel_loss > 20

# %% pitfall-flag
forgotten = network(10, None)  # logits …
forgotten_losses, forgotten_accuracy = train(
    forgotten, classes, "sparse_categorical_crossentropy"
)  # … taken for probabilities
highest = forgotten.predict(images, verbose=0).max()
print(f"largest of all logits {highest:.3f}")

mended_network = network(10, None)
mended_losses, mended_accuracy = train(
    mended_network, classes, scce_logits
)

# %% pitfall-two-tags
red_and_cotton = np.array([[1.0, 0.0, 1.0]])  # sums to 2
cce = losses.CategoricalCrossentropy(
    from_logits=True,
    dtype="float64",  # finer than the default, float32
)
z = tf.Variable([[2.0, 1.0, 0.0]], dtype="float64")
with tf.GradientTape() as tape:
    value = cce(red_and_cotton, z)
reported = tape.gradient(value, z).numpy()

nudges = 1e-5 * np.eye(3)
rises = [cce(red_and_cotton, z + n[None]) for n in nudges]
falls = [cce(red_and_cotton, z - n[None]) for n in nudges]
measured = np.subtract(rises, falls) / 2e-5
print("tape        ", reported[0].round(4))
print("differences ", measured.round(4))

# %% pitfall-two-tags-holds tags=["check"]
assert (
    "gradient will be"
    in tf.nn.softmax_cross_entropy_with_logits.__doc__
)
sparse_doc = tf.nn.sparse_softmax_cross_entropy_with_logits.__doc__
assert "NaN" in sparse_doc and "GPU" in sparse_doc
z = tf.Variable([[2.0, 1.0, 0.0]])
with tf.GradientTape() as tape:
    value = keras_cce(red_and_cotton, layers.Softmax()(z))
assert np.allclose(tape.gradient(value, z), reported, atol=1e-6)
wide_p = softmax(np.array([2.0, 1.0, 0.0]))
assert np.allclose(reported[0], wide_p - red_and_cotton[0])
assert np.allclose(measured, 2 * wide_p - red_and_cotton[0], atol=1e-6)
assert reported[0][0] < 0 < measured[0]

# %% pitfall-range
from_one = np.array([1, 3, 2])  # classes counted from 1
try:
    keras_scce(from_one, probabilities)
except tf.errors.InvalidArgumentError as error:
    show(error)

# %% pitfall-threshold
truths = np.array([[0.0], [1.0], [1.0], [1.0]])
bag_logits = np.array([[-2.0], [0.2], [0.4], [3.0]])
bag_probabilities = 1 / (1 + np.exp(-bag_logits))

by_string = keras.metrics.BinaryAccuracy()  # cuts at 0.5
for_logits = keras.metrics.BinaryAccuracy(
    threshold=0.0,
)
print("probabilities", bag_probabilities[:, 0].round(2))
print(f"'accuracy'    {float(by_string(truths, bag_logits)):.2f}")
print(f"threshold=0.0 {float(for_logits(truths, bag_logits)):.2f}")

# %% pitfalls-hold tags=["check"]
forgotten_last = forgotten_losses[-1]
assert abs(forgotten_last - np.log(10)) < 1e-3 and highest < 0
assert forgotten_accuracy < 0.2
keras.utils.set_random_seed(1)
other = keras.models.clone_model(forgotten)
other.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
other_run = other.fit(images, classes, epochs=5, verbose=0)
assert 0.2 < other_run.history["accuracy"][-1] < 0.6
below = -np.arange(1.0, 31).reshape(3, 10)  # all of them cut to 1e-7
assert abs(float(keras_scce(labels, below)) - np.log(10)) < 1e-5
assert mended_losses[-1] < 0.7 and mended_accuracy > 0.75
assert mended_losses[0] < forgotten_losses[0]
outside = tf.Variable([[-1.0, 2.0, 0.5]])
with tf.GradientTape() as tape:
    value = keras_scce(np.array([2]), outside)
no_slope = tape.gradient(value, outside)[0]
assert no_slope[0] == 0 and no_slope[1] == 0 and no_slope[2] != 0
try:
    keras_scce(from_one, probabilities)
except tf.errors.InvalidArgumentError as error:
    range_error = str(error)
assert "label value of 3" in range_error and "[0, 3)" in range_error
assert float(by_string.result()) == 0.5
assert float(for_logits.result()) == 1.0
single = keras.Sequential([keras.Input((1,)), layers.Identity()])
single.compile(
    loss=losses.BinaryCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
assert single.evaluate(bag_logits, truths, verbose=0)[1] == 0.5

# %% exercise-1 tags=["solution"]
steady = np.full(10, 0.3)  # p of the right class, ten examples
bold = np.full(10, 0.99)
bold[0] = 0.000001
steady_loss, bold_loss = -np.log([steady, bold]).mean(axis=1)
print(f"A: nine right, one very wrong {bold_loss:.4f}")
print(f"B: all ten wrong by a little  {steady_loss:.4f}")

# %% exercise-1-holds tags=["check"]
assert steady_loss < bold_loss
assert max(0.3, 0.4, 0.3) == 0.4  # (0.3, 0.4, 0.3): a wrong answer

# %% exercise-2 tags=["solution"]
answers = np.eye(3)[np.repeat([0, 1, 2], [7, 2, 1])]  # (10, 3)
z = np.zeros(3)  # the same logits for every input
for _ in range(500):
    gradient = np.mean(softmax(z) - answers, axis=0)
    z = z - gradient  # one step against the gradient
learned = softmax(z)
ignorant_loss = -np.mean(np.sum(answers * np.log(learned), axis=1))
print("shares ", answers.mean(axis=0))
print("learned", learned.round(4))
print(f"loss {ignorant_loss:.4f}  entropy {votes_entropy:.4f}")

# %% exercise-2-holds tags=["check"]
assert np.allclose(learned, [0.7, 0.2, 0.1], atol=1e-4)
assert abs(ignorant_loss - votes_entropy) < 1e-6


# %% exercise-3 tags=["solution"]
def floor_of_two_softmaxes(K):
    return np.log(np.e + K - 1) - 1


twice = keras.Sequential([network(10, "softmax"), layers.Softmax()])
twice_losses, twice_accuracy = train(
    twice, classes, "sparse_categorical_crossentropy"
)
twice_floor = floor_of_two_softmaxes(10)
print(f"floor for K = 10  {twice_floor:.4f}")
print(f"floor for K = 100 {floor_of_two_softmaxes(100):.4f}")

# %% exercise-3-holds tags=["check"]
perfect = softmax(softmax(1000.0 * np.eye(10)[:1] - 500))
assert abs(-np.log(perfect[0, 0]) - twice_floor) < 1e-9
assert min(twice_losses) > twice_floor and twice_losses[-1] > 1.46
assert twice_accuracy > 0.6
for inner in rng.dirichlet(np.full(10, 0.1), size=300):
    assert -np.log(softmax(inner)[0]) >= twice_floor - 1e-12

# %% exercise-4 tags=["solution"]
deltas = np.geomspace(0.1, 1000, 41)
best_constants = []
for delta in deltas:
    curve = np.mean(huber(misses, delta), axis=1)
    lowest = curve <= curve.min() + 1e-9  # flat for small δ
    best_constants.append(constants[lowest].mean())

fig, ax = plt.subplots(figsize=(4.8, 3.3), layout="tight")
ax.semilogx(deltas, best_constants, "o-", markersize=3)
ax.axhline(jumps_mean, color="C1", linestyle="--")
ax.axhline(jumps_median, color="C2", linestyle=":")
ax.text(0.1, jumps_mean - 1.2, "mean", color="C1")
ax.text(200, jumps_median + 0.4, "median", color="C2")
ax.set(xlabel="δ (jumps)", ylabel="best constant (jumps)")
plt.show()

# %% exercise-4-holds tags=["check"]
assert abs(best_constants[0] - jumps_median) < 0.1
assert abs(best_constants[-1] - jumps_mean) < 0.1
assert min(best_constants) < jumps_median - 1
assert np.sum(jumps < 42.2) == 8 and np.sum(jumps > 62.2) == 7
close = jumps[np.abs(jumps - 52.2) <= 10]
assert list(np.sort(close)) == [43, 50, 58, 60, 60]
assert close.sum() == 271 and (271 - 10) / 5 == 52.2


# %% exercise-5 tags=["solution"]
def stable_bce(y, z):
    return np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))


z_all = np.array([[-1000.0], [-2.0], [0.0], [3.0], [1000.0]])
ours = stable_bce(1.0, z_all)
keras_each = losses.BinaryCrossentropy(
    from_logits=True,
    reduction="none",
)
theirs = keras_each(np.ones((5, 1)), z_all)
print("    z       ours      Keras")
for row in zip(z_all[:, 0], ours[:, 0], np.array(theirs)):
    print("{:5.0f} {:10.4f} {:10.4f}".format(*row))

# %% exercise-5-holds tags=["check"]
assert np.allclose(ours[:, 0], theirs, atol=1e-6)
assert np.allclose(
    stable_bce(0.0, z_all)[:, 0],
    keras_each(np.zeros((5, 1)), z_all),
    atol=1e-6,
)

# %% exercise-6 tags=["solution"]
spread = 30.0  # s, the width of the bell, in jumps
for constant in (50.0, jumps_mean, 90.0):
    bell = np.exp(-((jumps - constant) ** 2) / (2 * spread**2))
    density = bell / (spread * np.sqrt(2 * np.pi))
    surprise = -np.mean(np.log(density))
    mse = np.mean((jumps - constant) ** 2)
    rest = surprise - mse / (2 * spread**2)
    print(
        f"{constant:.1f}: surprise {surprise:.4f}, less MSE {rest:.4f}"
    )

# %% exercise-6-holds tags=["check"]
assert abs(rest - np.log(spread * np.sqrt(2 * np.pi))) < 1e-9
