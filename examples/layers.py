# %% first-layer
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
dense = layers.Dense(3)
print(len(dense.weights), "weight arrays before the first call")

x = np.array([[1.0, 2.0], [0.0, -1.0]], dtype="float32")
y = dense(x)
print(x.shape, "->", tuple(y.shape))
for weight in dense.weights:
    print(weight.name, weight.shape)

# %% first-layer-holds tags=["check"]
assert not layers.Dense(3).weights and len(dense.weights) == 2
assert y.shape == (2, 3) and dense.kernel.shape == (2, 3)
assert np.array_equal(dense.bias, np.zeros(3))
assert np.allclose(y, dense(x)) and dense.trainable_weights
assert layers.Dense(3).kernel_initializer.__class__ is (
    keras.initializers.GlorotUniform
)

# %% dense-by-hand
x = np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]], dtype="float32")
W = np.array([[0.5, -1.0], [1.0, 0.5], [-0.5, 2.0]])
b = np.array([1.0, -1.0])

layer = layers.Dense(2, activation="relu")
layer.build((None, 3))
layer.kernel.assign(W)
layer.bias.assign(b)

z = x @ W + b
y = np.maximum(z, 0)
print("z", *z)
print("y", *y)
print("by Keras", *layer(x).numpy())

# %% dense-by-hand-holds tags=["check"]
assert np.array_equal(z, [[4, -3], [0.5, 5.5]])
assert np.array_equal(y, [[4, 0], [0.5, 5.5]])
assert np.array_equal(layer(x), y)
for n, j in np.ndindex(2, 2):
    terms = sum(x[n, i] * W[i, j] for i in range(3))
    assert max(0, terms + b[j]) == y[n, j]


# %% draw-dense
def draw_matrix(ax, left, array, name, row=None, column=None):
    matrix = np.atleast_2d(array)
    rows, columns = matrix.shape
    top = rows / 2
    for (i, j), number in np.ndenumerate(matrix):
        marked = row in (i, None) and column in (j, None)
        marked = marked and (row, column) != (None, None)
        square = plt.Rectangle(
            (left + j, top - i - 1),
            1,
            1,
            facecolor=("C1", 0.35) if marked else "none",
            edgecolor="C0",
        )
        ax.add_patch(square)
        middle = {"ha": "center", "va": "center", "fontsize": 11}
        place = left + j + 0.5, top - i - 0.5
        ax.text(*place, f"{number:g}", **middle)
    centre = left + columns / 2
    title = f"{name}\n{array.shape}"
    ax.text(centre, top + 0.25, title, ha="center", va="bottom")


fig, axes = plt.subplots(2, figsize=(4.6, 4.6), layout="tight")
for ax in axes:
    ax.set(xlim=(-0.1, 9.3), ylim=(-1.6, 2.7), aspect="equal")
    ax.axis("off")
sign = {"ha": "center", "va": "center", "fontsize": 15}
draw_matrix(axes[0], 0, x, "x", row=0)
draw_matrix(axes[0], 4, W, "W", column=1)
draw_matrix(axes[0], 7.2, b, "b", column=1)
axes[0].text(3.5, 0, "@", **sign)
axes[0].text(6.6, 0, "+", **sign)
draw_matrix(axes[1], 1, z, "z = x @ W + b", row=0, column=1)
draw_matrix(axes[1], 6, y, "y = φ(z)", row=0, column=1)
axes[1].text(4.5, 0, "→\nφ", **sign)
plt.show()

# %% pictures
(x_train, y_train), (x_test, y_test) = (
    keras.datasets.fashion_mnist.load_data()
)
images = x_train[:6000].astype("float32") / 255
labels = y_train[:6000]
test_images = x_test[:2000].astype("float32") / 255
test_labels = y_test[:2000]
names = ["T-shirt", "trouser", "pullover", "dress", "coat"]
names += ["sandal", "shirt", "sneaker", "bag", "ankle boot"]
print(images.shape, images.dtype, images.min(), images.max())

# %% flatten
flatten = layers.Flatten()
flat = flatten(images).numpy()
print(images.shape, "->", flat.shape)
print("row 14, column 20:", images[0, 14, 20])
print("place", 28 * 14 + 20, "      :", flat[0, 28 * 14 + 20])
print(len(flatten.weights), "weight arrays")

# %% flatten-holds tags=["check"]
assert flat.shape == (6000, 784) and not flatten.weights
assert np.array_equal(flat, images.reshape(6000, 784))
for i, j in ((0, 0), (14, 10), (27, 27)):
    assert np.array_equal(flat[:, 28 * i + j], images[:, i, j])
colour = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
assert layers.Flatten()(colour).shape == (2, 60)
assert np.array_equal(layers.Flatten()(colour)[1], colour[1].ravel())

# %% draw-flatten
fig, axes = plt.subplots(
    2, figsize=(5.2, 4.6), height_ratios=(2, 1.2), layout="tight"
)
axes[0].imshow(images[0], cmap="gray")
frame = {"fill": False, "edgecolor": "C1", "linewidth": 2}
axes[0].add_patch(plt.Rectangle((-0.5, 13.5), 28, 1, **frame))
axes[0].set(xlabel="column j", ylabel="row i", title="(28, 28)")
places = np.arange(28 * 13, 28 * 16)
row_14 = places[28:56]
axes[1].plot(places, flat[0, places], ".-", linewidth=0.8)
axes[1].plot(row_14, flat[0, row_14], ".-", color="C1", linewidth=2)
axes[1].set(xlabel="place 28 i + j", ylabel="pixel value")
axes[1].set_title("rows 13, 14, 15 of (784,)")
axes[1].set_xticks(range(28 * 13, 28 * 16 + 1, 28))
plt.show()

# %% shuffle
rng = np.random.default_rng(0)
order = rng.permutation(784)  # the same new order for all pictures
original = layers.Dense(10)
original_scores = original(flat[:100]).numpy()

moved = layers.Dense(10)
moved.build((None, 784))
moved.kernel.assign(original.kernel.numpy()[order])
moved_scores = moved(flat[:100, order]).numpy()
shuffle_gap = np.abs(original_scores - moved_scores).max()
print(f"largest gap {shuffle_gap:.1e}")

# %% draw-shuffle
fig, axes = plt.subplots(1, 2, figsize=(4.6, 2.5), layout="tight")
shuffled = flat[0, order].reshape(28, 28)
titles = ["in order", "shuffled"]
for ax, picture, title in zip(axes, (images[0], shuffled), titles):
    ax.imshow(picture, cmap="gray")
    ax.set_title(title)
    ax.axis("off")
plt.show()

# %% shuffle-holds tags=["check"]
assert shuffle_gap < 1e-4 < np.abs(original_scores).max()
assert sorted(order) == list(range(784))
assert np.abs(original(flat[:100, order]) - original_scores).max() > 0.1

# %% templates
means = np.array([flat[labels == k].mean(axis=0) for k in range(10)])
matcher = layers.Dense(10, name="matcher")
matcher.build((None, 784))
matcher.kernel.assign(means.T)
matcher.bias.assign(-np.sum(means**2, axis=1) / 2)

scores = matcher(flatten(test_images)).numpy()
answers = scores.argmax(axis=1)
matcher_accuracy = np.mean(answers == test_labels)
print("kernel", matcher.kernel.shape, " bias", matcher.bias.shape)
print("scores", scores.shape)
print(f"accuracy {matcher_accuracy:.3f}")

# %% draw-templates
fig, axes = plt.subplots(2, 5, figsize=(5.5, 2.8), layout="tight")
columns = matcher.kernel.numpy().T
for ax, column, name in zip(axes.flat, columns, names):
    ax.imshow(column.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
    ax.set_title(name, fontsize=11)
    ax.axis("off")
plt.show()

# %% templates-without-bias
no_bias = (scores - matcher.bias.numpy()).argmax(axis=1)
no_bias_accuracy = np.mean(no_bias == test_labels)
favourite = int(np.bincount(no_bias).argmax())
favourite_share = np.mean(no_bias == favourite)
brightest = int(means.sum(axis=1).argmax())
print(f"accuracy without the bias {no_bias_accuracy:.3f}")
print(f"answered most: {favourite}, share {favourite_share:.3f}")
print(f"brightest template: {brightest}")

# %% templates-hold tags=["check"]
test_flat = test_images.reshape(-1, 784)
squares = ((test_flat[:500, None] - means) ** 2).sum(axis=2)
nearest = squares.argmin(axis=1)
assert np.mean(nearest == scores[:500].argmax(axis=1)) > 0.995
half = (test_flat[:500] ** 2).sum(axis=1, keepdims=True) / 2
assert np.allclose(half - squares / 2, scores[:500], atol=0.01)
assert 0.6 < matcher_accuracy < 0.75
assert no_bias_accuracy < 0.4
assert matcher.count_params() == 784 * 10 + 10
assert brightest == np.argmax((means**2).sum(axis=1))
assert favourite == brightest and names[brightest] == "coat"
assert favourite_share > 0.5 and means.min() >= 0

# %% dense-arguments
hidden = layers.Dense(
    units=64,
    activation="relu",
    name="hidden",
    kernel_initializer="he_normal",
    use_bias=True,
)
output = hidden(flat[:5])
print(hidden.name, tuple(output.shape))
print("activation ", hidden.activation.__name__)
print("initializer", type(hidden.kernel_initializer).__name__)

# %% names
keras.utils.clear_session()  # count from the beginning
print(layers.Dense(3).name, layers.Dense(3).name)
print(layers.Dense(3, name="scores").name)

# %% initializers
layer = layers.Dense(64)
layer.build((None, 784))
largest = np.abs(layer.kernel.numpy()).max()
glorot_limit = np.sqrt(6 / (784 + 64))
print(f"largest {largest:.4f}, limit {glorot_limit:.4f}")

# %% arguments-hold tags=["check"]
assert hidden.name == "hidden" and output.shape == (5, 64)
assert hidden.activation is keras.activations.relu
assert largest <= glorot_limit < 1.01 * largest
assert np.all(output.numpy() >= 0) and hidden.use_bias
keras.utils.clear_session()
assert [layers.Dense(3).name, layers.Dense(3).name] == [
    "dense",
    "dense_1",
]
assert not layers.Dense(3, use_bias=False).use_bias
assert layers.Dense(3).activation is keras.activations.linear
by_string = layers.Dense(3, activation="relu").activation
by_function = layers.Dense(3, activation=keras.activations.relu)
assert by_string is by_function.activation
glorot = keras.initializers.GlorotUniform(seed=1)((784, 64)).numpy()
assert abs(glorot.std() / np.sqrt(2 / 848) - 1) < 0.02
assert isinstance(
    keras.initializers.get("he_normal"), keras.initializers.HeNormal
)
try:
    keras.Sequential(
        [layers.Dense(3, name="same"), layers.Dense(3, name="same")]
    )
    raise AssertionError("names in a model are unique")
except ValueError:
    pass
he = keras.initializers.HeNormal(seed=1)((784, 64)).numpy()
assert abs(he.std() / np.sqrt(2 / 784) - 1) < 0.02

# %% counting
stack = [
    layers.Flatten(name="flatten"),
    layers.Dense(128, activation="relu", name="hidden"),
    layers.Dense(10, name="scores"),
]
output = images[:32]
print("layer     output     parameters")
for layer in stack:
    output = layer(output)
    shape = str(tuple(output.shape))
    print(f"{layer.name:9} {shape:10} {layer.count_params():10,}")
total = sum(layer.count_params() for layer in stack)
print(f"total {total:25,}")

# %% counting-holds tags=["check"]
hidden_count, scores_count = [p.count_params() for p in stack[1:]]
assert hidden_count == (784 + 1) * 128
assert scores_count == (128 + 1) * 10
assert total == hidden_count + scores_count == 101_770
for inputs_n, units in ((1, 1), (3, 2), (784, 10)):
    for bias in (True, False):
        counted = layers.Dense(units, use_bias=bias)
        counted.build((None, inputs_n))
        expected = (inputs_n + bias) * units
        assert counted.count_params() == expected
wide = layers.Dense(4)
wide.build((None, 28, 28))
assert wide.count_params() == 29 * 4

# %% input
inputs = keras.Input(shape=(28, 28), dtype="float32", name="picture")
print(inputs.shape, inputs.dtype)

flat_inputs = layers.Flatten()(inputs)
outputs = layers.Dense(10)(flat_inputs)
print(flat_inputs.shape, "->", outputs.shape)

# %% input-first
with_input = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Flatten(),
        layers.Dense(10),
    ]
)
without_input = keras.Sequential([layers.Flatten(), layers.Dense(10)])
print("weight arrays:", end=" ")
print(len(with_input.weights), "and", len(without_input.weights))
print(tuple(with_input(images[:5]).shape))

# %% input-holds tags=["check"]
assert inputs.shape == (None, 28, 28) and inputs.dtype == "float32"
assert inputs.name == "picture"
assert outputs.shape == (None, 10)
assert len(with_input.weights) == 2 and not without_input.weights
for count in (1, 7):
    assert with_input(images[:count]).shape == (count, 10)
assert keras.Input((28, 28)).dtype == "float32"
assert keras.Input((28, 28), batch_size=4).shape == (4, 28, 28)
assert keras.Input((None, 3)).shape == (None, None, 3)
assert not isinstance(inputs, layers.Layer)
first_layer = keras.Model(inputs, outputs).layers[0]
assert isinstance(first_layer, layers.InputLayer)
assert not first_layer.weights
try:
    keras.Input((3,), "uint8")
    raise AssertionError("the second place is batch_size")
except ValueError:
    pass
try:
    keras.ops.convert_to_numpy(inputs)
    raise AssertionError("a KerasTensor has no values")
except ValueError:
    pass

# %% collapse
options = {"bias_initializer": "random_normal"}
first = layers.Dense(64, **options)
second = layers.Dense(32, **options)
third = layers.Dense(10, **options)
stacked = third(second(first(flat[:100]))).numpy()

W1, b1 = first.kernel.numpy(), first.bias.numpy()
W2, b2 = second.kernel.numpy(), second.bias.numpy()
W3, b3 = third.kernel.numpy(), third.bias.numpy()
single = layers.Dense(10)
single.build((None, 784))
single.kernel.assign(W1 @ W2 @ W3)
single.bias.assign((b1 @ W2 + b2) @ W3 + b3)

collapse_gap = np.abs(single(flat[:100]) - stacked).max()
parts = (first, second, third)
stacked_count = sum(layer.count_params() for layer in parts)
single_count = single.count_params()
print(f"largest gap {collapse_gap:.1e}")
print(f"{stacked_count:,} or {single_count:,} parameters")

# %% collapse-broken
bent = third(keras.ops.relu(second(keras.ops.relu(first(flat[:100])))))
bent_gap = np.abs(single(flat[:100]) - bent).max()
print(f"largest gap with relu {bent_gap:.2f}")

# %% collapse-holds tags=["check"]
assert collapse_gap < 1e-4 and bent_gap > 0.1
assert stacked_count == 785 * 64 + 65 * 32 + 33 * 10
assert single_count == 7850

# %% xor-by-hand
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")
hidden = layers.Dense(2, activation="relu")
hidden.build((None, 2))
hidden.kernel.assign([[1.0, 1.0], [1.0, 1.0]])
hidden.bias.assign([0.0, -1.0])
final = layers.Dense(1)
final.build((None, 2))
final.kernel.assign([[1.0], [-2.0]])

h = hidden(X)
xor_outputs = final(h).numpy()
for inputs_row, h_row, output_row in zip(X, h.numpy(), xor_outputs):
    print(inputs_row, "->", h_row, "->", output_row)

# %% draw-xor
sums = np.linspace(-0.5, 2.5, 301)
along = np.column_stack([sums / 2, sums / 2]).astype("float32")
h1, h2 = hidden(along).numpy().T

fig, ax = plt.subplots(figsize=(5, 3.6), layout="tight")
ax.axhline(0, color="gray", linewidth=0.6)
ax.plot(sums, h1, "--", color="C2", label="$h_1$ = relu(sum)")
ax.plot(sums, -2 * h2, ":", color="C3", label="$-2h_2$", linewidth=2)
ax.plot(sums, h1 - 2 * h2, color="C0", label="output", linewidth=2)
ax.plot([0, 1, 2], [0, 1, 0], "o", color="C1", label="XOR", ms=9)
ax.set(xlabel="sum $x_1 + x_2$", ylabel="value", ylim=(-1.6, 2.6))
ax.legend(loc="upper left", ncols=2)
plt.show()

# %% xor-holds tags=["check"]
assert np.array_equal(xor_outputs[:, 0], [0, 1, 1, 0])
affine = layers.Dense(1, bias_initializer="random_normal")(X).numpy()
assert abs(affine[0] + affine[3] - affine[1] - affine[2]) < 1e-5
assert np.array_equal(h[1], h[2])

# %% activation-layer
inside = layers.Dense(10, activation="relu")
inside.build((None, 784))
plain, after = layers.Dense(10), layers.Activation("relu")
plain.build((None, 784))
plain.kernel.assign(inside.kernel)
one_way = inside(flat[:100])
other_way = after(plain(flat[:100]))
print("equal:", np.array_equal(one_way, other_way))
print("parameters of Activation:", after.count_params())

# %% activation-layer-holds tags=["check"]
assert np.array_equal(one_way, other_way)
assert 0.1 < np.mean(one_way.numpy() == 0) < 0.9
assert after.count_params() == 0 and not after.weights

# %% value-and-slope
import tensorflow as tf


def value_and_slope(function, z):
    z = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = function(z)
    return value.numpy(), tape.gradient(value, z).numpy()


points = np.linspace(-5, 5, 1000)  # 0 is not among them
for name in ("sigmoid", "tanh"):
    function = keras.activations.get(name)
    value, slope = value_and_slope(function, 0.0)
    print(f"{name:7}  value {value}  slope {slope}")


# %% draw-activations
def softmax_first(z):  # first share of softmax(z, 0, 0)
    row = keras.ops.stack([z, 0 * z, 0 * z], axis=-1)
    return keras.activations.softmax(row)[..., 0]


curves = {
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "relu": keras.activations.relu,
    "leaky relu": keras.activations.leaky_relu,
    "gelu": keras.activations.gelu,
    "softmax of (z, 0, 0)": softmax_first,
}
fig, axes = plt.subplots(3, 2, figsize=(5.5, 6.6), layout="tight")
for ax, (title, function) in zip(axes.flat, curves.items()):
    value, slope = value_and_slope(function, points)
    ax.axhline(0, color="gray", linewidth=0.6)
    ax.plot(points, value, linewidth=2, label="φ(z)")
    ax.plot(points, slope, "--", linewidth=1.5, label="φ′(z)")
    ax.set(title=title, xlabel="z", ylim=(-1.2, 2.2))
axes[0, 0].legend(loc="upper left")
plt.show()

# %% softmax
z_row = np.array([[2.0, 1.0, 0.1]])
exponentials = np.exp(z_row)
p = exponentials / exponentials.sum(axis=1, keepdims=True)
print("by hand", *p.round(4))
print("Keras  ", *layers.Softmax()(z_row).numpy().round(4))
print("z + 100", *layers.Softmax()(z_row + 100).numpy().round(4))
print("10 z   ", *layers.Softmax()(10 * z_row).numpy().round(4))

# %% softmax-of-scores
probabilities = layers.Softmax()(scores).numpy()
first = probabilities[0]
for k in first.argsort()[::-1][:3]:
    print(f"{names[k]:10} {first[k]:.3f}")
print(f"sum        {first.sum():.3f}, truly {names[test_labels[0]]}")

sure = probabilities.max(axis=1)
mean_sure = sure.mean()
print(f"mean of the largest {mean_sure:.3f}")
print(f"right               {matcher_accuracy:.3f}")

# %% softmax-holds tags=["check"]
assert np.allclose(layers.Softmax()(z_row), p, atol=1e-6)
assert np.allclose(layers.Softmax()(z_row + 100), p, atol=1e-5)
assert layers.Softmax()(10 * z_row).numpy()[0, 0] > 0.9999
assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
assert mean_sure > 0.9 > 0.75 > matcher_accuracy
first_sure = sure[0]
assert names[first.argmax()] == "sandal" and first_sure > 0.9
huge = np.array([[1000.0, 0.0, 0.0]])
with np.errstate(all="ignore"):
    naive = np.exp(huge) / np.exp(huge).sum()
assert np.isnan(naive[0, 0])
assert np.array_equal(layers.Softmax()(huge), [[1, 0, 0]])
assert names[test_labels[0]] == "ankle boot"
assert np.array_equal(
    probabilities.argmax(axis=1)[sure < 0.999],
    scores.argmax(axis=1)[sure < 0.999],
)

# %% derivatives
from scipy.special import erf


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def normal_cdf(z):
    return (1 + erf(z / np.sqrt(2))) / 2


def normal_density(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


# name -> φ and φ′
FORMULAS = {
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (
        lambda z: np.maximum(z, 0),
        lambda z: np.where(z > 0, 1, 0),
    ),
    "leaky_relu": (
        lambda z: np.where(z > 0, z, 0.2 * z),
        lambda z: np.where(z > 0, 1, 0.2),
    ),
    "gelu": (
        lambda z: z * normal_cdf(z),
        lambda z: normal_cdf(z) + z * normal_density(z),
    ),
}

# %% derivatives-agree
step = 1e-5
print("            largest gap of our φ′ to")
print("            autodiff   differences")
for name, (function, slope) in FORMULAS.items():
    _, by_tape = value_and_slope(keras.activations.get(name), points)
    up, down = function(points + step), function(points - step)
    differences = (up - down) / (2 * step)
    tape_gap = np.abs(slope(points) - by_tape).max()
    step_gap = np.abs(slope(points) - differences).max()
    print(f"{name:11} {tape_gap:.1e} {step_gap:13.1e}")

# %% at-the-kink
print("at 0        TensorFlow   central difference")
for name in ("relu", "leaky_relu"):
    _, at_zero = value_and_slope(keras.activations.get(name), 0.0)
    function, _ = FORMULAS[name]
    central = (function(step) - function(-step)) / (2 * step)
    print(f"{name:11} {at_zero:10.1f} {central:20.1f}")

# %% softmax-table
share = p[0]  # of the scores 2, 1, 0.1
by_formula = np.diag(share) - np.outer(share, share)
print(by_formula.round(3))

# %% softmax-jacobian
row = tf.constant([2.0, 1.0, 0.1], dtype=tf.float64)
with tf.GradientTape() as tape:
    tape.watch(row)
    shares = keras.activations.softmax(row)
by_tape = tape.jacobian(shares, row).numpy()

columns = []
for nudge in step * np.eye(3):  # move one score at a time
    up = keras.activations.softmax(row + nudge)
    down = keras.activations.softmax(row - nudge)
    columns.append((up - down).numpy() / (2 * step))
differences = np.column_stack(columns)

jacobian_gap = np.abs(by_formula - by_tape).max()
jacobian_step_gap = np.abs(by_formula - differences).max()
print(f"gap to autodiff    {jacobian_gap:.1e}")
print(f"gap to differences {jacobian_step_gap:.1e}")

# %% derivatives-hold tags=["check"]
largest_gaps = []
rounded_slope = float(np.float32(0.2))  # as TensorFlow keeps them
rounded_root = np.sqrt(2) * float(np.float32(1 / np.sqrt(2)))
slopes_as_rounded = {
    "leaky_relu": lambda z: np.where(z > 0, 1, rounded_slope),
    "gelu": lambda z: (
        normal_cdf(rounded_root * z)
        + rounded_root * z * normal_density(rounded_root * z)
    ),
}
for name, (function, slope) in FORMULAS.items():
    by_keras, by_tape = value_and_slope(
        keras.activations.get(name), points
    )
    assert np.allclose(function(points), by_keras)
    up, down = function(points + step), function(points - step)
    differences = (up - down) / (2 * step)
    largest_gaps.append(np.abs(slope(points) - by_tape).max())
    largest_gaps.append(np.abs(slope(points) - differences).max())
    exact = slopes_as_rounded.get(name, slope)
    assert np.abs(exact(points) - by_tape).max() < 1e-12
    alone = [
        value_and_slope(keras.activations.get(name), z)[1]
        for z in points[::200]
    ]
    assert np.allclose(alone, by_tape[::200], atol=1e-6)
worst_gap = max(largest_gaps)
assert worst_gap < 1e-6 and not np.any(points == 0)
assert np.sum(by_formula > 0) == 3
assert jacobian_gap < 1e-12 and jacobian_step_gap < 1e-8
assert np.allclose(by_formula.sum(axis=0), 0, atol=1e-12)
assert np.allclose(by_formula.sum(axis=1), 0, atol=1e-12)
zeros = [
    value_and_slope(keras.activations.get(n), 0.0) for n in FORMULAS
]
assert [round(float(slope), 6) for _, slope in zeros] == [
    0.25,
    1,
    0,
    0.2,
    0.5,
]
fine = np.linspace(-8, 8, 200_001)
assert FORMULAS["sigmoid"][1](fine).max() <= 0.25
assert FORMULAS["tanh"][1](fine).max() <= 1
gelu, gelu_slope = FORMULAS["gelu"]
lowest = fine[gelu(fine).argmin()]
assert -0.76 < lowest < -0.74 and -0.171 < gelu(lowest) < -0.169
assert 1.12 < gelu_slope(fine).max() < 1.13
assert -0.13 < gelu_slope(fine).min() < -0.12
gelu_low, gelu_steepest = gelu(lowest), gelu_slope(fine).max()
assert np.allclose(np.tanh(fine), 2 * sigmoid(2 * fine) - 1)
small_gelu = gelu(np.array([-6.0, 6.0]))
assert abs(small_gelu[0]) < 1e-6 and abs(small_gelu[1] - 6) < 1e-6

# %% saturation
keras.utils.set_random_seed(0)
hidden = layers.Dense(64)
raw_z = hidden(255 * flat[:1000]).numpy()
scaled_z = hidden(flat[:1000]).numpy()


def flat_share(z):  # where the slope is below 0.01
    a = keras.ops.sigmoid(z).numpy()
    return np.mean(a * (1 - a) < 0.01)


edge = np.arccosh(49)  # the slope is 0.01 at edge and at -edge
raw_flat, scaled_flat = flat_share(raw_z), flat_share(scaled_z)
raw_std, scaled_std = raw_z.std(), scaled_z.std()
squares = np.sum(flat[:1000] ** 2, axis=1)  # ‖x‖² of each picture
predicted_std = np.sqrt(2 / (784 + 64) * squares.mean())
print("pixels    std of z   slope < 0.01")
print(f"0..255 {raw_std:11.2f} {raw_flat:14.3f}")
print(f"0..1   {scaled_std:11.2f} {scaled_flat:14.3f}")
print(f"predicted for 0..1: {predicted_std:.2f}")

# %% draw-saturation
wide = np.linspace(-10, 10, 500)
fig, axes = plt.subplots(2, figsize=(5.2, 5.4), layout="tight")
for side in ((-10, -edge), (edge, 10)):
    axes[0].axvspan(*side, color="C1", alpha=0.15, linewidth=0)
axes[0].plot(wide, sigmoid(wide), linewidth=2, label="σ(z)")
slopes = FORMULAS["sigmoid"][1](wide)
axes[0].plot(wide, slopes, "--", linewidth=1.5, label="σ′(z)")
axes[0].text(7.3, 0.45, "slope < 0.01", ha="center", color="C1")
axes[0].set(xlabel="z", title="flat at both ends", ylim=(-0.05, 1.05))
axes[0].legend(loc="upper left", bbox_to_anchor=(0, 0.95))

bins = np.linspace(0, 1, 41)
kinds = {"pixels 0–1": (scaled_z, "C0")}
kinds["pixels 0–255"] = raw_z, "C1"
for label, (values, color) in kinds.items():
    outputs = keras.ops.sigmoid(values).numpy().ravel()
    weights = np.full(outputs.size, 1 / outputs.size)
    style = {"bins": bins, "weights": weights, "alpha": 0.5}
    axes[1].hist(outputs, color=color, label=label, **style)
axes[1].set(xlabel="output a = σ(z)", ylabel="share of outputs")
axes[1].legend(loc="upper center")
plt.show()

# %% saturation-exact
for value in (-20.0, 20.0):
    a, slope = value_and_slope(keras.activations.sigmoid, value)
    print(f"z {value:+.0f}   a {a:.9f}   slope {slope:.1e}")

# %% saturation-holds tags=["check"]
assert np.isclose(FORMULAS["sigmoid"][1](edge), 0.01)
assert raw_flat > 0.9 and scaled_flat < 0.01
assert 4.5 < edge < 4.65
assert abs(raw_std / scaled_std / 255 - 1) < 1e-3
assert abs(predicted_std / scaled_std - 1) < 0.15
assert abs(np.log(98) - edge) < 2e-4
assert a == 1 and slope == 0
_, negative = value_and_slope(keras.activations.sigmoid, -20.0)
assert 1e-9 < negative < 3e-9
assert np.isclose(np.exp(-20), FORMULAS["sigmoid"][1](20), rtol=1e-6)
output_unit = layers.Dense(
    1, activation="sigmoid", kernel_initializer="ones"
)
output_unit.build((None, 1))
with tf.GradientTape() as tape:
    loss = keras.losses.BinaryCrossentropy()(
        tf.constant([[0.0]]), output_unit(tf.constant([[20.0]]))
    )
output_slope = float(tape.gradient(loss, output_unit.bias)[0])
assert abs(output_slope - 1) < 1e-5

# %% show-error
import textwrap


def show_error(error):
    message = f"{type(error).__name__}: {error}"
    print(textwrap.fill(message, width=46))


try:
    layers.Dense(10).kernel
except AttributeError as error:
    show_error(error)
try:
    keras.Input(shape=(784))
except ValueError as error:
    show_error(error)

# %% pitfall-flatten
ten = layers.Dense(10, name="ten")
print("without Flatten", tuple(ten(images[:5]).shape))
try:
    ten(flatten(images[:5]))
except ValueError as error:
    show_error(error)

# %% pitfall-one-picture
one = images[0]
ten = layers.Dense(10)
print("one      ", tuple(ten(layers.Flatten()(one)).shape))
ten = layers.Dense(10)
print("one[None]", tuple(ten(layers.Flatten()(one[None])).shape))

# %% pitfall-input-dtype
pixels = np.array([[0.2, 0.5, 0.9]], dtype="float32")
for dtype in ("float32", "uint8"):
    adder = keras.Sequential([keras.Input(shape=(3,), dtype=dtype)])
    adder.add(layers.Dense(1, kernel_initializer="ones"))
    print(f"{dtype:8}", adder(pixels).numpy())

# %% pitfall-leaky
negative = np.array([-1.0])
print(layers.LeakyReLU()(negative).numpy())
print(layers.Activation("leaky_relu")(negative).numpy())
print(layers.LeakyReLU(negative_slope=0.01)(negative).numpy())

# %% pitfall-shared
shared = keras.initializers.HeNormal()
for initializer in (shared, "he_normal"):
    twins = [
        layers.Dense(16, kernel_initializer=initializer)
        for _ in range(2)
    ]
    for twin in twins:
        twin.build((None, 16))
    print(np.array_equal(twins[0].kernel, twins[1].kernel))

# %% pitfall-softmax
import warnings

one_unit = layers.Dense(1, activation="softmax")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(one_unit(flat[:4]).numpy()[:, 0])
print(textwrap.fill(str(caught[0].message), width=46))

# %% pitfalls-hold tags=["check"]
assert layers.Dense(10)(images[:5]).shape == (5, 28, 10)
assert layers.Dense(10)(layers.Flatten()(one)).shape == (28, 10)
assert layers.Dense(10)(flatten(one[None])).shape == (1, 10)
assert np.array_equal(layers.Flatten()(one), one)
assert adder(pixels).numpy() == 0
assert np.isclose(layers.LeakyReLU()(negative)[0], -0.3)
assert np.isclose(layers.Activation("leaky_relu")(negative)[0], -0.2)
paper = layers.LeakyReLU(negative_slope=0.01)(negative)
assert np.isclose(paper[0], -0.01)
assert not np.array_equal(twins[0].kernel, twins[1].kernel)
again = [shared((16, 16)).numpy() for _ in range(2)]
assert np.array_equal(*again)
seeded = keras.initializers.HeNormal(seed=keras.random.SeedGenerator(0))
assert not np.array_equal(seeded((16, 16)), seeded((16, 16)))
assert len(caught) == 1

# %% exercise-1 tags=["solution"]
output = images[:32]
for layer in (
    layers.Dense(16, activation="relu"),
    layers.Flatten(),
    layers.Dense(10, use_bias=False),
):
    output = layer(output)
    print(tuple(output.shape), layer.count_params())

# %% exercise-1-holds tags=["check"]
assert output.shape == (32, 10)
assert layer.count_params() == 28 * 16 * 10 == 4480
assert (28 + 1) * 16 == 464

# %% exercise-2 tags=["solution"]
z = np.linspace(-4, 4, 9, dtype="float32")
twice = 2 * keras.ops.sigmoid(2 * z) - 1
tanh_gap = np.abs(twice - np.tanh(z)).max()
pairs = np.column_stack([z, np.zeros_like(z)])
first_share = layers.Softmax()(pairs).numpy()[:, 0]
pair_gap = np.abs(first_share - keras.ops.sigmoid(z)).max()
print(f"{tanh_gap:.0e} {pair_gap:.0e}")

# %% exercise-2-holds tags=["check"]
assert tanh_gap < 1e-5 and pair_gap < 1e-5

# %% exercise-3 tags=["solution"]
typical_size = np.median(np.linalg.norm(flat[:500], axis=1))
half_spread = edge / (0.6745 * typical_size)


def share_at(spread):
    random = keras.initializers.RandomNormal(stddev=spread, seed=1)
    layer = layers.Dense(1024, kernel_initializer=random)
    return flat_share(layer(flat[:500]))


spreads = np.geomspace(0.01, 10, 25)
flat_shares = [share_at(spread) for spread in spreads]
predicted_share = share_at(half_spread)
crossing = np.interp(0.5, flat_shares, np.log(spreads))
measured_spread = np.exp(crossing)
print(f"predicted half at {half_spread:.2f}")
print(f"share there       {predicted_share:.2f}")
print(f"measured half at  {measured_spread:.2f}")

fig, ax = plt.subplots(figsize=(5, 3), layout="tight")
ax.semilogx(spreads, flat_shares, "o-", markersize=4)
ax.axhline(0.5, color="gray", linewidth=0.6)
ax.axvline(half_spread, color="C1", linestyle="--")
ax.text(1.1 * half_spread, 0.1, "predicted", color="C1")
ax.set(xlabel="standard deviation of the kernel")
ax.set(ylabel="share with slope < 0.01")
plt.show()

# %% exercise-3-holds tags=["check"]
assert np.all(np.diff(flat_shares) >= 0)
assert 0.4 < predicted_share < 0.5
assert half_spread < measured_spread < 1.2 * half_spread
assert flat_shares[0] == 0 and flat_shares[-1] > 0.9


def tail(threshold):  # share of standard normal |numbers| beyond it
    return 2 * (1 - normal_cdf(threshold))


# with one size the share is one half; with the sizes as they are, less
sizes = np.linalg.norm(flat[:500], axis=1)
assert abs(tail(edge / (half_spread * typical_size)) - 0.5) < 1e-4
mixed = tail(edge / (half_spread * sizes)).mean()
assert mixed < 0.49 and abs(mixed - predicted_share) < 0.03
# and with one size, too, the curve takes a long way up
low, high = tail(edge / (np.array([0.3, 2.0]) * typical_size))
assert 0.15 < low < 0.25 and 0.8 < high < 0.9

# %% exercise-4 tags=["solution"]
batch = tf.constant(flat[:100])
low = keras.initializers.Constant(-20.0)
print("            largest z     gradient norms")
print("                         kernel     bias")
for activation in ("relu", "leaky_relu"):
    tired = layers.Dense(8, activation, bias_initializer=low)
    with tf.GradientTape() as tape:
        total_output = tf.reduce_sum(tired(batch))
    slopes = tape.gradient(total_output, tired.trainable_weights)
    norms = [float(tf.norm(slope)) for slope in slopes]
    z = flat[:100] @ tired.kernel.numpy() + tired.bias.numpy()
    print(f"{activation:11} {z.max():9.1f}", end=" ")
    print(f"{norms[0]:9.1f} {norms[1]:8.1f}")

# %% exercise-4-holds tags=["check"]
assert min(norms) > 1 and z.max() < -10
tired = layers.Dense(8, "relu", bias_initializer=low)
with tf.GradientTape() as tape:
    dead_output = tired(batch)
    total_output = tf.reduce_sum(dead_output)
slopes = tape.gradient(total_output, tired.trainable_weights)
assert all(float(tf.norm(slope)) == 0 for slope in slopes)
assert np.all(dead_output == 0)

# %% exercise-5 tags=["solution"]
knots = np.linspace(0, 2 * np.pi, 9)
heights = np.sin(knots)
rises = np.diff(heights) / np.diff(knots)  # slope of each piece
bends = np.diff(rises, prepend=0)  # change of slope at each knot

hinges = layers.Dense(8, activation="relu")
hinges.build((None, 1))
hinges.kernel.assign(np.ones((1, 8)))
hinges.bias.assign(-knots[:-1])
mix = layers.Dense(1)
mix.build((None, 8))
mix.kernel.assign(bends[:, np.newaxis])
mix.bias.assign(heights[:1])

line = np.linspace(0, 2 * np.pi, 400)[:, np.newaxis]
broken = mix(hinges(line)).numpy()
broken_gap = np.abs(broken - np.sin(line)).max()
bound = (knots[1] - knots[0]) ** 2 / 8
print(f"largest gap to the sine {broken_gap:.4f}")
print(f"bound h² / 8            {bound:.4f}")

fig, ax = plt.subplots(figsize=(5, 3), layout="tight")
ax.plot(line, np.sin(line), "--", color="C1", label="sine")
ax.plot(line, broken, color="C0", label="8 units of relu")
ax.plot(knots, heights, "o", color="C0")
ax.set(xlabel="x", ylabel="output")
ax.legend()
plt.show()

# %% exercise-5-holds tags=["check"]
at_knots = mix(hinges(knots[:, np.newaxis])).numpy()[:, 0]
assert np.allclose(at_knots, np.sin(knots), atol=1e-5)
assert np.isclose(bound, (np.pi / 4) ** 2 / 8)
assert 0.03 < broken_gap < bound + 1e-5 < 0.08
more = np.linspace(0, 2 * np.pi, 17)
finer = np.interp(line, more, np.sin(more))
assert np.abs(finer - np.sin(line)).max() < bound / 4 + 1e-5


# %% exercise-6 tags=["solution"]
class MyDense(keras.layers.Layer):
    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(
            shape=shape, initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(
            shape=(self.units,), initializer="zeros", name="bias"
        )

    def call(self, x):
        z = keras.ops.matmul(x, self.kernel) + self.bias
        return self.activation(z)


ours, theirs = MyDense(64, "gelu"), layers.Dense(64, "gelu")
ours.build((None, 784))
theirs.build((None, 784))
theirs.kernel.assign(ours.kernel)
class_gap = np.abs(ours(flat[:100]) - theirs(flat[:100])).max()
print(f"largest gap {class_gap:.0e}")
print(ours.count_params(), theirs.count_params())

# %% exercise-6-holds tags=["check"]
assert class_gap < 1e-5
assert ours.count_params() == theirs.count_params() == 785 * 64
