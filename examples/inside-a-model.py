# %% model
import keras
import numpy as np
from keras import layers

(x_train, y_train), (x_test, y_test) = (
    keras.datasets.fashion_mnist.load_data()
)
images = x_train[:6000].astype("float32") / 255
labels = y_train[:6000]
test_images = x_test[:2000].astype("float32") / 255
test_labels = y_test[:2000]
names = ["T-shirt", "trouser", "pullover", "dress", "coat"]
names += ["sandal", "shirt", "sneaker", "bag", "ankle boot"]

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((28, 28)),
        layers.Flatten(name="flatten"),
        layers.Dense(64, activation="relu", name="first"),
        layers.Dense(32, activation="relu", name="second"),
        layers.Dense(10, activation="softmax", name="answer"),
    ],
    name="clothes",
)
for number, layer in enumerate(model.layers):
    print(number, layer.name, layer.output.shape)

# %% find-a-layer
first = model.get_layer("first")
print(first is model.layers[1])
print(first is model.get_layer(index=1))
print(model.layers[-1].name)
print([layer.name for layer in model.layers[1:3]])
print(first.units, first.activation.__name__, first.count_params())

# %% functional-index
inputs = keras.Input((28, 28))
hidden = layers.Flatten(name="flatten")(inputs)
outputs = layers.Dense(10, name="answer")(hidden)
functional = keras.Model(inputs, outputs)
print([type(layer).__name__ for layer in functional.layers])

# %% find-a-layer-holds tags=["check"]
assert first is model.layers[1] is model.get_layer(index=1)
assert [layer.name for layer in model.layers] == [
    "flatten",
    "first",
    "second",
    "answer",
]
assert isinstance(functional.layers[0], layers.InputLayer)
assert isinstance(model.layers[0], layers.Flatten)
assert first.output.shape == (None, 64)

# %% get-weights
weights, biases = first.get_weights()
print(type(weights).__name__, weights.shape, biases.shape)
flatten = model.get_layer("flatten")
print(len(flatten.get_weights()))

# %% all-weights
for variable in model.weights:
    print(variable.path, variable.shape)
total = model.count_params()
print(f"{total:,} numbers")

# %% forward-by-hand
W1, b1, W2, b2, W3, b3 = model.get_weights()

h = test_images.reshape(-1, 784)
h = np.maximum(h @ W1 + b1, 0)
h = np.maximum(h @ W2 + b2, 0)
z = h @ W3 + b3
z = np.exp(z - z.max(axis=1, keepdims=True))  # softmax, safely
by_hand = z / z.sum(axis=1, keepdims=True)

by_keras = model(test_images).numpy()
forward_gap = np.abs(by_hand - by_keras).max()
print(f"largest gap {forward_gap:.1e}")

# %% get-weights-holds tags=["check"]
assert np.array_equal(weights, first.kernel)
assert np.array_equal(biases, first.bias)
assert total == 785 * 64 + 65 * 32 + 33 * 10
assert [w.path for w in model.weights] == [
    f"clothes/{layer}/{kind}"
    for layer in ("first", "second", "answer")
    for kind in ("kernel", "bias")
]
assert forward_gap < 1e-5
assert sum(w.size for w in model.get_weights()) == total

# %% initial-spread
print("layer     inputs  units  measured  theory")
for layer in model.layers[1:]:
    kernel, bias = layer.get_weights()
    m, n = kernel.shape
    theory = np.sqrt(2 / (m + n))
    print(f"{layer.name:9} {m:6} {n:6}", end="")
    print(f" {kernel.std():9.4f} {theory:7.4f}")

# %% draw-initial
import matplotlib.pyplot as plt

fig, axes = plt.subplots(
    3, figsize=(5, 5.4), sharex=True, layout="tight"
)
for ax, layer in zip(axes, model.layers[1:]):
    kernel = layer.get_weights()[0]
    limit = np.sqrt(6 / sum(kernel.shape))
    bins = np.linspace(-limit, limit, 21)
    ax.hist(kernel.ravel(), bins, density=True, alpha=0.7)
    for side in (-limit, limit):
        ax.axvline(side, color="C1", linestyle="--")
    ax.set(title=f"{layer.name} {kernel.shape}", ylabel="density")
axes[-1].set_xlabel("initial weight")
plt.show()

# %% initial-holds tags=["check"]
for layer in model.layers[1:]:
    kernel, bias = layer.get_weights()
    m, n = kernel.shape
    assert np.abs(kernel).max() <= np.sqrt(6 / (m + n))
    assert np.abs(kernel).max() > 0.95 * np.sqrt(6 / (m + n))
    assert abs(kernel.std() / np.sqrt(2 / (m + n)) - 1) < 0.12
    assert not bias.any()

# %% set-weights
twin = keras.models.clone_model(model)


def difference():
    return np.abs(model(test_images) - twin(test_images)).max()


apart = difference()
twin.set_weights(model.get_weights())
together = difference()
print(f"before {apart:.3f}   after {together}")

# %% one-place
kernel = weights.copy()
kernel[0, 0] = 0.5
first.kernel.assign(kernel)
print(first.get_weights()[0][0, :3].round(3))
first.set_weights([weights, biases])  # back again
print(first.get_weights()[0][0, :3].round(3))

# %% set-weights-holds tags=["check"]
assert apart > 0.01 and together == 0
assert twin.get_layer("first") is not first
assert np.array_equal(first.get_weights()[0], weights)


# %% train
def accuracy(model, images, labels):
    answers = model(images).numpy().argmax(axis=1)
    return np.mean(answers == labels)


loss = "sparse_categorical_crossentropy"


def compile_model(model, rate=0.001):
    optimizer = keras.optimizers.Adam(rate)
    model.compile(optimizer, loss)


before = model.get_weights()
untrained_accuracy = accuracy(model, test_images, test_labels)
compile_model(model)
model.fit(images, labels, batch_size=64, epochs=5, verbose=0)
trained_accuracy = accuracy(model, test_images, test_labels)
print(f"accuracy {untrained_accuracy:.3f}", end="")
print(f" -> {trained_accuracy:.3f}")

# %% what-moved
after = model.get_weights()
print("                std     std  corre-")
print("kernel       before   after  lation")
correlations = []
for k in (0, 2, 4):
    pair = before[k].ravel(), after[k].ravel()
    correlations.append(np.corrcoef(*pair)[0, 1])
    name = model.weights[k].path.split("/")[1]
    print(f"{name:12} {pair[0].std():6.3f}", end="")
    print(f" {pair[1].std():7.3f} {correlations[-1]:7.2f}")

# %% draw-kernels
first_change = after[0] - before[0]
size = np.linalg.norm(first_change, axis=0)
chosen = size.argsort()[::-1][:4]
fig, axes = plt.subplots(3, 4, figsize=(5.4, 4.3), layout="tight")
rows = {"before": before[0], "change": first_change}
rows["after"] = after[0]
colours = {"cmap": "RdBu", "vmin": -0.25, "vmax": 0.25}
colours["interpolation"] = "none"  # each weight is one square
for line, (title, kernel) in zip(axes, rows.items()):
    for ax, unit in zip(line, chosen):
        ax.imshow(kernel[:, unit].reshape(28, 28), **colours)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    line[0].set_ylabel(title)
plt.show()


# %% smoothness
def neighbours(kernel):  # correlation of pixels side by side
    pictures = kernel.T.reshape(-1, 28, 28)
    left, right = pictures[:, :, :-1], pictures[:, :, 1:]
    return np.corrcoef(left.ravel(), right.ravel())[0, 1]


noise_correlation = neighbours(before[0])
change_correlation = neighbours(after[0] - before[0])
print(f"before {noise_correlation:+.2f}")
print(f"change {change_correlation:+.2f}")

# %% train-holds tags=["check"]
assert untrained_accuracy < 0.25 and trained_accuracy > 0.75
for previous, current in zip(before, after):
    assert np.abs(current - previous).max() > 0.02
    assert current.std() > previous.std()
assert abs(noise_correlation) < 0.05 and change_correlation > 0.5
assert neighbours(images.reshape(-1, 784).T) > 0.7  # pixels
first_correlation = float(correlations[0])
assert 0.6 < first_correlation < min(correlations[1:])

# %% extractor
second = model.get_layer("second")
extractor = keras.Model(model.inputs[0], second.output)
features = extractor(test_images).numpy()
print(features.shape)

zero_share = np.mean(features == 0)
print(f"zeros {zero_share:.3f}")

# %% draw-features
means = np.array(
    [features[test_labels == k].mean(axis=0) for k in range(10)]
)


def unit_for(k):  # the unit that stands out most for this kind
    others = np.delete(means, k, axis=0).max(axis=0)
    return int((means[k] - others).argmax())


wanted = [names.index(n) for n in ("trouser", "sandal", "bag")]
wanted.append(names.index("ankle boot"))
units = [unit_for(k) for k in wanted]

dead = means.max(axis=0) == 0
order = np.where(dead, 10, means.argmax(axis=0)).argsort(kind="stable")
places = [int(np.flatnonzero(order == unit)[0]) for unit in units]
fig, ax = plt.subplots(figsize=(5.4, 3.4), layout="tight")
drawn = ax.imshow(means[:, order], cmap="viridis", aspect="auto")
ax.set_yticks(range(10), names)
ax.set_xticks(places, units)
ax.set(xlabel="32 units of “second” (four numbered)")
fig.colorbar(drawn, label="mean output")
plt.show()


# %% draw-favourites
def favourites(unit):
    return features[:, unit].argsort()[::-1][:6]


def hits(k):
    return int(np.sum(test_labels[favourites(unit_for(k))] == k))


fig, axes = plt.subplots(4, 6, figsize=(5.4, 3.8), layout="tight")
for line, unit in zip(axes, units):
    for ax, number in zip(line, favourites(unit)):
        ax.imshow(
            test_images[number], cmap="gray", interpolation="none"
        )
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    line[0].set_ylabel(f"unit {unit}")
plt.show()
total_hits = sum(hits(k) for k in wanted)
all_hits = sum(hits(k) for k in range(10))
shirt_hits = hits(6)
print(total_hits, "of 24 pictures are of the wanted kind")
print(all_hits, "of 60 for all ten kinds")


# %% nearest-mean
def nearest_mean_accuracy(describe):
    known = describe(images)
    new = describe(test_images)
    centres = np.array(
        [known[labels == k].mean(axis=0) for k in range(10)]
    )
    scores = new @ centres.T - np.sum(centres**2, axis=1) / 2
    return np.mean(scores.argmax(axis=1) == test_labels)


twin_second = twin.get_layer("second")
untrained = keras.Model(twin.inputs[0], twin_second.output)
pixel_score = nearest_mean_accuracy(lambda x: x.reshape(-1, 784))
random_score = nearest_mean_accuracy(lambda x: untrained(x).numpy())
feature_score = nearest_mean_accuracy(lambda x: extractor(x).numpy())
print(f"784 pixels            {pixel_score:.3f}")
print(f"32 features, random   {random_score:.3f}")
print(f"32 features, trained  {feature_score:.3f}")

# %% extractor-holds tags=["check"]
W1, b1, W2, b2, _, _ = model.get_weights()
h = np.maximum(test_images.reshape(-1, 784) @ W1 + b1, 0)
h = np.maximum(h @ W2 + b2, 0)
assert np.abs(h - features).max() < 1e-3
assert features.min() == 0 and 0.2 < zero_share < 0.7
assert extractor.get_layer("first") is first
alike = np.corrcoef(means)  # of the rows in the figure
assert alike[2, 4] > 0.9 and alike[7, 9] > alike[7, 2]
assert min(alike[2, 6], alike[4, 6], alike[0, 6]) > 0.7
assert max(alike[2, 9], alike[4, 9], alike[4, 7]) < 0.6
assert total_hits >= 12 and all_hits < 58 and shirt_hits < 6
dead_count = int(dead.sum())
assert random_score < pixel_score - 0.03
assert feature_score > pixel_score + 0.03


# %% trainable
def count(variables):
    return sum(int(np.prod(v.shape)) for v in variables)


def show_counts(title):
    learn = count(model.trainable_weights)
    still = count(model.non_trainable_weights)
    print(f"{title:13} {learn:7,} trainable {still:7,} not")


show_counts("at first")
first.trainable = False
show_counts("first frozen")
model.trainable = False
show_counts("model frozen")
model.trainable = True
show_counts("all again")

# %% non-trainable
normalization = layers.BatchNormalization()
normalization.build((None, 32))
for variable in normalization.weights:
    print(f"{variable.name:16} trainable {variable.trainable}")

# %% trainable-holds tags=["check"]
assert count(model.trainable_weights) == total
first.trainable = False
assert count(model.trainable_weights) == total - 785 * 64
assert not first.trainable_weights and len(first.weights) == 2
assert not first.kernel.trainable
first.trainable = True
flags = [v.trainable for v in normalization.weights]
assert flags == [True, True, False, False]
copy = keras.models.clone_model(model)
copy.trainable = False
copy.get_layer("first").trainable = True
assert not copy.trainable_weights  # the model's own switch wins
assert not keras.models.clone_model(copy).layers[2].trainable
copy.trainable = True
copy.get_layer("first").trainable = False
assert len(copy.trainable_weights) == 4
frozen = layers.BatchNormalization(trainable=False)
frozen.build((None, 4))
rows = np.arange(12.0, dtype="float32").reshape(3, 4)
was = frozen.get_weights()
assert np.allclose(frozen(rows, training=True), rows, atol=0.01)
assert all(map(np.array_equal, was, frozen.get_weights()))

# %% seven-kinds
new_kinds = [0, 5, 8]  # T-shirt, sandal, bag
known = ~np.isin(labels, new_kinds)
seven = keras.models.clone_model(model)
seven.set_weights(before)  # untrained
compile_model(seven)
seven.fit(
    images[known], labels[known], batch_size=64, epochs=5, verbose=0
)
learned = seven.get_weights()
print("trained on", known.sum(), "pictures of seven kinds")

# %% new-question
unseen = np.isin(test_labels, new_kinds)
new_images = test_images[unseen]
new_labels = np.searchsorted(new_kinds, test_labels[unseen])  # 0, 1, 2

answers = seven(new_images).numpy().argmax(axis=1)
table = np.zeros((10, 3), int)
np.add.at(table, (answers, new_labels), 1)
regrouped = table.max(axis=1).sum() / len(new_labels)
print(table[:, 2])  # what it calls a bag
print(f"best regrouping {regrouped:.3f}")

# %% few-pictures
rest = x_train[6000:].astype("float32") / 255
rest_labels = y_train[6000:]


def few(each, number):  # the number-th set, so many of each kind
    part = slice(each * number, each * (number + 1))
    rows = [np.flatnonzero(rest_labels == k)[part] for k in new_kinds]
    return rest[np.concatenate(rows)], np.repeat([0, 1, 2], each)


pictures, kinds = few(5, 0)
print(pictures.shape, kinds)

# %% freeze
seven_second = seven.get_layer("second")
base = keras.Model(seven.inputs[0], seven_second.output, name="base")
base.trainable = False


def on_top_of(base, seed):
    keras.utils.set_random_seed(seed)
    head = layers.Dense(3, activation="softmax", name="head")
    network = keras.Sequential([keras.Input((28, 28)), base, head])
    compile_model(network, rate=0.01)
    return network


grouper = on_top_of(base, seed=0)
old = grouper.get_weights()
grouper.fit(pictures, kinds, batch_size=3, epochs=12, verbose=0)
new = grouper.get_weights()
for variable, a, b in zip(grouper.weights, old, new):
    layer_name, kind = variable.path.split("/")[-2:]
    print(f"{layer_name:7} {kind:7}", end="")
    print("same" if np.array_equal(a, b) else "moved")
grouper_answers = grouper(new_images).numpy()

# %% freeze-holds tags=["check"]
assert regrouped < 0.85
assert set(table[:, 2].argsort()[-3:]) & {3, 4, 6}
assert table[6, 0] > 40 and table[6, 2] > 40  # both called shirts
paths = [v.path for v in grouper.weights]
assert len(paths) == 6 and paths[-1].endswith("head/bias")
for path, a, b in zip(paths, old, new):
    assert np.array_equal(a, b) != ("head" in path)
assert len(grouper.trainable_weights) == 2
assert len(seven.trainable_weights) == 2  # only its answer layer
assert all(map(np.array_equal, seven.get_weights(), learned))


# %% compare
def from_scratch(seed):
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    compile_model(network)
    return network


untrained.trainable = False
scores = []
print("        base      base     from")
print("set  learned    random  scratch")
for number in range(3):
    row = []
    for network in (
        on_top_of(base, number),
        on_top_of(untrained, number),
        from_scratch(number),
    ):
        network.fit(*few(5, number), batch_size=3, epochs=12, verbose=0)
        row.append(accuracy(network, new_images, new_labels))
    scores.append(row)
    print(f"{number:3} {row[0]:8.3f} {row[1]:9.3f} {row[2]:8.3f}")
frozen_mean, random_mean, scratch_mean = np.mean(scores, axis=0)
head_count = count(grouper.trainable_weights)
print(f"mean{frozen_mean:8.3f} {random_mean:9.3f} {scratch_mean:8.3f}")

# %% compare-holds tags=["check"]
assert head_count == 33 * 3
assert frozen_mean > random_mean + 0.08
assert frozen_mean > 0.75 and abs(frozen_mean - scratch_mean) < 0.12

# %% recompile
base.trainable = True
layer = seven.get_layer("first")
part = images[:1280], labels[:1280]


def fit_and_measure(title):
    old = layer.get_weights()[0]
    seven.fit(*part, batch_size=64, verbose=0)
    moved = float(np.abs(layer.get_weights()[0] - old).max())
    print(f"{title:21} {moved:.3g}")
    return moved


compile_model(seven)
plain_move = fit_and_measure("on, compiled")
layer.trainable = False
silent_move = fit_and_measure("off, not compiled")
compile_model(seven)
frozen_move = fit_and_measure("off, compiled")
layer.trainable = True
silent_stop = fit_and_measure("on, not compiled")
compile_model(seven)
free_move = fit_and_measure("on, compiled")

# %% without-graph
seven.compile(keras.optimizers.Adam(), loss, run_eagerly=True)
eager_move = fit_and_measure("on, no graph")
layer.trainable = False
eager_stop = fit_and_measure("off, not compiled")

# %% before-first-fit
layer.trainable = True
compile_model(seven)
layer.trainable = False
early_move = fit_and_measure("off before first fit")
layer.trainable = True
compile_model(seven)

# %% recompile-holds tags=["check"]
assert min(plain_move, silent_move, free_move, eager_move) > 1e-3
assert frozen_move == silent_stop == eager_stop == early_move == 0
assert hasattr(seven, "_warn_if_trainable_state_changed")

# %% show-error
import textwrap


def show_error(error):
    message = f"{type(error).__name__}: {error}"
    print(textwrap.fill(message, width=46))


try:
    keras.Model(model.input, second.output)
except AttributeError as error:
    show_error(error)
print(model.inputs[0].shape, model.input_shape)

# %% pitfall-get-layer
try:
    model.get_layer("dense")
except ValueError as error:
    show_error(error)
try:
    model.get_layer(0)
except ValueError as error:
    show_error(error)

# %% pitfall-nested
try:
    grouper.get_layer("first")
except ValueError as error:
    show_error(error)
inner = grouper.get_layer("base")
print(inner.get_layer("first") is layer)

# %% pitfall-shared
now = grouper(new_images).numpy()
shared_change = np.abs(now - grouper_answers).max()
for title, answers in (("then", grouper_answers), ("now", now)):
    score = np.mean(answers.argmax(axis=1) == new_labels)
    print(f"{title:5} accuracy {score:.3f}")
changed = now.argmax(axis=1) != grouper_answers.argmax(axis=1)
print(f"{changed.sum()} of {len(now)} answers have changed")

# %% pitfall-set-weights
for wrong in ([weights.T, biases], [weights]):
    try:
        first.set_weights(wrong)
    except ValueError as error:
        show_error(error)

# %% pitfall-copy
kernel, _ = first.get_weights()
kernel[:] = 0
print("weights are zero:", not first.get_weights()[0].any())
model.layers.pop()
print("layers:", len(model.layers))

# %% pitfall-activation
picture = test_images[:1]
predicted = model.predict(picture, verbose=0)
model.layers[-1].activation = keras.activations.linear
again = model.predict(picture, verbose=0)
called = model(picture).numpy()
print(f"predict, before {predicted.sum():.2f}")
print(f"predict, after  {again.sum():.2f}")
print(f"call, after     {called.sum():.2f}")
model.layers[-1].activation = keras.activations.softmax

# %% pitfall-optimizer
optimizer = keras.optimizers.Adam()
layer.trainable = False
seven.compile(optimizer, loss)
seven.fit(*part, batch_size=64, verbose=0)
layer.trainable = True
seven.compile(optimizer, loss)  # the same object
try:
    seven.fit(*part, batch_size=64, verbose=0)
except ValueError as error:
    print("ValueError:", str(error).partition(",")[0], "…")
compile_model(seven)  # with a new one

# %% pitfalls-hold tags=["check"]
assert shared_change > 0.1 and changed.sum() >= 5
assert grouper.get_layer("base").get_layer("first") is layer
assert first.get_weights()[0].any() and len(model.layers) == 4
assert np.array_equal(predicted, again)
assert abs(again.sum() - 1) < 1e-5 and abs(called.sum() - 1) > 0.1
assert model.input_shape == (None, 28, 28)
square = layers.Dense(4)
square.build((None, 4))
kernel, bias = square.get_weights()
square.set_weights([kernel.T, bias])  # not a word
assert np.array_equal(square.get_weights()[0], kernel.T)
copy = keras.models.clone_model(model)
copy.predict(picture, verbose=0)
copy.pop()
assert copy.predict(picture, verbose=0).shape == (1, 10)
assert copy(picture).shape == (1, 32)
assert all(map(np.array_equal, model.get_weights(), after))

# %% exercise-1 tags=["solution"]
second.trainable = False
show_counts("second frozen")
second.trainable = True

# %% exercise-1-holds tags=["check"]
import tensorflow as tf

second.trainable = False
assert count(model.non_trainable_weights) == 65 * 32
with tf.GradientTape() as tape:  # gradients pass `second`
    outcome = tf.reduce_mean(model(test_images[:50])[:, 0])
gradients = tape.gradient(outcome, model.trainable_weights)
assert len(gradients) == 4 and np.abs(gradients[0]).max() > 0
second.trainable = True

# %% exercise-2 tags=["solution"]
rng = np.random.default_rng(0)
order = rng.permutation(64)
W1, b1, W2, b2, W3, b3 = model.get_weights()
twin.set_weights([W1[:, order], b1[order], W2[order], b2, W3, b3])
permuted_gap = difference()
print(f"largest gap {permuted_gap:.1e}")

# %% exercise-2-holds tags=["check"]
assert permuted_gap < 1e-4
twin.set_weights([W1[:, order], b1[order], W2, b2, W3, b3])
assert difference() > 0.1

# %% exercise-3 tags=["solution"]
W1, b1, W2, b2, W3, b3 = model.get_weights()
whole = accuracy(model, test_images, test_labels)
losses = []
for unit in range(32):
    cut = W3.copy()
    cut[unit] = 0  # nothing leaves this unit
    twin.set_weights([W1, b1, W2, b2, cut, b3])
    losses.append(whole - accuracy(twin, test_images, test_labels))
worst = max(losses)
harmless = sum(lost < 0.005 for lost in losses)
print(f"whole model {whole:.3f}, worst loss {worst:.3f}")
print(f"{harmless} of 32 units cost less than 0.005")

fig, ax = plt.subplots(figsize=(5, 2.8), layout="tight")
ax.bar(range(32), sorted(losses, reverse=True))
ax.set(xlabel="units of “second”, sorted", ylabel="accuracy lost")
plt.show()

# %% exercise-3-holds tags=["check"]
assert worst > 0.005 and harmless >= 3 and min(losses) < 0

# %% exercise-4 tags=["solution"]
seven.set_weights(learned)
base.trainable = False
pictures, kinds = few(10, 0)  # 30 pictures


def train_on(network, title):
    network.fit(pictures, kinds, batch_size=3, epochs=10, verbose=0)
    score = accuracy(network, new_images, new_labels)
    print(f"{title:18} {score:.3f}")
    return score


tuned = on_top_of(base, seed=0)
head_score = train_on(tuned, "head")
start = tuned.get_weights()
longer_score = train_on(tuned, "head, longer")

tuned.set_weights(start)
base.trainable = True
compile_model(tuned)  # again, and with smaller steps
tuned_score = train_on(tuned, "all, fine-tuned")
end = tuned.get_weights()
scratch_score = train_on(from_scratch(seed=0), "all, from scratch")

# %% exercise-4-holds tags=["check"]
assert all(np.abs(b - a).max() > 1e-4 for a, b in zip(start, end))
assert min(head_score, longer_score, tuned_score) > 0.8
assert tuned_score > head_score


# %% exercise-5 tags=["solution"]
def zero_shares(model, x):
    inner = [layer.output for layer in model.layers[1:-1]]
    everything = keras.Model(model.inputs[0], inner)
    names = [layer.name for layer in model.layers[1:-1]]
    return {
        name: float(np.mean(output.numpy() == 0))
        for name, output in zip(names, everything(x))
    }


for title, values in (("before", before), ("after", after)):
    twin.set_weights(values)
    shares = zero_shares(twin, test_images)
    row = "  ".join(f"{n} {s:.2f}" for n, s in shares.items())
    print(f"{title:7} {row}")

# %% exercise-5-holds tags=["check"]
assert list(shares) == ["first", "second"]
assert abs(shares["second"] - zero_share) < 1e-4
twin.set_weights(before)
at_first = zero_shares(twin, test_images)
assert all(0.4 < s < 0.6 for s in at_first.values())
assert all(shares[name] < at_first[name] for name in shares)
assert all(0.1 < s < 0.9 for s in shares.values())
