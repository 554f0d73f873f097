# ---
# jupyter:
#   book:
#     seconds: 900
# ---

# %% load
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

(x_all, y_all), (x_test, y_test) = (
    keras.datasets.fashion_mnist.load_data()
)
print("training images:", x_all.shape, x_all.dtype)
print("training labels:", y_all.shape, y_all.dtype)
print("test images:    ", x_test.shape, x_test.dtype)
print("pixel values:   ", x_all.min(), "to", x_all.max())

# %% loaded tags=["check"]
assert x_all.shape == (60_000, 28, 28)
assert y_all.shape == (60_000,)
assert x_test.shape == (10_000, 28, 28)
assert x_all.dtype == y_all.dtype == np.uint8
assert (x_all.min(), x_all.max()) == (0, 255)

# %% class-counts
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
class_counts = np.bincount(y_all)
for label, name in enumerate(class_names):
    print(label, f"{name:12s}", class_counts[label])

# %% balanced tags=["check"]
assert np.all(class_counts == 6_000)

# %% one-image
boot = x_all[0]
print("label:", y_all[0], class_names[y_all[0]])
print(boot[13:19, 17:27])

fig, ax = plt.subplots(figsize=(4.4, 3.4))
picture = ax.imshow(boot, cmap="gray")
ax.set(xlabel="column", ylabel="row")
fig.colorbar(picture, label="pixel value")
plt.show()

# %% image-grid
fig, axes = plt.subplots(5, 5, figsize=(5.4, 6.2))
for i, ax in enumerate(axes.flat):
    ax.imshow(x_all[i], cmap="gray")
    ax.set_title(class_names[y_all[i]], fontsize=9)
    ax.axis("off")
plt.tight_layout()
plt.show()

# %% prepare
order = np.random.default_rng(18).permutation(len(x_all))
train, held_out = order[:50_000], order[50_000:]

x_train = x_all[train].astype("float32") / 255
x_val = x_all[held_out].astype("float32") / 255
y_train, y_val = y_all[train], y_all[held_out]

print("train:     ", x_train.shape, x_train.dtype)
print("validation:", x_val.shape, x_val.dtype)
print("range:     ", x_train.min(), "to", x_train.max())
print("validation images per class:")
print(np.bincount(y_val))

# %% prepared tags=["check"]
assert len(set(train) | set(held_out)) == 60_000
assert not set(train) & set(held_out)
assert x_train.dtype == np.float32
assert (x_train.min(), x_train.max()) == (0.0, 1.0)
assert np.all(np.abs(np.bincount(y_val) - 1_000) < 120)

# %% build-mlp
keras.utils.set_random_seed(1)
mlp = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Flatten(),
        layers.Dense(512, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    name="mlp",
)
mlp.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
mlp.summary(line_length=48)
mlp_parameters = mlp.count_params()

# %% mlp-size tags=["check"]
assert mlp_parameters == 784 * 512 + 512 + 512 * 10 + 10

# %% before-training
untrained_loss, untrained_accuracy = mlp.evaluate(
    x_val, y_val, verbose=0
)
print(f"loss     {untrained_loss:.3f}  (ln 10 = {np.log(10):.3f})")
print(f"accuracy {untrained_accuracy:.3f}  (guessing: 0.1)")

# %% starts-near-chance tags=["check"]
assert np.log(10) < untrained_loss < 3.0
assert untrained_accuracy < 0.3
# Without predict: nothing may touch the random state here.
first, first_bias, second, second_bias = mlp.get_weights()
untrained_hidden = x_val.reshape(-1, 784) @ first + first_bias
untrained_logits = (
    np.maximum(untrained_hidden, 0) @ second + second_bias
)
untrained_counts = np.bincount(
    untrained_logits.argmax(axis=1), minlength=10
)
untrained_share = float(untrained_counts.max() / len(y_val))
assert untrained_share > 0.5

# %% train-mlp
stop = keras.callbacks.EarlyStopping(
    monitor="val_loss", patience=5, restore_best_weights=True
)
mlp_run = mlp.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=25,
    batch_size=256,
    callbacks=[stop],
    verbose=0,
)
print(mlp_run.history.keys())
np.set_printoptions(precision=3, suppress=True)
print(np.array(mlp_run.history["val_loss"]))
print(np.array(mlp_run.history["val_accuracy"]))


# %% mlp-curves
def plot_curves(run):
    epochs = np.arange(1, len(run.history["loss"]) + 1)
    fig = plt.figure(figsize=(5.5, 3))
    for place, name in enumerate(["loss", "accuracy"], start=1):
        ax = fig.add_subplot(1, 2, place)
        ax.plot(epochs, run.history[name], "o-", ms=3)
        ax.plot(epochs, run.history["val_" + name], "s--", ms=3)
        ax.set(xlabel="epoch", title=name)
        ax.legend(["training", "validation"])
    fig.tight_layout()


plot_curves(mlp_run)
plt.show()

mlp_epochs = len(mlp_run.history["loss"])
mlp_best_epoch = 1 + int(np.argmin(mlp_run.history["val_loss"]))
print(f"best validation loss: epoch {mlp_best_epoch}")

# %% mlp-overfits tags=["check"]
assert set(mlp_run.history) == {
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
}
mlp_losses = np.array(mlp_run.history["loss"])
assert np.all(np.diff(mlp_losses) < 0.005)
assert mlp_losses[0] - mlp_losses[-1] > 0.2
assert 5 <= mlp_best_epoch < mlp_epochs
assert mlp_run.history["val_loss"][-1] > min(
    mlp_run.history["val_loss"]
)
assert mlp_epochs < 25
assert mlp_run.history["val_loss"][0] < mlp_losses[0]
mlp_val_accuracies = mlp_run.history["val_accuracy"]
assert np.ptp(mlp_val_accuracies[mlp_best_epoch - 1 :]) < 0.02

# %% mlp-gap
mlp_train_loss, mlp_train_accuracy = mlp.evaluate(
    x_train, y_train, batch_size=500, verbose=0
)
mlp_validation_loss, mlp_validation_accuracy = mlp.evaluate(
    x_val, y_val, batch_size=500, verbose=0
)
print(
    "training:  ", f"{mlp_train_loss:.3f}", f"{mlp_train_accuracy:.3f}"
)
print(
    "validation:",
    f"{mlp_validation_loss:.3f}",
    f"{mlp_validation_accuracy:.3f}",
)

# %% mlp-good-enough tags=["check"]
assert mlp_validation_accuracy >= 0.88
assert mlp_train_accuracy - mlp_validation_accuracy > 0.01
assert mlp_train_loss < mlp_validation_loss
# The best weights came back, not the last ones.
assert np.isclose(
    mlp_validation_loss,
    min(mlp_run.history["val_loss"]),
    atol=1e-3,
)

# %% convolution
trouser = x_train[y_train == 1][0]
kernel = np.array([[-1, 0, 1]] * 3, dtype="float32")

response = keras.ops.conv(
    trouser[None, :, :, None], kernel[:, :, None, None]
)
response = np.array(response)[0, :, :, 0]
print("image", trouser.shape, "-> response", response.shape)

row, column = np.unravel_index(response.argmax(), response.shape)
patch = trouser[row : row + 3, column : column + 3]
print(f"patch at row {row}, column {column}:")
print(patch)
print("by hand: ", np.sum(patch * kernel))
print("by Keras:", response[row, column])

# %% convolution-figure
panels = [
    ("image", trouser, "gray", 0, 1),
    ("kernel", kernel, "RdBu", -3, 3),
    ("response", response, "RdBu", -3, 3),
]
fig, axes = plt.subplots(1, 3, figsize=(5.5, 2.3))
for ax, (title, values, cmap, low, high) in zip(
    axes, panels, strict=True
):
    shown = ax.imshow(values, cmap=cmap, vmin=low, vmax=high)
    ax.set(title=title, xticks=[], yticks=[])
fig.colorbar(shown, ax=axes, shrink=0.7)
plt.show()

# %% convolution-by-hand tags=["check"]
assert response.shape == (26, 26)
for i in range(26):
    for j in range(26):
        window = trouser[i : i + 3, j : j + 3]
        assert np.isclose(
            np.sum(window * kernel), response[i, j], atol=1e-5
        )
# Left borders of bright areas answer with +, right borders with -.
assert response.max() > 1.5 and response.min() < -1.5

# %% build-cnn
keras.utils.set_random_seed(1)
cnn = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Reshape((28, 28, 1)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    name="cnn",
)
for layer in cnn.layers:
    shape = str(layer.output.shape[1:])
    print(f"{layer.name:16s}{shape:14s}{layer.count_params():8,}")
cnn_parameters = cnn.count_params()
print(f"{'sum':30s}{cnn_parameters:8,}")

# %% cnn-size tags=["check"]
assert cnn.get_layer(index=1).output.shape[1:] == (28, 28, 32)
assert cnn_parameters < mlp_parameters
conv_parameters = sum(
    layer.count_params()
    for layer in cnn.layers
    if isinstance(layer, layers.Conv2D)
)
first_dense_parameters = cnn.get_layer(index=-2).count_params()
assert first_dense_parameters == 1_152 * 128 + 128
assert first_dense_parameters > conv_parameters

# %% train-cnn
cnn.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
cnn_stop = keras.callbacks.EarlyStopping(
    monitor="val_loss", patience=5, restore_best_weights=True
)
cnn_run = cnn.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=12,
    batch_size=64,
    callbacks=[cnn_stop],
    verbose=0,
)
print(np.array(cnn_run.history["val_loss"]))
print(np.array(cnn_run.history["val_accuracy"]))

# %% cnn-curves
plot_curves(cnn_run)
plt.show()

cnn_epochs = len(cnn_run.history["loss"])
cnn_best_epoch = 1 + int(np.argmin(cnn_run.history["val_loss"]))
print(f"best validation loss: epoch {cnn_best_epoch}")

# %% cnn-gap
cnn_train_loss, cnn_train_accuracy = cnn.evaluate(
    x_train, y_train, batch_size=500, verbose=0
)
cnn_validation_loss, cnn_validation_accuracy = cnn.evaluate(
    x_val, y_val, batch_size=500, verbose=0
)
print(
    "training:  ", f"{cnn_train_loss:.3f}", f"{cnn_train_accuracy:.3f}"
)
print(
    "validation:",
    f"{cnn_validation_loss:.3f}",
    f"{cnn_validation_accuracy:.3f}",
)

# %% cnn-good-enough tags=["check"]
assert cnn_validation_accuracy >= 0.91
assert cnn_validation_accuracy > mlp_validation_accuracy + 0.01
assert cnn_train_accuracy - cnn_validation_accuracy > 0.005
# Early on, the validation curve is the better one: dropout acts
# in training only, and the training value is an epoch's mean.
assert cnn_run.history["val_loss"][0] < cnn_run.history["loss"][0]
assert cnn_run.history["val_loss"][-1] > cnn_run.history["loss"][-1]
# The earlier of the limit and the end of the patience.
assert cnn_epochs == min(12, cnn_best_epoch + 5)
assert np.isclose(
    cnn_validation_loss,
    min(cnn_run.history["val_loss"]),
    atol=1e-3,
)

# %% predict
probabilities = cnn.predict(x_val, batch_size=500, verbose=0)
print("shape:", probabilities.shape)

sure = probabilities.max(axis=1).argmax()
unsure = probabilities.max(axis=1).argmin()
print(f"image       {sure:8d} {unsure:8d}")
for k, name in enumerate(class_names):
    p, q = probabilities[[sure, unsure], k]
    print(f"{name:12s}{p:8.3f} {q:8.3f}")
print(
    "true:", class_names[y_val[sure]], "|", class_names[y_val[unsure]]
)

# %% unsure-image
fig, axes = plt.subplots(1, 2, figsize=(5.5, 2.8))
for ax, i in zip(axes, [sure, unsure], strict=True):
    ax.imshow(x_val[i], cmap="gray")
    ax.set_title(f"{class_names[y_val[i]]} (image {i})", fontsize=10)
    ax.axis("off")
fig.tight_layout()
plt.show()

# %% probabilities-sum tags=["check"]
assert probabilities.shape == (10_000, 10)
assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
assert probabilities[sure].max() > 0.999
assert probabilities[unsure].max() < 0.5

# %% confusion-matrix
import seaborn as sns
from sklearn.metrics import classification_report, confusion_matrix

y_pred = probabilities.argmax(axis=1)
cm = confusion_matrix(y_val, y_pred)

sns.set_theme(style="white", palette="colorblind")
plt.figure(figsize=(5.5, 5))
sns.heatmap(
    cm,
    annot=True,
    fmt="d",
    cmap="Blues",
    vmax=130,
    cbar=False,
    annot_kws={"size": 8},
    xticklabels=class_names,
    yticklabels=class_names,
)
plt.xlabel("predicted class")
plt.ylabel("true class")
plt.tight_layout()
plt.show()

# %% confusion-adds-up tags=["check"]
assert np.array_equal(cm.sum(axis=1), np.bincount(y_val))
assert np.isclose(
    np.trace(cm) / len(y_val), cnn_validation_accuracy, atol=1e-6
)

# %% report
print(
    classification_report(
        y_val, y_pred, target_names=class_names, digits=3
    )
)

# %% recall-per-class
mlp_pred = mlp.predict(x_val, batch_size=500, verbose=0).argmax(1)
mlp_cm = confusion_matrix(y_val, mlp_pred)
mlp_recall = np.diag(mlp_cm) / mlp_cm.sum(axis=1)
cnn_recall = np.diag(cm) / cm.sum(axis=1)
change = cnn_recall - mlp_recall
improved_classes = int(np.sum(change > 0))
most_improved = class_names[change.argmax()]
least_improved = class_names[change.argmin()]
print("improved:", improved_classes, "of 10 classes")
print(f"most:  {most_improved} {change.max():+.3f}")
print(f"least: {least_improved} {change.min():+.3f}")

lines = np.arange(10)
fig, ax = plt.subplots(figsize=(5.5, 3.8))
ax.hlines(lines, mlp_recall, cnn_recall, color="gray")
ax.plot(mlp_recall, lines, "o", label="MLP")
ax.plot(cnn_recall, lines, "s", label="CNN")
ax.set_yticks(lines, class_names)
ax.invert_yaxis()
ax.set_xlabel("recall on validation images")
ax.legend(loc="upper left")
fig.tight_layout()
plt.show()

# %% recalls-hold tags=["check"]
upper_body = [0, 2, 3, 4, 6]
assert int(cnn_recall.argmin()) in upper_body
assert int(mlp_recall.argmin()) in upper_body
cnn_precision = np.diag(cm) / cm.sum(axis=0)
cnn_f1 = 2 * cnn_precision * cnn_recall
cnn_f1 /= cnn_precision + cnn_recall
assert cnn_f1.argmin() == 6  # Shirt
assert np.all(cnn_recall[[1, 5, 7, 8, 9]] > 0.93)
assert np.all(mlp_recall[[1, 5, 7, 8, 9]] > 0.9)

# %% confused-pairs
mistakes = cm.copy()
np.fill_diagonal(mistakes, 0)
for cell in np.argsort(mistakes, axis=None)[::-1][:6]:
    true, predicted = np.unravel_index(cell, mistakes.shape)
    count = mistakes[true, predicted]
    called = class_names[predicted]
    print(f"{count:3d}  {class_names[true]:12s}called {called}")

tops = [0, 2, 3, 4, 6]
tops_share = mistakes[np.ix_(tops, tops)].sum() / mistakes.sum()
print(f"among tops and dresses: {tops_share:.1%}")
shirt_mistakes = mistakes[6].sum() + mistakes[:, 6].sum()
shirt_share = shirt_mistakes / mistakes.sum()
print(f"with Shirt as label or answer: {shirt_share:.1%}")

# %% tops-are-the-trouble tags=["check"]
assert tops_share > 0.7
assert shirt_share > 0.35
involved = mistakes.sum(axis=0) + mistakes.sum(axis=1)
assert involved.argmax() == 6

# %% look-alikes
rows = [(6, 0), (0, 6), (4, 2)]
fig, axes = plt.subplots(len(rows), 5, figsize=(5.5, 4))
for strip, (true, predicted) in zip(axes, rows, strict=True):
    found = np.flatnonzero((y_val == true) & (y_pred == predicted))
    for k, ax in enumerate(strip):
        ax.imshow(x_val[found[k]], cmap="gray")
        ax.axis("off")
    strip[0].set_title(
        f"{class_names[true]}, called {class_names[predicted]}",
        loc="left",
        fontsize=10,
    )
fig.tight_layout()
plt.show()

# %% enough-look-alikes tags=["check"]
assert all(cm[true, predicted] >= 5 for true, predicted in rows)

# %% gallery
confidence = probabilities.max(axis=1)
wrong = np.flatnonzero(y_pred != y_val)
surest = wrong[np.argsort(-confidence[wrong])][:9]

fig, axes = plt.subplots(3, 3, figsize=(5.4, 6.6))
for ax, i in zip(axes.flat, surest, strict=True):
    ax.imshow(x_val[i], cmap="gray")
    answer, label = class_names[y_pred[i]], class_names[y_val[i]]
    title = f"{answer} {confidence[i]:.3f}\ntrue: {label}"
    ax.set_title(title, fontsize=9)
    ax.axis("off")
fig.tight_layout()
plt.show()

right = y_pred == y_val
right_confidence = float(confidence[right].mean())
wrong_confidence = float(confidence[wrong].mean())
print("mean top probability")
print(f"  right answers: {right_confidence:.3f}")
print(f"  wrong answers: {wrong_confidence:.3f}")

mistake_count = len(wrong)
confident_answers = int(np.sum(confidence > 0.9))
confident_mistakes = int(np.sum(confidence[wrong] > 0.9))
print("answers above 0.9:", confident_answers, "of", len(y_val))
print("mistakes above 0.9:", confident_mistakes, "of", mistake_count)

# %% some-are-sure tags=["check"]
assert mistake_count == np.sum(mistakes)
assert confidence[surest].min() > 0.9
assert right_confidence > wrong_confidence + 0.1
assert confident_mistakes < 0.1 * confident_answers

# %% save-and-load
cnn.save("fashion-cnn.keras")
reloaded = keras.saving.load_model("fashion-cnn.keras")
again = reloaded.predict(x_val, batch_size=500, verbose=0)
print("bit for bit equal:", np.array_equal(again, probabilities))

# %% reload-is-exact tags=["check"]
assert np.array_equal(again, probabilities)

# %% test-once
x_test_scaled = x_test.astype("float32") / 255
_, mlp_test_accuracy = mlp.evaluate(
    x_test_scaled, y_test, batch_size=500, verbose=0
)
_, cnn_test_accuracy = cnn.evaluate(
    x_test_scaled, y_test, batch_size=500, verbose=0
)


def wilson(p, n, z=1.96):
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    spread = np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    half = z * spread / (1 + z**2 / n)
    return center - half, center + half


mlp_low, mlp_high = wilson(mlp_test_accuracy, len(y_test))
cnn_low, cnn_high = wilson(cnn_test_accuracy, len(y_test))
print(f"MLP {mlp_test_accuracy:.4f} [{mlp_low:.4f}, {mlp_high:.4f}]")
print(f"CNN {cnn_test_accuracy:.4f} [{cnn_low:.4f}, {cnn_high:.4f}]")

# %% test-holds tags=["check"]
assert mlp_test_accuracy >= 0.87
assert cnn_test_accuracy >= 0.90
assert cnn_low > mlp_high
assert cnn_low < cnn_test_accuracy < cnn_high

# %% forgotten-scaling
scaled_loss, scaled_accuracy = cnn.evaluate(
    x_val, y_val, batch_size=500, verbose=0
)
raw_loss, raw_accuracy = cnn.evaluate(
    x_val * 255, y_val, batch_size=500, verbose=0
)
twice_loss, twice_accuracy = cnn.evaluate(
    x_val / 255, y_val, batch_size=500, verbose=0
)
print("               loss  accuracy")
print(f"scaled once  {scaled_loss:6.2f}     {scaled_accuracy:.3f}")
print(f"not scaled   {raw_loss:6.2f}     {raw_accuracy:.3f}")
print(f"scaled twice {twice_loss:6.2f}     {twice_accuracy:.3f}")

predictions = cnn.predict(x_val / 255, batch_size=500, verbose=0)
predictions = predictions.argmax(axis=1)
print("answers per class, scaled twice:")
print(np.bincount(predictions, minlength=10))

# %% scaling-matters tags=["check"]
assert raw_loss > 10 * scaled_loss
assert 0.4 < raw_accuracy < scaled_accuracy
assert twice_accuracy < 0.3
twice_counts = np.bincount(predictions, minlength=10)
twice_share = float(twice_counts.max() / len(y_val))
twice_class = class_names[twice_counts.argmax()]
assert twice_share > 0.8
assert abs(twice_accuracy - np.mean(y_val == twice_counts.argmax())) < (
    1.01 - twice_share
)


# %% forgotten-from-logits
def train_on_logits(loss):
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    run = model.fit(
        x_train[:10_000],
        y_train[:10_000],
        validation_data=(x_val, y_val),
        epochs=3,
        verbose=0,
    )
    return run.history


wrong_run = train_on_logits("sparse_categorical_crossentropy")
right_run = train_on_logits(
    keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
print("string:     ", np.array(wrong_run["val_accuracy"]))
print("from_logits:", np.array(right_run["val_accuracy"]))

# %% from-logits-matters tags=["check"]
logits_wrong_accuracy = wrong_run["val_accuracy"][-1]
logits_right_accuracy = right_run["val_accuracy"][-1]
assert logits_right_accuracy > 0.78
assert logits_wrong_accuracy < logits_right_accuracy - 0.05

# %% missing-axis
import re
import textwrap

try:
    keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            layers.Conv2D(32, 3, name="first_conv"),
        ]
    )
except ValueError as error:
    print(textwrap.fill(str(error), 68))
print()
try:
    cnn.predict(x_val[0], verbose=0)
except ValueError as error:
    message = re.sub(r"\x1b\[\d+m", "", str(error))  # no colours
    print(message.splitlines()[2])

# %% single-image tags=["check"]
assert "unknown rank" in message
one = cnn.predict(x_val[0][None], verbose=0)
assert np.allclose(one, probabilities[:1], atol=1e-5)

# %% swapped-arguments
swapped = confusion_matrix(y_pred, y_val)
shirt_recall = cm[6, 6] / cm[6].sum()
swapped_recall = swapped[6, 6] / swapped[6].sum()
shirt_precision = cm[6, 6] / cm[:, 6].sum()
print(f"recall of Shirt:         {shirt_recall:.3f}")
print(f"with swapped arguments:  {swapped_recall:.3f}")
print(f"precision of Shirt:      {shirt_precision:.3f}")

# %% swapped-is-precision tags=["check"]
assert np.array_equal(swapped, cm.T)
assert swapped_recall == shirt_precision != shirt_recall

# %% exercise-1 tags=["solution"]
# inputs per output, outputs per position, positions
table = {
    "conv 1": (3 * 3 * 1, 32, 28 * 28),
    "conv 2": (3 * 3 * 32, 64, 14 * 14),
    "conv 3": (3 * 3 * 64, 128, 7 * 7),
    "dense 1": (3 * 3 * 128, 128, 1),
    "dense 2": (128, 10, 1),
}
parameter_sum = multiplication_sum = 0
print("layer    parameters  multiplications")
for name, (inputs, outputs, positions) in table.items():
    weights = (inputs + 1) * outputs
    products = inputs * outputs * positions
    print(f"{name:8s}{weights:11,}{products:17,}")
    parameter_sum += weights
    multiplication_sum += products
print(f"{'CNN':8s}{parameter_sum:11,}{multiplication_sum:17,}")
mlp_multiplications = 784 * 512 + 512 * 10
print(f"{'MLP':8s}{mlp_parameters:11,}{mlp_multiplications:17,}")

# %% exercise-1-holds tags=["check"]
assert parameter_sum == cnn.count_params()
assert multiplication_sum > 15 * mlp_multiplications

# %% exercise-2 tags=["solution"]
safe_cnn = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Rescaling(1 / 255),
        cnn,
    ]
)
safe = safe_cnn.predict(x_all[held_out], batch_size=500, verbose=0)
gap = np.abs(safe - probabilities).max()
print("input:", x_all[held_out].dtype)
print(f"largest difference: {gap:.0e}")
print("accuracy:", np.mean(safe.argmax(axis=1) == y_val))

# %% exercise-2-holds tags=["check"]
assert gap < 1e-3
assert np.mean(safe.argmax(axis=1) == y_pred) > 0.9995

# %% exercise-3 tags=["solution"]
precision = np.diag(cm) / cm.sum(axis=0)
recall = np.diag(cm) / cm.sum(axis=1)
f1 = 2 * precision * recall / (precision + recall)
for k in (6, 1):
    print(
        class_names[k],
        f"precision {precision[k]:.3f}",
        f"recall {recall[k]:.3f}",
        f"f1 {f1[k]:.3f}",
    )

# %% exercise-3-holds tags=["check"]
by_sklearn = classification_report(
    y_val, y_pred, target_names=class_names, output_dict=True
)
for k, name in enumerate(class_names):
    assert np.isclose(by_sklearn[name]["precision"], precision[k])
    assert np.isclose(by_sklearn[name]["recall"], recall[k])
    assert np.isclose(by_sklearn[name]["f1-score"], f1[k])

# %% exercise-4 tags=["solution"]
for step in range(5):
    padding = ((0, 0), (0, 0), (step, 0))
    moved = np.pad(x_val, padding)[:, :, :28]
    _, mlp_moved = mlp.evaluate(moved, y_val, batch_size=500, verbose=0)
    _, cnn_moved = cnn.evaluate(moved, y_val, batch_size=500, verbose=0)
    print(f"{step} right: MLP {mlp_moved:.3f}  CNN {cnn_moved:.3f}")

# %% exercise-4-holds tags=["check"]
mlp_moved_drop = mlp_validation_accuracy - mlp_moved
cnn_moved_drop = cnn_validation_accuracy - cnn_moved
assert cnn_moved_drop > 0.05
assert mlp_moved_drop > cnn_moved_drop + 0.05

# %% exercise-5 tags=["solution"]
scramble = np.random.default_rng(0).permutation(28 * 28)


def scrambled(x):
    return x.reshape(-1, 784)[:, scramble].reshape(-1, 28, 28)


def small_model(hidden):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            *hidden,
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def dense():
    return [layers.Flatten(), layers.Dense(64, "relu")]


def conv():
    return [
        layers.Reshape((28, 28, 1)),
        layers.Conv2D(32, 5, activation="relu"),
        layers.MaxPooling2D(4),
    ]


few, few_labels = x_train[:8_000], y_train[:8_000]
data = {
    "plain": (few, x_val),
    "scrambled": (scrambled(few), scrambled(x_val)),
}
results = {}
for name, hidden in [("MLP", dense), ("CNN", conv)]:
    for kind, (seen, unseen) in data.items():
        model = small_model(hidden())
        model.fit(seen, few_labels, epochs=4, verbose=0)
        accuracy = model.evaluate(unseen, y_val, verbose=0)[1]
        results[name, kind] = accuracy
        print(f"{name} {kind:9s} {accuracy:.3f}")

# %% exercise-5-holds tags=["check"]
mlp_drop = results["MLP", "plain"] - results["MLP", "scrambled"]
cnn_drop = results["CNN", "plain"] - results["CNN", "scrambled"]
assert abs(mlp_drop) < 0.03
assert cnn_drop > 0.01
assert cnn_drop > mlp_drop + 0.005

# %% exercise-6 tags=["solution"]
p = cnn_test_accuracy
for n in (100, 1_000, 10_000):
    low, high = wilson(p, n)
    print(f"n = {n:6,}: half width {(high - low) / 2:.4f}")
needed_images = int(np.ceil(1.96**2 * p * (1 - p) / 0.001**2))
rounded_images = round(needed_images, -4)
print(f"for 0.001: {needed_images:,}, about {rounded_images:,} images")

# %% exercise-6-holds tags=["check"]
assert needed_images > 100_000
low, high = wilson(p, needed_images)
assert np.isclose((high - low) / 2, 0.001, rtol=0.01)
