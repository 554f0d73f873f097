# %% data
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer, load_digits

x, y = load_digits(return_X_y=True)
x = (x / 16).astype("float32")  # pixels are 0 to 16
x_train, y_train = x[:1_200], y[:1_200]
x_val, y_val = x[1_200:], y[1_200:]
print("training  ", x_train.shape, y_train.shape)
print("validation", x_val.shape, y_val.shape)


# %% uncompiled
def build_model():
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


keras.utils.set_random_seed(0)
model = build_model()
start_weights = model.get_weights()
print("predict:", model.predict(x_val[:2], verbose=0).shape)
try:
    model.fit(x_train, y_train, verbose=0)
except ValueError as error:
    print("ValueError:", error)

# %% compile
model.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
print("optimizer", model.optimizer.name)
print(f"rate      {float(model.optimizer.learning_rate):.3f}")
same = map(np.array_equal, start_weights, model.get_weights())
print("weights unchanged:", all(same))

# %% compile-holds tags=["check"]
assert all(map(np.array_equal, start_weights, model.get_weights()))
assert abs(float(model.optimizer.learning_rate) - 0.001) < 1e-9
bare = build_model()
bare.compile(loss="sparse_categorical_crossentropy")
assert isinstance(bare.optimizer, keras.optimizers.RMSprop)
bare = build_model()
bare.compile(optimizer="adam")
try:
    bare.fit(x_train[:32], y_train[:32], verbose=0)
except ValueError as error:
    assert "No loss to compute" in str(error)
else:
    raise AssertionError("fit needs a loss")

# %% draw-compile
fig, ax = plt.subplots(figsize=(4.4, 3.4), layout="tight")
ax.set(xlim=(0, 8.8), ylim=(-0.2, 6.4))
ax.axis("off")


def box(x, y, text, color="gray"):
    frame = {"boxstyle": "round,pad=0.4", "fc": "none", "ec": color}
    frame["linewidth"] = 1.5
    ax.text(x, y, text, bbox=frame, ha="center", va="center")


def arrow(start, end, color="gray"):
    style = {"arrowstyle": "->", "color": color, "lw": 1.8}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)


box(0.8, 3, "inputs")
box(3.1, 3, "model\nweights")
box(5.6, 3, "prediction")
box(8.1, 3, "labels")
box(6.9, 4.6, "loss", "C1")
box(6.9, 5.9, "gradient", "C1")
box(3.1, 5.9, "optimizer", "C1")
box(6.9, 1.4, "metrics", "C0")
box(6.9, 0.2, "report", "C0")
arrow((1.5, 3), (2.1, 3))
arrow((4.1, 3), (4.5, 3))
arrow((5.8, 3.5), (6.5, 4.2), "C1")
arrow((8.0, 3.5), (7.3, 4.2))
arrow((6.9, 5.0), (6.9, 5.5), "C1")
arrow((5.9, 5.9), (4.3, 5.9), "C1")
arrow((3.1, 5.5), (3.1, 3.8), "C1")
arrow((5.8, 2.5), (6.5, 1.8), "C0")
arrow((8.0, 2.5), (7.3, 1.8))
arrow((6.9, 1.0), (6.9, 0.6), "C0")
plt.show()


# %% three-ways
def train_and_print(model, targets):
    model.set_weights(start_weights)
    history = model.fit(
        x_train, targets, epochs=10, shuffle=False, verbose=0
    )
    last = {k: v[-1] for k, v in history.history.items()}
    for name, value in last.items():
        print(f"{name:33} {value:.4f}")
    return last


# %% way-strings
by_strings = build_model()
by_strings.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
first_way = train_and_print(by_strings, y_train)

# %% way-objects
by_objects = build_model()
by_objects.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[
        keras.metrics.SparseCategoricalAccuracy(),
        keras.metrics.SparseTopKCategoricalAccuracy(k=3),
    ],
)
second_way = train_and_print(by_objects, y_train)

# %% way-squares
one_hot = keras.utils.to_categorical(y_train, 10)
by_squares = build_model()
by_squares.compile(
    optimizer="adam",
    loss="mse",
    metrics=["accuracy", "categorical_crossentropy"],
)
third_way = train_and_print(by_squares, one_hot)

# %% three-ways-hold tags=["check"]
string_accuracy, string_loss = first_way["accuracy"], first_way["loss"]
square_loss = third_way["loss"]
square_entropy = third_way["categorical_crossentropy"]
assert set(second_way) == {
    "loss",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
}
# a loss of another kind is another scale
assert square_loss < 0.1 * string_loss
assert square_entropy > 10 * square_loss
# ... and by the same metrics the two are close
assert string_loss - 0.1 < square_entropy < string_loss
square_accuracy = third_way["accuracy"]
assert abs(square_accuracy - string_accuracy) < 0.03
assert second_way["loss"] < string_loss - 0.1
assert len({id(m) for m in (by_strings, by_objects, by_squares)}) == 3

# %% defaults
by_string = keras.optimizers.get("sgd")
by_object = keras.optimizers.SGD()
print(type(by_string).__name__, end=", ")
print(f"learning rate {float(by_string.learning_rate):.3f}")
configs = [
    {**optimizer.get_config(), "name": ""}
    for optimizer in (by_string, by_object)
]
print("the same settings:", configs[0] == configs[1])

# %% defaults-hold tags=["check"]
assert configs[0] == configs[1] and len(configs[0]) > 5
assert isinstance(by_string, keras.optimizers.SGD)
assert abs(float(by_string.learning_rate) - 0.01) < 1e-7
# "accuracy" guesses by the shapes: wrong for several yes/no outputs
rng = np.random.default_rng(0)
several = keras.Sequential(
    [keras.Input((8,)), layers.Dense(3, activation="sigmoid")]
)
several.compile(
    loss="binary_crossentropy",
    metrics=["accuracy", "categorical_accuracy", "binary_accuracy"],
)
guess = several.evaluate(
    rng.normal(size=(200, 8)),
    rng.integers(0, 2, (200, 3)),
    verbose=0,
    return_dict=True,
)
assert guess["accuracy"] == guess["categorical_accuracy"]
assert guess["accuracy"] != guess["binary_accuracy"]


# %% learning-rates
def losses_with(optimizer):
    model = build_model()
    model.set_weights(start_weights)
    model.compile(optimizer, loss="sparse_categorical_crossentropy")
    history = model.fit(
        x_train, y_train, epochs=10, shuffle=False, verbose=0
    )
    return history.history["loss"]


rates = 0.01, 0.1, 1.0
rate_losses = {
    rate: losses_with(keras.optimizers.SGD(learning_rate=rate))
    for rate in rates
}
fig, ax = plt.subplots(figsize=(5.2, 3.3), layout="tight")
for (rate, losses), style in zip(
    rate_losses.items(), ("o-", "s--", "^:")
):
    label = f"learning rate {rate}"
    ax.plot(range(1, 11), losses, style, ms=4, label=label)
ax.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
ax.set_ylim(bottom=0)
ax.legend()
plt.show()

# %% learning-rates-hold tags=["check"]
slow, good, fast = (rate_losses[rate][-1] for rate in rates)
assert good < slow - 0.5 and fast < good - 0.05


# %% metrics-do-not-train
def nonsense(y_true, y_pred):
    return 1e6 * keras.ops.max(y_pred, axis=-1)


def trained_with(metrics):
    model = build_model()
    model.set_weights(start_weights)
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=metrics,
    )
    history = model.fit(
        x_train, y_train, epochs=3, shuffle=False, verbose=0
    )
    for name, values in history.history.items():
        print(f"  {name:31} {values[-1]:.6g}")
    return model.get_weights()


print("no metrics")
without = trained_with([])
print("four metrics")
many = ["accuracy", "sparse_categorical_crossentropy"]
many += [keras.metrics.SparseTopKCategoricalAccuracy(k=3), nonsense]
with_many = trained_with(many)

gap = max(np.abs(a - b).max() for a, b in zip(without, with_many))
print(f"largest gap of the weights: {gap}")

# %% metrics-do-not-train-holds tags=["check"]
assert gap < 1e-5  # 0 on the machines tried

# %% metric-gradient
measures = {
    "accuracy, a metric": keras.metrics.SparseCategoricalAccuracy(),
    "cross-entropy, a metric": (
        keras.metrics.SparseCategoricalCrossentropy()
    ),
    "cross-entropy, a loss": (
        keras.losses.SparseCategoricalCrossentropy()
    ),
}
for name, measure in measures.items():
    with tf.GradientTape() as tape:
        value = measure(y_val, by_strings(x_val))
    gradients = tape.gradient(value, by_strings.trainable_variables)
    print(f"{name}: {float(value):.3f}")
    norms = [
        g if g is None else round(float(tf.norm(g)), 2)
        for g in gradients
    ]
    print("  gradients", norms)


# %% metric-gradient-holds tags=["check"]
assert all(g is not None for g in gradients)  # of the loss
tape_accuracy = float(measures["accuracy, a metric"].result())
for measure in list(measures.values())[:2]:
    with tf.GradientTape() as tape:
        value = measure(y_val, by_strings(x_val))
    gradients = tape.gradient(value, by_strings.trainable_variables)
    assert len(gradients) == 4 and all(g is None for g in gradients)


# %% slide
few = x_val[:60], y_val[:60]
slid = build_model()
slid.set_weights(by_strings.get_weights())
entropy = keras.losses.SparseCategoricalCrossentropy()
bias = slid.layers[-1].bias  # ten numbers, one for each class
original = bias.numpy()


def loss_and_accuracy(shift):
    moved = original.copy()
    moved[8] += shift  # the bias of class 8
    bias.assign(moved)
    y_pred = slid(few[0])
    bias.assign(original)
    right = np.argmax(y_pred, axis=1) == few[1]
    return float(entropy(few[1], y_pred)), right.mean()


shifts = np.linspace(-4, 4, 161)
slide = np.array([loss_and_accuracy(shift) for shift in shifts])

# %% draw-slide
fig, axes = plt.subplots(
    2, figsize=(5.2, 4.8), sharex=True, layout="tight"
)
axes[0].plot(shifts, slide[:, 0])
axes[0].set_ylabel("loss (cross-entropy)")
axes[1].plot(shifts, slide[:, 1], ".", ms=3, color="C1")
axes[1].set_ylabel("accuracy")
axes[1].set_xlabel("change of one bias")
plt.show()

# %% slope
step = 1e-3
slopes = []
for shift in np.linspace(-3.9, 3.9, 40):
    up = np.array(loss_and_accuracy(shift + step))
    down = np.array(loss_and_accuracy(shift - step))
    slopes.append((up - down) / (2 * step))
loss_slopes, accuracy_slopes = np.transpose(slopes)
flat = np.sum(accuracy_slopes == 0)
print(f"accuracy: slope 0 at {flat} of {len(slopes)} places")
print(
    f"loss: slopes {loss_slopes.min():.3f} to {loss_slopes.max():.3f}"
)

# %% slope-holds tags=["check"]
assert len(slopes) == 40 and flat >= 37
assert np.sum(loss_slopes == 0) == 0
levels = len(np.unique(slide[:, 1]))
assert 5 < levels <= 61 and np.all(np.abs(np.diff(slide[:, 0])) > 0)
# pushing up one bias changes each answer once at most, to class 8
says_8 = []
for shift in shifts[::20]:
    moved = original.copy()
    moved[8] += shift
    bias.assign(moved)
    says_8.append(np.argmax(slid(few[0]), axis=1) == 8)
bias.assign(original)
assert np.all(np.diff(np.array(says_8).astype(int), axis=0) >= 0)


# %% accuracy-as-loss
def share_wrong(y_true, y_pred):
    answers = keras.ops.argmax(y_pred, axis=-1)
    wrong = keras.ops.not_equal(answers, y_true)
    return keras.ops.cast(wrong, "float32")


for loss in ("accuracy", share_wrong):
    model = build_model()
    model.compile(optimizer="adam", loss=loss)
    try:
        model.fit(x_train, y_train, verbose=0)
    except ValueError as error:
        print("ValueError:", error)


# %% zero-slope
def share_unsure(y_true, y_pred):
    p = keras.ops.sum(y_true * y_pred, axis=-1)  # of the true class
    return (1 - keras.ops.sign(p - 0.5)) / 2


model = build_model()
model.set_weights(by_strings.get_weights())
model.compile(optimizer="adam", loss=share_unsure)
history = model.fit(x_train, one_hot, epochs=2, verbose=0)
print("loss", [round(v, 4) for v in history.history["loss"]])
before, after = by_strings.get_weights(), model.get_weights()
largest = max(np.abs(a - b).max() for a, b in zip(before, after))
print("largest move of a weight:", largest)

# %% zero-slope-holds tags=["check"]
assert largest == 0 and 0.01 < history.history["loss"][0] < 0.9
with tf.GradientTape() as tape:
    value = keras.ops.mean(share_unsure(one_hot, model(x_train)))
for g in tape.gradient(value, model.trainable_variables):
    assert g is not None and np.all(g == 0)  # 0, not None


# %% tumours
cancer = load_breast_cancer()
order = np.random.default_rng(0).permutation(569)
columns = [1, 4]  # mean texture, mean smoothness
x_cell = cancer.data[order][:, columns]
y_cell = (cancer.target[order] == 0).astype("float32")  # 1: malignant
x_cell = (x_cell - x_cell[:400].mean(axis=0)) / x_cell[:400].std(axis=0)

keras.utils.set_random_seed(0)
judge = keras.Sequential(
    [keras.Input((2,)), layers.Dense(1, activation="sigmoid")]
)
judge.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.05),
    loss="binary_crossentropy",
    metrics=[
        "accuracy",
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
        keras.metrics.AUC(name="auc"),
    ],
)
judge.fit(x_cell[:400], y_cell[:400], epochs=20, verbose=0)
scores = judge.evaluate(
    x_cell[400:], y_cell[400:], verbose=0, return_dict=True
)
for name, value in scores.items():
    print(f"{name:9} {value:.4f}")

# %% by-counting
truth = y_cell[400:] == 1
p = judge.predict(x_cell[400:], verbose=0)[:, 0]
called = p > 0.5
tp = int(np.sum(called & truth))
fp = int(np.sum(called & ~truth))
fn = int(np.sum(~called & truth))
tn = int(np.sum(~called & ~truth))
print(f"TP {tp}   FN {fn}")
print(f"FP {fp}   TN {tn}")
print(f"accuracy  {(tp + tn) / len(p):.4f}")
print(f"precision {tp / (tp + fp):.4f}")
print(f"recall    {tp / (tp + fn):.4f}")
print(f"always benign: accuracy {np.mean(~truth):.4f}")

# %% by-counting-holds tags=["check"]
assert tp + fp + fn + tn == 169
benign_share = float(np.mean(~truth))
assert abs(scores["accuracy"] - (tp + tn) / 169) < 1e-6
assert abs(scores["precision"] - tp / (tp + fp)) < 1e-6
assert abs(scores["recall"] - tp / (tp + fn)) < 1e-6

# %% draw-thresholds
thresholds = np.linspace(0, 1, 201)
curves = []
for threshold in thresholds:
    called = p > threshold
    hits = np.sum(called & truth)
    precision = hits / called.sum() if called.any() else np.nan
    accuracy = np.mean(called == truth)
    curves.append((precision, hits / truth.sum(), accuracy))

fig, ax = plt.subplots(figsize=(5.2, 3.4), layout="tight")
lines = zip(np.transpose(curves), ("precision", "recall", "accuracy"))
for (values, name), style in zip(lines, ("-", "--", ":")):
    ax.plot(thresholds, values, style, label=name)
ax.set(xlabel="threshold", ylabel="share")
ax.legend()
plt.show()

# %% draw-roc
thresholds = np.append(1, np.sort(p)[::-1])  # from strict to lenient
caught = [np.mean(p[truth] >= t) for t in thresholds]
alarms = [np.mean(p[~truth] >= t) for t in thresholds]

fig, ax = plt.subplots(figsize=(4.2, 3.6), layout="tight")
ax.fill_between(alarms, caught, alpha=0.2)
ax.plot(alarms, caught, label="the model")
ax.plot([0, 1], [0, 1], "--", color="gray", label="random scores")
ax.set(xlabel="false alarms, FP / (FP + TN)", ylabel="recall")
ax.legend(loc="lower right")
plt.show()

# %% pairs
malignant, benign = p[truth], p[~truth]
higher = malignant[:, None] > benign  # every pair
equal = malignant[:, None] == benign
exact_auc = np.mean(higher + 0.5 * equal)
print(f"{higher.size} pairs, AUC {exact_auc:.4f}")
print(f"Keras, 200 thresholds, {scores['auc']:.4f}")


# %% pairs-hold tags=["check"]
from sklearn.metrics import roc_auc_score

assert abs(roc_auc_score(truth, p) - exact_auc) < 1e-9
assert abs(scores["auc"] - exact_auc) < 0.001
malignant_count = int(truth.sum())
assert higher.size == truth.sum() * (~truth).sum()
steps = np.diff(alarms) * (np.array(caught[1:]) + caught[:-1]) / 2
assert abs(np.sum(steps) - exact_auc) < 1e-9  # the area of the figure

# %% not-a-mean
metric = keras.metrics.Precision()
alone = []
for part in (slice(0, 10), slice(10, 169)):
    metric.update_state(truth[part], p[part])
    alone.append(float(keras.metrics.Precision()(truth[part], p[part])))
    calls = np.sum(p[part] > 0.5)
    print(f"{calls:2} called malignant, precision {alone[-1]:.4f}")
print(f"mean of the two {np.mean(alone):.4f}")
print(f"collected       {float(metric.result()):.4f}")


# %% not-a-mean-holds tags=["check"]
whole = float(metric.result())
assert abs(whole - scores["precision"]) < 1e-6
assert np.mean(alone) > whole + 0.03


# %% two-outputs
ink = x.sum(axis=1)  # how much is drawn, a number
t_train = {"digit": y_train, "ink": ink[:1_200]}
t_val = {"digit": y_val, "ink": ink[1_200:]}


def two_headed(loss_weights):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64,))
    hidden = layers.Dense(32, activation="relu")(inputs)
    digit = layers.Dense(10, activation="softmax")(hidden)
    amount = layers.Dense(1)(hidden)
    outputs = {"digit": digit, "ink": amount}
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.005),
        loss={
            "digit": "sparse_categorical_crossentropy",
            "ink": "mse",
        },
        loss_weights=loss_weights,
        metrics={"digit": ["accuracy"], "ink": ["mae"]},
    )
    return model


# %% two-outputs-run
reports = {}
for weight in (1.0, 0.01):
    model = two_headed({"digit": 1.0, "ink": weight})
    model.fit(x_train, t_train, batch_size=64, epochs=10, verbose=0)
    report = model.evaluate(
        x_val, t_val, batch_size=597, verbose=0, return_dict=True
    )
    reports[weight] = report
    print(f"weight of ink {weight}")
    for name, value in report.items():
        print(f"  {name:15} {value:.4f}")

# %% two-outputs-start
fresh = two_headed({"digit": 1.0, "ink": 1.0})
kernel = fresh.layers[1].kernel  # of the hidden layer
with tf.GradientTape(persistent=True) as tape:
    y_pred = fresh(x_train)
    start = {
        "digit": keras.losses.SparseCategoricalCrossentropy()(
            y_train, y_pred["digit"]
        ),
        "ink": keras.losses.MeanSquaredError()(
            ink[:1_200, None], y_pred["ink"]
        ),
    }
for name, loss in start.items():
    norm = float(tf.norm(tape.gradient(loss, kernel)))
    print(f"{name:5} loss {float(loss):5.1f}, gradient {norm:5.1f}")

# %% two-outputs-scaled
middle, spread = ink[:1_200].mean(), ink[:1_200].std()
t_scaled = {"digit": y_train, "ink": (ink[:1_200] - middle) / spread}
model = two_headed({"digit": 1.0, "ink": 1.0})
model.fit(x_train, t_scaled, batch_size=64, epochs=10, verbose=0)
outputs = model(x_val)
answers = np.argmax(outputs["digit"], axis=1)
amounts = outputs["ink"][:, 0] * spread + middle
print(f"ink: mean {middle:.1f}, standard deviation {spread:.1f}")
print(f"  digit_accuracy  {np.mean(answers == y_val):.4f}")
print(f"  ink_mae         {np.abs(amounts - ink[1_200:]).mean():.4f}")

# %% two-outputs-hold tags=["check"]
even, scaled = reports[1.0], reports[0.01]
for weight, report in reports.items():
    total = report["digit_loss"] + weight * report["ink_loss"]
    assert abs(report["loss"] - total) < 1e-4
assert scaled["digit_accuracy"] > even["digit_accuracy"] + 0.1
even_digit_accuracy = even["digit_accuracy"]
scaled_digit_accuracy = scaled["digit_accuracy"]
assert scaled["ink_mae"] > even["ink_mae"]
assert 50 < float(start["ink"] / start["digit"]) < 500
digit_norm = float(tf.norm(tape.gradient(start["digit"], kernel)))
norm_ratio = norm / digit_norm
assert norm_ratio > 50
mean_ink = float(ink[:1_200].mean())
assert mean_ink**2 > 0.9 * float(
    start["ink"]
)  # nearly all is the offset
assert np.mean(answers == y_val) > even_digit_accuracy + 0.05
mae_scaled = np.abs(amounts - ink[1_200:]).mean()
assert mae_scaled > scaled["ink_mae"] + 0.1
del tape


# %% recompile
def status(when):
    accuracy = model.evaluate(x_val, y_val, verbose=0)[1]
    updates = int(model.optimizer.iterations)
    print(f"{when:13} accuracy {accuracy:.3f}, {updates:3} updates")


settings = {
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
}
model = build_model()
model.compile("adam", **settings)
model.fit(x_train, y_train, epochs=3, verbose=0)
status("3 epochs")
model.compile(model.optimizer, **settings)
status("the same Adam")
model.compile("adam", **settings)
status("a new Adam")


# %% new-rate
model.fit(x_train, y_train, epochs=1, verbose=0)
model.optimizer.learning_rate = 0.0001
print(f"{float(model.optimizer.learning_rate):.5f}", end="  ")
print(int(model.optimizer.iterations), "updates")

# %% recompile-holds tags=["check"]
assert int(model.optimizer.iterations) == 38
assert abs(float(model.optimizer.learning_rate) - 0.0001) < 1e-9
before, old = model.get_weights(), model.optimizer
moments = [v.numpy() for v in old.variables]
model.compile(old, **settings)
assert model.optimizer is old and len(moments) > 8
assert all(map(np.array_equal, moments, old.variables))
model.compile("adam", **settings)
assert model.optimizer is not old
assert int(model.optimizer.iterations) == 0
assert len(model.optimizer.variables) < len(old.variables)
assert all(map(np.array_equal, before, model.get_weights()))

# %% misspelt
try:
    model.compile(optimizer="adamm", loss="mse")
except ValueError as error:
    print("compile:", error)

loss = "sparse_categorical_crossentropy"
for wrong in (
    {"loss": "categorical_cross_entropy"},
    {"loss": loss, "metrics": ["acuracy"]},
):
    model.compile(optimizer="adam", **wrong)  # no error
    try:
        model.fit(x_train, y_train, verbose=0)
    except ValueError as error:
        print("fit:", error)

# %% misspelt-holds tags=["check"]
for call in (
    lambda: model.complie(optimizer="adam", loss="mse"),
    lambda: keras.optimizer.SGD(learning_rate=0.1),
):
    try:
        call()
    except AttributeError as error:
        assert "complie" in str(error) or "'optimizer'" in str(error)
    else:
        raise AssertionError("a misspelt name passed")


# %% silent-integers
keras.utils.set_random_seed(0)
wrong_metric = build_model()
wrong_metric.set_weights(by_strings.get_weights())
wrong_metric.compile(
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy", keras.metrics.CategoricalAccuracy()],
)
for size in (32, 64):
    print("batch_size", size)
    report = wrong_metric.evaluate(
        x_val, y_val, batch_size=size, verbose=0, return_dict=True
    )
    for name, value in report.items():
        print(f"  {name:21} {value:.4f}")

# %% silent-integers-hold tags=["check"]
right_accuracy = report["accuracy"]
integer_report = report["categorical_accuracy"]
assert right_accuracy > 0.8 and report["categorical_accuracy"] < 0.2
# keras.metrics.Accuracy: the very same number
few_hot = keras.utils.to_categorical(y_val[:64], 10)
same_share = keras.metrics.Accuracy()(few_hot, by_strings(x_val[:64]))
assert float(same_share) < 0.01
try:
    keras.metrics.Accuracy()(y_val[:64], by_strings(x_val[:64]))
except tf.errors.InvalidArgumentError:
    pass
else:
    raise AssertionError("shapes (64,) and (64, 10) fit")

# %% silent-auc
logits = np.log(p / (1 - p))  # what stands before the sigmoid


def keras_auc(scores, **options):
    metric = keras.metrics.AUC(**options)
    metric.update_state(truth, scores)
    return float(metric.result())


told = keras_auc(logits, from_logits=True)
print(f"probabilities           {keras_auc(p):.4f}")
print(f"logits                  {keras_auc(logits):.4f}")
print(f"logits, from_logits     {told:.4f}")
print(f"probabilities / 1000    {keras_auc(p / 1_000):.4f}")


# %% silent-auc-holds tags=["check"]
assert abs(told - keras_auc(p)) < 0.003
assert keras_auc(logits) < told - 0.03
assert abs(keras_auc(p / 1_000) - 0.5) < 1e-6
for values in (logits, p / 1_000):  # the same order, the same AUC
    assert abs(roc_auc_score(truth, values) - exact_auc) < 1e-9
# an optimizer object that has met another model
model = build_model()
model.compile(by_strings.optimizer, "sparse_categorical_crossentropy")
try:
    model.fit(x_train[:32], y_train[:32], verbose=0)
except ValueError as error:
    assert "Unknown variable" in str(error), error
else:
    raise AssertionError("one optimizer trained two models")

# %% exercise-1 tags=["solution"]
model = two_headed({"digit": 1.0, "ink": 0.01})
history = model.fit(
    x_train,
    t_train,
    validation_data=(x_val, t_val),
    verbose=0,
)
for name in sorted(history.history):
    print(name)

# %% exercise-1-holds tags=["check"]
assert len(history.history) == 10
# a smaller last batch: the parts are means of batch means
for pre in ("", "val_"):
    last = {k: v[-1] for k, v in history.history.items()}
    total = last[pre + "digit_loss"] + 0.01 * last[pre + "ink_loss"]
    assert 1e-6 < abs(total - last[pre + "loss"]) < 0.1

# %% exercise-2 tags=["solution"]
p_train = judge(x_cell[:400]).numpy()[:, 0]
truth_train = y_cell[:400] == 1
for threshold in np.linspace(1, 0, 201):  # from strict to lenient
    recall = np.mean(p_train[truth_train] > threshold)
    if recall >= 0.9:
        break
print(f"threshold {threshold:.3f}, training recall {recall:.3f}")

called = p > threshold
new_precision = np.sum(called & truth) / called.sum()
new_recall = np.sum(called & truth) / truth.sum()
print(f"held out: precision {new_precision:.3f}", end="")
print(f", recall {new_recall:.3f}")

# %% exercise-2-holds tags=["check"]
assert threshold < 0.5 and recall >= 0.9
assert new_recall > recall and 0.03 < 3 / malignant_count < 0.06
assert new_recall > tp / (tp + fn) and new_precision < tp / (tp + fp)


# %% exercise-3 tags=["solution"]
def weights_after(optimizer, scale):
    model = build_model()
    model.set_weights(start_weights)
    model.compile(
        optimizer,
        loss="sparse_categorical_crossentropy",
        loss_weights=[scale],
    )
    model.fit(x_train, y_train, epochs=1, shuffle=False, verbose=0)
    return np.concatenate([w.ravel() for w in model.get_weights()])


def gap(a, b):
    return f"{np.abs(a - b).max():.0e}"


SGD, Adam = keras.optimizers.SGD, keras.optimizers.Adam
sgd, sgd_3 = (weights_after(SGD(0.1), c) for c in (1.0, 3.0))
adam, adam_3 = (weights_after(Adam(0.001), c) for c in (1.0, 3.0))
print("loss × 3 and loss × 1")
print("  SGD ", gap(sgd_3, sgd), "  Adam", gap(adam_3, adam))

faster = weights_after(SGD(0.3), 1.0)
smaller = weights_after(Adam(0.001, epsilon=1e-7 / 3), 1.0)
print("loss × 3 and what the formula says")
print("  SGD ", gap(sgd_3, faster), "  Adam", gap(adam_3, smaller))

# %% exercise-3-holds tags=["check"]
assert np.abs(sgd_3 - sgd).max() > 0.05
assert np.abs(sgd_3 - faster).max() < 1e-4
assert np.abs(adam_3 - adam).max() < 0.02
assert np.abs(adam_3 - smaller).max() < 1e-4
assert np.abs(adam_3 - smaller).max() < np.abs(adam_3 - adam).max() / 5

# %% exercise-4 tags=["solution"]
answers = wrong_metric.predict(x_val, verbose=0).argmax(axis=1)
for size in (32, 64):
    matches = 0
    for start in range(0, len(y_val), size):
        labels = y_val[start : start + size]
        place = labels.argmax()  # where the largest label stands
        matches += np.sum(answers[start : start + size] == place)
    print(f"batch_size {size}: {matches / len(y_val):.4f}")

# %% exercise-4-holds tags=["check"]
assert abs(matches / len(y_val) - integer_report) < 1e-6


# %% exercise-5 tags=["solution"]
class F1(keras.metrics.Metric):
    def __init__(self, threshold=0.5, name="f1", **kwargs):
        super().__init__(name=name, **kwargs)
        self.threshold = threshold
        self.counts = self.add_variable((3,), "zeros", name="counts")

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            raise NotImplementedError("F1 takes no sample_weight")
        true = keras.ops.reshape(y_true, (-1,)) > 0.5
        called = keras.ops.reshape(y_pred, (-1,)) > self.threshold
        tp = keras.ops.sum(keras.ops.logical_and(called, true))
        counts = [tp, keras.ops.sum(called), keras.ops.sum(true)]
        counts = keras.ops.cast(keras.ops.stack(counts), "float32")
        self.counts.assign_add(counts)

    def result(self):
        tp, called, true = keras.ops.unstack(self.counts)
        return 2 * tp / keras.ops.maximum(called + true, 1.0)

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}


# %% exercise-5-run tags=["solution"]
judge.compile(loss="binary_crossentropy", metrics=[F1()])
f1 = judge.evaluate(
    x_cell[400:], y_cell[400:], verbose=0, return_dict=True
)["f1"]
print(f"our F1    {f1:.4f}")
print(f"by counts {2 * tp / (2 * tp + fp + fn):.4f}")

# %% exercise-5-holds tags=["check"]
from sklearn.metrics import f1_score

assert abs(f1 - f1_score(truth, p > 0.5)) < 1e-6
assert abs(f1 - 2 * tp / (2 * tp + fp + fn)) < 1e-6
keras_f1 = keras.metrics.F1Score(threshold=0.5)
keras_f1.update_state(truth[:, None], p[:, None])
assert abs(float(keras_f1.result()[0]) - f1) < 1e-6
assert F1.from_config(F1(threshold=0.3).get_config()).threshold == 0.3
try:
    keras.metrics.F1Score(threshold=0.5).update_state(truth, p)
except ValueError:
    pass
else:
    raise AssertionError("F1Score took labels of shape (n,)")
