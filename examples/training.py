# %% data
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers

(x_all, y_all), (x_rest, y_rest) = (
    keras.datasets.fashion_mnist.load_data()
)


def scaled(images):
    return images.astype("float32") / 255


x_train, y_train = scaled(x_all[:4_000]), y_all[:4_000]
x_val, y_val = scaled(x_all[4_000:6_000]), y_all[4_000:6_000]
x_test, y_test = scaled(x_rest[:2_000]), y_rest[:2_000]

print("training  ", x_train.shape, y_train.shape)
print("validation", x_val.shape, y_val.shape)
print("test      ", x_test.shape, y_test.shape)
print("training images per class")
print(np.bincount(y_train))

# %% data-holds tags=["check"]
assert np.bincount(y_train).min() > 350
assert np.bincount(y_train).max() < 450
assert (x_train.min(), x_train.max()) == (0, 1)


# %% build
def build_model():
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def compile_model(model):
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


keras.utils.set_random_seed(0)
model = compile_model(build_model())
parameter_count = model.count_params()
print(f"{parameter_count:,} parameters")

# %% before
start_loss, start_accuracy = model.evaluate(x_train, y_train, verbose=0)
print(f"loss     {start_loss:.3f}   (ln 10 = {np.log(10):.3f})")
print(f"accuracy {start_accuracy:.3f}")

# %% before-holds tags=["check"]
assert abs(start_loss - np.log(10)) < 0.2
assert 0.03 < start_accuracy < 0.2
assert parameter_count == 784 * 64 + 64 + 64 * 10 + 10

# %% arguments tags=["check"]
import inspect

defaults = {
    name: parameter.default
    for name, parameter in inspect.signature(
        model.fit
    ).parameters.items()
}
assert defaults["epochs"] == 1 and defaults["shuffle"] is True
assert defaults["validation_split"] == 0
assert defaults["verbose"] == "auto"
assert defaults["initial_epoch"] == 0
assert defaults["batch_size"] is None  # 32 then

# %% first-fit tags=["timing"]
history = model.fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=3,
    validation_data=(x_val, y_val),
    verbose=2,
)

# %% steps
sample_count, batch_size, epochs = len(x_train), 64, 3
steps = int(np.ceil(sample_count / batch_size))
last_batch = sample_count - (steps - 1) * batch_size
updates = int(model.optimizer.iterations)
print(f"{sample_count} / {batch_size} -> {steps} steps an epoch")
print(f"the last batch has {last_batch} images")
print(f"{updates} updates so far = {epochs} x {steps}")

# %% steps-hold tags=["check"]
assert steps == 63 and last_batch == 32
assert updates == epochs * steps
assert history.params["steps"] == steps
assert history.history["loss"][-1] < history.history["loss"][0]
assert history.history["loss"][0] < start_loss

# %% history-keys
history.history.keys()

# %% history-values
for name, values in history.history.items():
    print(f"{name:13}", [round(value, 3) for value in values])
print("epoch        ", history.epoch)
print(history.params)

# %% history-holds tags=["check"]
names = ["accuracy", "loss", "val_accuracy", "val_loss"]
assert sorted(history.history) == names
assert history.epoch == [0, 1, 2]
assert all(len(values) == 3 for values in history.history.values())

# %% longer-fit
keras.utils.set_random_seed(0)
model = compile_model(build_model())  # new weights, from the start
history = model.fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=15,
    validation_data=(x_val, y_val),
    verbose=0,
)
curves = history.history
trained_weights = model.get_weights()
print(f"loss     {curves['loss'][0]:.3f} -> {curves['loss'][-1]:.3f}")

# %% learning-curves
numbers = np.arange(1, 16)

fig = plt.figure(figsize=(5.0, 5.6), layout="tight")
ax1 = fig.add_subplot(2, 1, 1)  # 2 rows, 1 column, the first
ax1.plot(numbers, curves["loss"], "o-", ms=4, label="training")
ax1.plot(numbers, curves["val_loss"], "s--", ms=4, label="validation")
ax1.set_ylabel("loss (cross-entropy)")
ax1.legend()

ax2 = fig.add_subplot(2, 1, 2, sharex=ax1)  # the second
ax2.plot(numbers, curves["accuracy"], "o-", ms=4)
ax2.plot(numbers, curves["val_accuracy"], "s--", ms=4)
ax2.set_xlabel("epoch")
ax2.set_ylabel("accuracy")
ax2.set_xticks([1, 5, 10, 15])
plt.show()

# %% curves-hold tags=["check"]
assert curves["loss"][-1] < 0.5 * curves["loss"][0]
gaps = np.subtract(curves["loss"], curves["val_loss"])
assert gaps[0] > 0.1 and np.all(gaps[:3] > 0) and np.all(gaps[4:] < 0)
assert gaps[-1] < gaps[7] < gaps[4]
assert curves["accuracy"][0] < curves["val_accuracy"][0] - 0.05
assert curves["accuracy"][-1] > curves["val_accuracy"][-1] + 0.03
loss_drop = curves["loss"][7] - curves["loss"][14]
val_drop = curves["val_loss"][7] - curves["val_loss"][14]
assert loss_drop > 3 * abs(val_drop)

# untrained models of ten other seeds
starts = []
for seed in range(1, 6):
    keras.utils.set_random_seed(seed)
    loss = keras.losses.SparseCategoricalCrossentropy()(
        y_train, build_model()(x_train)
    )
    starts.append(float(loss))
start_low, start_high = min(starts), max(starts)
assert 2.1 < start_low < start_high < 2.9

# %% validation-split
order = np.argsort(y_train, kind="stable")  # rows sorted by label
x_sorted, y_sorted = x_train[order], y_train[order]
tail = y_sorted[int(len(y_sorted) * 0.8) :]
print("images per class in the last 20 %")
print(np.bincount(tail))

keras.utils.set_random_seed(0)
sorted_model = compile_model(build_model())
sorted_curves = sorted_model.fit(
    x_sorted,
    y_sorted,
    epochs=2,
    validation_split=0.2,
    verbose=0,
).history
for name in ("accuracy", "val_accuracy"):
    print(name, [round(v, 3) for v in sorted_curves[name]])

# %% shuffle-once
rng = np.random.default_rng(0)
order = rng.permutation(len(y_sorted))  # one order for both
x_mixed, y_mixed = x_sorted[order], y_sorted[order]

keras.utils.set_random_seed(0)
mixed_model = compile_model(build_model())
mixed_curves = mixed_model.fit(
    x_mixed,
    y_mixed,
    epochs=2,
    validation_split=0.2,
    verbose=0,
).history
for name in ("accuracy", "val_accuracy"):
    print(name, [round(v, 3) for v in mixed_curves[name]])

# %% validation-split-holds tags=["check"]
tail_7 = int(np.bincount(tail)[7])
assert set(tail) == {7, 8, 9} and tail_7 < 40
kept = y_sorted[: len(y_sorted) - len(tail)]
assert set(kept) == set(range(8))  # nothing of classes 8 and 9
assert sorted_curves["val_accuracy"][-1] <= tail_7 / len(tail) + 1e-6
assert sorted_curves["accuracy"][-1] > 0.75
assert sorted_curves["val_accuracy"][-1] < 0.05
assert mixed_curves["val_accuracy"][-1] > 0.7
tail_count = len(tail)
assert tail_count == 800 and sorted_model.optimizer.iterations == 200
sorted_accuracy = sorted_curves["accuracy"][-1]
sorted_val_accuracy = sorted_curves["val_accuracy"][-1]
mixed_val_accuracy = mixed_curves["val_accuracy"][-1]

# %% evaluate
results = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
for name, value in results.items():
    print(f"{name:9} {value:.4f}")
test_accuracy = results["accuracy"]

# %% evaluate-holds tags=["check"]
assert all(map(np.array_equal, model.get_weights(), trained_weights))
assert 0.77 < test_accuracy < 0.88
assert sorted(results) == ["accuracy", "loss"]
assert isinstance(
    model.evaluate(x_test[:64], y_test[:64], verbose=0), list
)
other = model.evaluate(
    x_test, y_test, batch_size=500, verbose=0, return_dict=True
)
assert abs(other["loss"] - results["loss"]) < 1e-5
assert abs(other["accuracy"] - results["accuracy"]) < 1e-6

# %% predict
probabilities = model.predict(x_test, verbose=0)
print(probabilities.shape, probabilities.dtype)
for i in probabilities[0].argsort()[::-1][:3]:  # the largest three
    print(f"class {i}: {probabilities[0, i]:.3f}")
print("sum of the row:", probabilities[0].sum().round(5))

predicted = probabilities.argmax(axis=1)
print("predicted", predicted[:8])
print("true     ", y_test[:8])
print("accuracy ", (predicted == y_test).mean())

# %% predict-holds tags=["check"]
assert probabilities.shape == (2_000, 10)
np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
assert abs((predicted == y_test).mean() - test_accuracy) < 1e-6

# %% draw-predictions
class_names = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
confidence = probabilities.max(axis=1)
right = predicted == y_test
chosen = {
    "sure and right": np.argmax(confidence * right),
    "not sure": np.argmin(confidence),
    "sure and wrong": np.argmax(confidence * ~right),
}
fig, axes = plt.subplots(
    3,
    2,
    figsize=(4.4, 7.2),
    width_ratios=[1, 0.9],
    layout="tight",
)
for (title, i), (left, bars) in zip(chosen.items(), axes):
    left.imshow(x_test[i], cmap="gray", rasterized=True)
    left.set_title(title)
    truth, answer = y_test[i], predicted[i]
    left.set_xlabel(
        f"true: {class_names[truth]}\nanswer: {class_names[answer]}"
    )
    left.set(xticks=[], yticks=[])
    colors = ["C0"] * 10
    colors[truth] = "C1"
    bars.barh(range(10), probabilities[i], color=colors)
    bars.set(xlim=(0, 1), xticks=[0, 1])
    bars.set_yticks(range(10), class_names)
    label = bars.get_yticklabels()[truth]
    label.set(color="C1", fontweight="bold")
    bars.invert_yaxis()
bars.set_xlabel("probability")
plt.show()
surest_wrong = confidence[chosen["sure and wrong"]]
least_sure = confidence[chosen["not sure"]]

# %% predictions-hold tags=["check"]
assert surest_wrong > 0.8 and least_sure < 0.5
assert right[chosen["sure and right"]]
i = chosen["sure and wrong"]
assert not right[i] and probabilities[i, y_test[i]] < 0.02

# %% loop
loss_function = keras.losses.SparseCategoricalCrossentropy()


def training_steps(model, optimizer, x, y, batch_size):
    """One epoch; yields the loss of each batch."""
    variables = model.trainable_variables
    for start in range(0, len(x), batch_size):
        x_batch = x[start : start + batch_size]
        y_batch = y[start : start + batch_size]
        with tf.GradientTape() as tape:
            y_pred = model(x_batch, training=True)
            loss = loss_function(y_batch, y_pred)
        gradients = tape.gradient(loss, variables)
        optimizer.apply(gradients, variables)
        yield float(loss)


# %% twins-by-fit
keras.utils.set_random_seed(0)
by_fit, by_hand = build_model(), build_model()
start_weights = by_fit.get_weights()
by_hand.set_weights(start_weights)

reported, fit_weights = [], []


def note(batch, logs):
    reported.append(logs["loss"])
    fit_weights.append(by_fit.get_weights())


watcher = keras.callbacks.LambdaCallback(
    on_train_batch_end=note,
)
fit_history = compile_model(by_fit).fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=2,
    shuffle=False,
    callbacks=[watcher],
    verbose=0,
)

# %% twins-by-hand
optimizer = keras.optimizers.Adam()
batch_losses, hand_weights = [], []
for _ in range(2):
    one_epoch = training_steps(by_hand, optimizer, x_train, y_train, 64)
    for loss in one_epoch:
        batch_losses.append(loss)
        hand_weights.append(by_hand.get_weights())


# %% twins-compared
def largest_gap(one, other):  # two lists of weights
    return max(np.abs(a - b).max() for a, b in zip(one, other))


pairs = zip(fit_weights, hand_weights)
weight_gap = max(largest_gap(one, other) for one, other in pairs)
count = len(hand_weights)
print(f"weights after each of {count} steps   {weight_gap:.0e}")

sizes = np.array([64] * 62 + [32])  # images in each batch
by_epoch = np.reshape(batch_losses, (2, 63))
for dtype in ("float32", "float64"):
    sums = np.cumsum(by_epoch * sizes, axis=1, dtype=dtype)
    means = sums / np.cumsum(sizes, dtype=dtype)
    loss_gap = np.abs(means.ravel() - reported).max()
    print(f"running means, summed in {dtype}  {loss_gap:.0e}")

# %% twins-hold tags=["check"]
assert sum(sizes) == len(x_train)
assert len(reported) == len(fit_weights) == len(hand_weights) == 126
assert weight_gap < 1e-3 and loss_gap < 1e-5
assert largest_gap(start_weights, hand_weights[-1]) > 0.05
sums = np.cumsum(by_epoch * sizes, axis=1, dtype="float32")
means = sums / np.cumsum(sizes, dtype="float32")
assert np.abs(means.ravel() - reported).max() < 2e-6

# %% twins-tolerance
indices = np.arange(20 * 64)  # the first 20 batches
backwards = indices.reshape(20, 64)[:, ::-1].ravel()
trials = {
    "batches backwards": (backwards, keras.optimizers.Adam()),
    "epsilon 1e-8": (indices, keras.optimizers.Adam(epsilon=1e-8)),
}
gaps = {}
for name, (rows, optimizer) in trials.items():
    model = build_model()
    model.set_weights(start_weights)
    x, y = x_train[rows], y_train[rows]
    list(training_steps(model, optimizer, x, y, 64))
    gaps[name] = largest_gap(model.get_weights(), hand_weights[19])
    print(f"{name:17} {gaps[name]:.0e}")

# %% twins-tolerance-holds tags=["check"]
rounding_gap, mistake_gap = gaps.values()
assert keras.optimizers.Adam().epsilon == 1e-7
assert rounding_gap < 1e-4 and mistake_gap > 1e-3


# %% train-step
class WatchfulModel(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.norm = keras.metrics.Mean(name="gradient_norm")

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred)
        variables = self.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply(gradients, variables)

        self.norm.update_state(tf.linalg.global_norm(gradients))
        for metric in self.metrics:
            if metric.name == "loss":
                images = tf.shape(y)[0]  # in this batch
                metric.update_state(loss, sample_weight=images)
            elif metric is not self.norm:
                metric.update_state(y, y_pred)
        return self.get_metrics_result()


# %% train-step-run
twin = build_model()
twin.set_weights(start_weights)
watchful = WatchfulModel(twin.inputs, twin.outputs)
watchful_history = compile_model(watchful).fit(
    x_train, y_train, batch_size=64, epochs=2, shuffle=False, verbose=0
)
watchful_curves = watchful_history.history
for name, values in watchful_curves.items():
    print(f"{name:13}", [round(float(v), 4) for v in values])
watchful_gap = largest_gap(watchful.get_weights(), fit_weights[-1])
print(f"largest gap to fit's weights {watchful_gap:.0e}")

# %% train-step-holds tags=["check"]
assert watchful_gap < 1e-4
np.testing.assert_allclose(
    watchful_curves["loss"], fit_history.history["loss"], atol=1e-4
)
assert set(watchful_curves) == {"accuracy", "loss", "gradient_norm"}
scores = watchful.evaluate(
    x_val[:64], y_val[:64], verbose=0, return_dict=True
)
assert scores["gradient_norm"] == 0

# fit traces train_step, it does not call it for every batch
calls = []


class Counted(keras.Model):
    def train_step(self, data):
        calls.append(1)
        return super().train_step(data)


counted = compile_model(Counted(twin.inputs, twin.outputs))
counted.fit(
    x_train[:640], y_train[:640], batch_size=64, epochs=2, verbose=0
)
assert len(calls) < 5 and int(counted.optimizer.iterations) == 20

# %% same-rows
model = compile_model(build_model())
model.set_weights(start_weights)
history = model.fit(
    x_train, y_train, batch_size=64, epochs=1, shuffle=False, verbose=0
)
reported_loss = history.history["loss"][0]
reported_accuracy = history.history["accuracy"][0]
true_loss, true_accuracy = model.evaluate(x_train, y_train, verbose=0)
print("          loss   accuracy")
print(f"fit       {reported_loss:.4f}   {reported_accuracy:.4f}")
print(f"evaluate  {true_loss:.4f}   {true_accuracy:.4f}")

# %% moving-weights
moving = build_model()
whole_losses = []
for weights in [start_weights, *hand_weights[:63]]:
    moving.set_weights(weights)
    whole = loss_function(y_train, moving(x_train))  # all 4,000
    whole_losses.append(float(whole))

mean_loss = np.average(batch_losses[:63], weights=sizes)
print(f"mean of the {len(sizes)} batch losses {mean_loss:.4f}")
print(f"all images, last weights    {whole_losses[-1]:.4f}")

# %% draw-moving-weights
updates_so_far = np.arange(64)
fig, ax = plt.subplots(figsize=(5.2, 3.6), layout="tight")
ax.plot(
    updates_so_far[:-1],
    batch_losses[:63],
    ".",
    color="C2",
    label="next batch",
)
ax.plot(
    updates_so_far[1:],
    reported[:63],
    color="C0",
    label="reported by fit",
)
ax.plot(
    updates_so_far,
    whole_losses,
    "--",
    color="C1",
    label="all 4,000 images",
)
ax.set(xlabel="updates so far", ylabel="loss (cross-entropy)")
ax.set_ylim(0, 2.5)
ax.legend()
plt.show()

# %% same-rows-hold tags=["check"]
assert reported_loss > true_loss + 0.2
assert true_accuracy > reported_accuracy + 0.05
assert abs(mean_loss - reported_loss) < 1e-4
assert abs(whole_losses[-1] - true_loss) < 1e-4
unweighted_mean = np.mean(batch_losses[:63])
assert 1e-4 < abs(unweighted_mean - mean_loss) < 0.05
# early the mean is close to the truth, then it lags ever more
lag = np.array(reported[:63]) - whole_losses[1:]
assert lag[-1] > 0.2 and np.all(lag[5:] > 0)


# %% frozen-weights
def frozen_model(rate):
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(rate, seed=0),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.set_weights(trained_weights)
    still = keras.optimizers.SGD(learning_rate=0.0)
    model.compile(still, loss="sparse_categorical_crossentropy")
    return model


frozen = {}
keras.utils.set_random_seed(0)
for rate in (0.0, 0.5):
    model = frozen_model(rate)
    history = model.fit(x_train, y_train, batch_size=64, verbose=0)
    by_fitting = history.history["loss"]
    evaluated = model.evaluate(x_train, y_train, verbose=0)
    frozen[rate] = by_fitting[0], evaluated
    print(f"dropout {rate}   fit {by_fitting[0]:.4f}", end="")
    print(f"   evaluate {evaluated:.4f}")

# %% frozen-weights-hold tags=["check"]
assert abs(frozen[0.0][0] - frozen[0.0][1]) < 1e-4
assert frozen[0.5][0] > frozen[0.5][1] + 0.03
assert abs(frozen[0.5][1] - frozen[0.0][1]) < 1e-6
assert np.array_equal(model.get_weights()[0], trained_weights[0])
frozen_gap = frozen[0.5][0] - frozen[0.5][1]
late_fit, late_evaluate = curves["loss"][-1], frozen[0.0][1]
assert abs(late_fit - late_evaluate) < 0.03

# %% seeds
import random


def same_twice(set_seed):
    kernels = []
    for _ in range(2):
        set_seed()
        kernels.append(build_model().get_weights()[0])
    return np.array_equal(*kernels)


print("no seed         ", same_twice(lambda: None))
print("NumPy           ", same_twice(lambda: np.random.seed(1)))
print("TensorFlow      ", same_twice(lambda: tf.random.set_seed(1)))
print("Python          ", same_twice(lambda: random.seed(1)))
print("set_random_seed ", end=" ")
print(same_twice(lambda: keras.utils.set_random_seed(1)))


# %% seeds-hold tags=["check"]
def both():
    np.random.seed(1)
    tf.random.set_seed(1)


assert not same_twice(lambda: None)
assert not same_twice(both)
assert not same_twice(lambda: tf.random.set_seed(1))
assert same_twice(lambda: random.seed(1))
assert same_twice(lambda: keras.utils.set_random_seed(1))


# %% same-training
def train_once(seed):
    keras.utils.set_random_seed(seed)
    model = compile_model(build_model())
    model.fit(x_train, y_train, batch_size=64, verbose=0)
    guesses = np.argmax(model(x_val), axis=1)
    return np.mean(guesses == y_val), model.get_weights()


first, again, other = train_once(1), train_once(1), train_once(2)
same_gap = largest_gap(first[1], again[1])
other_gap = largest_gap(first[1], other[1])
print(f"seeds 1 and 1: largest gap {same_gap:.0e}")
print(f"seeds 1 and 2: largest gap {other_gap:.0e}")
seed_accuracies = [first[0], again[0], other[0]]
print("val_accuracy", [round(float(a), 4) for a in seed_accuracies])

# %% same-training-holds tags=["check"]
assert same_gap == 0 and other_gap > 0.1
assert seed_accuracies[0] == seed_accuracies[1]


# %% same-order
class Orders(keras.Model):
    def train_step(self, data):
        print(data[0].numpy().ravel())  # the rows of this batch
        return {"loss": 0.0}


rows = np.arange(10)[:, None]
inputs = keras.Input((1,))
orders = Orders(inputs, inputs)
orders.compile(run_eagerly=True)

keras.utils.set_random_seed(0)
_ = orders.fit(rows, rows, epochs=3, verbose=0)


# %% new-order
def shuffled():
    dataset = tf.data.Dataset.from_tensor_slices((rows, rows))
    return dataset.shuffle(len(rows), seed=0).batch(10)


for name in ("first ", "second"):
    print(name, "dataset")
    _ = orders.fit(shuffled(), epochs=3, shuffle=False, verbose=0)

# %% order-holds tags=["check"]
import warnings

seen = []


class Listed(Orders):
    def train_step(self, data):
        seen.append(tuple(data[0].numpy().ravel()))
        return {"loss": 0.0}


listed = Listed(inputs, orders.outputs)
listed.compile(run_eagerly=True)
keras.utils.set_random_seed(0)
listed.fit(rows, rows, epochs=3, verbose=0)
assert len(set(seen)) == 1 and seen[0] != tuple(range(10))
for _ in range(2):
    listed.fit(shuffled(), epochs=3, shuffle=False, verbose=0)
assert seen[3:6] == seen[6:9] and len(set(seen[3:6])) == 3
one = shuffled()  # a seed set later does not start it again
for _ in range(2):
    keras.utils.set_random_seed(0)
    listed.fit(one, epochs=1, shuffle=False, verbose=0)
assert seen[9] == seen[3] and seen[10] != seen[9]
tf.random.set_seed(None)  # no seed: a new order at each epoch
listed.fit(rows, rows, epochs=3, verbose=0)
assert len(set(seen[11:])) == 3
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    listed.fit(shuffled(), verbose=0)
assert any("will be ignored" in str(w.message) for w in caught)
keras.utils.set_random_seed(0)

# %% old-names
for thing, name in ((model, "predict_classes"), (plt, "add_subplot")):
    try:
        getattr(thing, name)
    except AttributeError as error:
        print("AttributeError:", error)

# %% old-names-hold tags=["check"]
for name in ("evalueate", "predeict"):  # as typed in the notes
    assert not hasattr(model, name)
assert callable(plt.subplot) and callable(plt.figure().add_subplot)
plt.close()

# %% not-a-dict
try:
    history["loss"]
except TypeError as error:
    print("TypeError:", error)

# %% one-image
import re

print(x_test[0].shape, "and", x_test[:1].shape)
try:
    model.predict(x_test[0], verbose=0)
except ValueError as error:
    print("ValueError: …", re.search(r"Expected.*?\)", str(error))[0])
    print(re.search(r"but input.*\)", str(error))[0])
print(model.predict(x_test[:1], verbose=0).shape)

# %% argmax
print("argmax()      ", probabilities.argmax())
print("argmax(axis=0)", probabilities.argmax(axis=0).shape)
print("argmax(axis=1)", probabilities.argmax(axis=1).shape)

# %% argmax-holds tags=["check"]
row, column = divmod(int(probabilities.argmax()), 10)
assert probabilities[row, column] == probabilities.max()

# %% fit-again
keras.utils.set_random_seed(0)
model = compile_model(build_model())
for _ in range(2):
    history = model.fit(
        x_train, y_train, batch_size=64, epochs=2, verbose=0
    )
    losses = [round(loss, 3) for loss in history.history["loss"]]
    print("epoch", history.epoch, "loss", losses)

# %% fit-again-holds tags=["check"]
assert history.epoch == [0, 1] and losses[0] < 0.65
assert int(model.optimizer.iterations) == 4 * 63
options = {"initial_epoch": 3, "epochs": 3, "verbose": 0}
assert model.fit(x_train, y_train, **options).history == {}

# %% forgotten
penalty = keras.regularizers.L2(0.01)
model = keras.Sequential(
    [
        keras.Input((28, 28)),
        layers.Flatten(),
        layers.Dense(64, activation="relu", kernel_regularizer=penalty),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
x_batch, y_batch = x_train[:64], y_train[:64]
careless = loss_function(y_batch, model(x_batch))
in_training = loss_function(y_batch, model(x_batch, training=True))
complete = in_training + sum(model.losses)
print(f"model(x)                {careless:.3f}")
print(f"model(x, training=True) {in_training:.3f}")
print(f"and sum(model.losses)   {complete:.3f}")

# %% forgotten-holds tags=["check"]
assert complete > in_training + 0.1
assert abs(in_training - careless) > 1e-3
assert len(model.losses) == 1
assert np.array_equal(model(x_batch), model(x_batch))

# %% exercise-1 tags=["solution"]
keras.utils.set_random_seed(0)
model = compile_model(build_model())
history = model.fit(
    x_train,
    y_train,
    batch_size=96,
    epochs=2,
    validation_split=0.3,
    verbose=0,
)
print("steps an epoch", history.params["steps"])
print("updates       ", int(model.optimizer.iterations))

# %% exercise-1-holds tags=["check"]
assert history.params["steps"] == 30 and 2_800 - 29 * 96 == 16
assert int(model.optimizer.iterations) == 60
from keras.src.trainers.data_adapters import array_slicing

kept, held_out = array_slicing.train_validation_split(
    (x_train, y_train), validation_split=0.3
)
assert len(kept[0]) == 2_800 and len(held_out[0]) == 1_200

# %% exercise-2 tags=["solution"]
keras.utils.set_random_seed(0)
model = compile_model(build_model())
by_fitting, evaluated = [], []
for _ in range(5):
    history = model.fit(x_train, y_train, batch_size=64, verbose=0)
    by_fitting += history.history["loss"]
    evaluated.append(model.evaluate(x_train, y_train, verbose=0)[0])

ends = np.arange(1, 6)
fig, ax = plt.subplots(figsize=(5.2, 3.2), layout="tight")
ax.plot(ends, evaluated, "o-", label="evaluate, end of epoch")
ax.plot(ends, by_fitting, "s:", label="fit, drawn at the end")
ax.plot(
    ends - 0.5, by_fitting, "^--", label="fit, half an epoch earlier"
)
ax.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
ax.legend()
plt.show()

# %% exercise-2-holds tags=["check"]
later = np.array(by_fitting[1:])
at_end = np.array(evaluated[1:])
halfway = np.interp(ends[1:] - 0.5, ends, evaluated)
late, shifted = np.abs(later - at_end), np.abs(later - halfway)
assert late.mean() > 2 * shifted.mean()

# %% exercise-3 tags=["solution"]
keras.utils.set_random_seed(0)
model = compile_model(build_model())
history = model.fit(
    x_sorted,
    y_sorted,
    batch_size=64,
    epochs=3,
    shuffle=False,
    validation_data=(x_val, y_val),
    verbose=0,
)
for name in ("accuracy", "val_accuracy"):
    values = history.history[name]
    print(name, [round(value, 3) for value in values])
unshuffled_accuracy = history.history["accuracy"][-1]

# %% exercise-3-answers tags=["solution"]
keras.utils.set_random_seed(0)
model = build_model()
optimizer = keras.optimizers.Adam()
one_epoch = training_steps(model, optimizer, x_sorted, y_sorted, 64)
answers = []
for start in range(0, len(x_sorted), 64):
    y_pred = model(x_sorted[start : start + 64])
    answers.extend(np.argmax(y_pred, axis=1))  # before the update
    next(one_epoch)
answers = np.array(answers)
val_answers = np.argmax(model(x_val), axis=1)  # after the epoch

print("class  right  usual answer  validation right")
for c in range(10):
    mine = answers[y_sorted == c]
    usual = np.bincount(mine).argmax()
    val_right = np.mean(val_answers[y_val == c] == c)
    print(f"{c:5} {np.mean(mine == c):6.2f} {usual:13}", end="")
    print(f"{val_right:18.2f}")

# %% exercise-3-holds tags=["check"]
assert history.history["accuracy"][0] < 0.15
assert history.history["val_accuracy"][-1] < 0.7
assert history.history["val_accuracy"][-1] > unshuffled_accuracy
assert np.mean(answers == y_sorted) < 0.15
assert np.mean(answers[y_sorted == 0] == 0) > 0.5
for c in range(1, 10):
    mine = answers[y_sorted == c]
    assert np.mean(mine == c) < 0.2 and np.bincount(mine).argmax() < c
assert np.mean(val_answers == y_val) > np.mean(answers == y_sorted)

# %% exercise-4 tags=["solution"]
table = []
print("batch  epochs  updates  loss   accuracy")
for batch_size, epochs in ((128, 2), (512, 2), (512, 8)):
    keras.utils.set_random_seed(0)
    model = compile_model(build_model())
    model.fit(
        x_train,
        y_train,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
    )
    updates = int(model.optimizer.iterations)
    loss, accuracy = model.evaluate(x_val, y_val, verbose=0)
    table.append((updates, loss))
    print(f"{batch_size:5} {epochs:7} {updates:8}", end="")
    print(f"  {loss:.3f}  {accuracy:.3f}")

# %% exercise-4-holds tags=["check"]
assert [row[0] for row in table] == [64, 16, 64]
assert table[0][1] < table[1][1] - 0.1
assert table[2][1] < table[1][1] - 0.2
assert table[2][1] < table[0][1] - 0.01


# %% exercise-5 tags=["solution"]
def my_fit(
    model, x, y, batch_size, epochs, validation_data, shuffle=True
):
    optimizer = keras.optimizers.Adam()
    variables = model.trainable_variables
    x_val, y_val = validation_data

    @tf.function
    def step(x_batch, y_batch):
        with tf.GradientTape() as tape:
            y_pred = model(x_batch, training=True)
            loss = loss_function(y_batch, y_pred) + sum(model.losses)
        gradients = tape.gradient(loss, variables)
        optimizer.apply(gradients, variables)
        return loss, y_pred

    rng = np.random.default_rng(0)
    history = {}
    for _ in range(epochs):
        order = np.arange(len(x))
        if shuffle:
            order = rng.permutation(order)
        total, right = 0.0, 0
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            loss, y_pred = step(x[rows], y[rows])
            total += float(loss) * len(rows)
            right += np.sum(np.argmax(y_pred, axis=1) == y[rows])
        y_pred = model(x_val, training=False)
        val_loss = loss_function(y_val, y_pred) + sum(model.losses)
        logs = {
            "accuracy": right / len(x),
            "loss": total / len(x),
            "val_accuracy": np.mean(np.argmax(y_pred, axis=1) == y_val),
            "val_loss": float(val_loss),
        }
        for name, value in logs.items():
            history.setdefault(name, []).append(value)
    return history


# %% exercise-5-run tags=["solution"]
def penalized_model():
    penalty = keras.regularizers.L2(0.01)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, "relu", kernel_regularizer=penalty),
            layers.Dense(10, "softmax"),
        ]
    )
    model.set_weights(start_weights)
    return model


model, same = penalized_model(), penalized_model()
val_data = (x_val, y_val)
mine = my_fit(model, x_train, y_train, 64, 2, val_data, shuffle=False)
theirs = (
    compile_model(same)
    .fit(
        x_train,
        y_train,
        batch_size=64,
        epochs=2,
        validation_data=val_data,
        shuffle=False,
        verbose=0,
    )
    .history
)
for name in theirs:
    print(f"{name:13} fit   ", [round(v, 4) for v in theirs[name]])
    print(" " * 13, "my_fit", [round(float(v), 4) for v in mine[name]])
gap = largest_gap(model.get_weights(), same.get_weights())
print(f"largest gap of all weights {gap:.0e}")

# %% exercise-5-holds tags=["check"]
assert set(mine) == set(theirs) == set(curves)
for name in theirs:
    np.testing.assert_allclose(mine[name], theirs[name], atol=2e-3)
assert gap < 1e-3 and len(model.losses) == 1
shuffled_curves = my_fit(
    build_model(), x_train[:640], y_train[:640], 64, 1, val_data
)
assert shuffled_curves["loss"][0] < 3
