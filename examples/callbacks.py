# %% data
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

(x_all, y_all), (x_rest, y_rest) = (
    keras.datasets.fashion_mnist.load_data()
)


def scaled(images):
    return images.astype("float32") / 255


x_train, y_train = scaled(x_all[:2_000]), y_all[:2_000]
x_val, y_val = scaled(x_all[2_000:3_000]), y_all[2_000:3_000]
x_test, y_test = scaled(x_rest[:2_000]), y_rest[:2_000]

print("training  ", x_train.shape, y_train.shape)
print("validation", x_val.shape, y_val.shape)
print("test      ", x_test.shape, y_test.shape)

# %% data-holds tags=["check"]
assert np.bincount(y_train).min() > 170
assert np.bincount(y_val).min() > 70
assert (x_train.min(), x_train.max()) == (0, 1)


# %% build
def build_model(learning_rate=0.003):
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


# %% hooks
class Narrator(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        print("on_train_begin")

    def on_epoch_begin(self, epoch, logs=None):
        print("  on_epoch_begin", epoch)

    def on_train_batch_begin(self, batch, logs=None):
        print("    on_train_batch_begin", batch)

    def on_train_batch_end(self, batch, logs=None):
        print("    on_train_batch_end", batch, *logs)

    def on_test_begin(self, logs=None):
        print("    on_test_begin")

    def on_test_batch_begin(self, batch, logs=None):
        print("      on_test_batch_begin", batch)

    def on_test_batch_end(self, batch, logs=None):
        print("      on_test_batch_end", batch, *logs)

    def on_test_end(self, logs=None):
        print("    on_test_end", *logs)

    def on_epoch_end(self, epoch, logs=None):
        print("  on_epoch_end", epoch, *logs)

    def on_train_end(self, logs=None):
        print("on_train_end")


keras.utils.set_random_seed(0)
model = build_model()
_ = model.fit(
    x_train[:128],
    y_train[:128],
    batch_size=64,
    validation_data=(x_val[:64], y_val[:64]),
    callbacks=[Narrator()],
    verbose=0,
)


# %% hooks-hold tags=["check"]
class Listener(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.heard = []

    def __getattribute__(self, name):
        if name.startswith(("on_train", "on_test", "on_epoch")):
            self.heard.append(name)
        return super().__getattribute__(name)


listener = Listener()
model.fit(
    x_train[:128],
    y_train[:128],
    batch_size=64,
    epochs=2,
    validation_data=(x_val[:64], y_val[:64]),
    callbacks=[listener],
    verbose=0,
)
one_batch = ["on_train_batch_begin", "on_train_batch_end"]
one_epoch = ["on_epoch_begin", *one_batch, *one_batch]
one_epoch += ["on_test_begin", "on_test_batch_begin"]
one_epoch += ["on_test_batch_end", "on_test_end", "on_epoch_end"]
expected = ["on_train_begin", *one_epoch, *one_epoch, "on_train_end"]
start = listener.heard.index("on_train_begin")
assert listener.heard[start:] == expected, listener.heard


class Predicting(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.heard = []

    def on_predict_batch_end(self, batch, logs=None):
        self.heard.append("predict")

    def on_test_batch_end(self, batch, logs=None):
        self.heard.append("test")


predicting = Predicting()
model.predict(x_val[:64], callbacks=[predicting], verbose=0)
model.evaluate(
    x_val[:64], y_val[:64], callbacks=[predicting], verbose=0
)
assert predicting.heard == ["predict"] * 2 + ["test"] * 2

# %% draw-hooks
hooks = [
    (0, "on_train_begin"),
    (1, "on_epoch_begin"),
    (2, "on_train_batch_begin"),
    (2, "on_train_batch_end"),
    (2, "on_test_begin"),
    (3, "on_test_batch_begin"),
    (3, "on_test_batch_end"),
    (2, "on_test_end"),
    (1, "on_epoch_end"),
    (0, "on_train_end"),
]
frames = [  # first row, last row, left edge, colour, name
    (1, 8, 0.35, "C0", "every epoch"),
    (2, 3, 0.75, "C1", "every batch"),
    (4, 7, 0.75, "C2", "validation"),
]
fig, ax = plt.subplots(figsize=(4.5, 4.0), layout="tight")
for row, (depth, name) in enumerate(hooks):
    ax.text(0.12 + 0.4 * depth, row, name, va="center", size=10)
for first, last, left, color, name in frames:
    right = 6.0 - left / 2
    frame = plt.Rectangle(
        (left, first - 0.43), right - left, last - first + 0.86
    )
    frame.set(fill=False, edgecolor=color, linewidth=1.8)
    ax.add_patch(frame)
    style = {"va": "center", "ha": "right", "size": 10}
    ax.text(right - 0.12, first, name, color=color, **style)
ax.set(xlim=(0, 6), ylim=(9.5, -0.5))
ax.axis("off")
plt.show()


# %% training-score
class TrainingScore(keras.callbacks.Callback):
    """After each epoch, scores the training data anew."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def on_epoch_end(self, epoch, logs=None):
        options = {"batch_size": 1_000, "verbose": 0}
        scores = self.model.evaluate(
            self.x, self.y, return_dict=True, **options
        )
        logs["true_loss"] = scores["loss"]


# %% long-run
keras.utils.set_random_seed(1)
model = build_model()
history = model.fit(
    x_train,
    y_train,
    batch_size=128,
    epochs=25,
    validation_data=(x_val, y_val),
    callbacks=[TrainingScore(x_train, y_train)],
    verbose=0,
)
curves = history.history
print(*curves)
lowest = int(np.argmin(curves["val_loss"]))
picked = 1, 2, lowest + 1, 25
print("epoch       ", *(f"{epoch:5}" for epoch in picked))
for name in ("loss", "true_loss", "val_loss", "val_accuracy"):
    values = (f"{curves[name][epoch - 1]:.3f}" for epoch in picked)
    print(f"{name:12}", *values)

# %% long-run-holds tags=["check"]
val_losses = np.array(curves["val_loss"])
lowest_val = val_losses[lowest]
final_val = val_losses[-1]
final_true = curves["true_loss"][-1]
best_accuracy = curves["val_accuracy"][lowest]
final_accuracy = curves["val_accuracy"][-1]
assert curves["loss"][0] > curves["true_loss"][0] + 0.1
assert 5 <= lowest < 20 and final_val > lowest_val + 0.05
assert final_true < 0.5 * curves["true_loss"][lowest]
assert abs(final_accuracy - best_accuracy) < 0.03
evaluated = model.evaluate(x_train, y_train, verbose=0)[0]
assert abs(evaluated - final_true) < 1e-5
assert isinstance(history, keras.callbacks.Callback)

# %% early-stopping
stopping = keras.callbacks.EarlyStopping(
    monitor="val_loss", patience=5, verbose=1
)
keras.utils.set_random_seed(1)
stopped = build_model()
stopped_history = stopped.fit(
    x_train,
    y_train,
    batch_size=128,
    epochs=25,  # at most
    validation_data=(x_val, y_val),
    callbacks=[stopping],
    verbose=0,
)
stopped_after = len(stopped_history.epoch)
best_epoch = stopping.best_epoch + 1  # counted from 1
best_loss = stopping.best
last_loss = stopped_history.history["val_loss"][-1]
print(f"epochs run  {stopped_after}")
print(f"best epoch  {best_epoch}  val_loss {best_loss:.3f}")
print(f"last epoch  {stopped_after} val_loss {last_loss:.3f}")
until_then = curves["val_loss"][:stopped_after]
same = stopped_history.history["val_loss"] == until_then
print("same as without it until then:", same)

# %% draw-early-stopping
numbers = np.arange(1, 26)
fig, ax = plt.subplots(figsize=(5.2, 3.7), layout="tight")
ax.plot(numbers, curves["true_loss"], "C0", label="training")
ax.plot(numbers, curves["val_loss"], "C1--", label="validation")
ax.plot(best_epoch, best_loss, "C1o", ms=9)
ax.annotate(
    "best epoch",
    (best_epoch, best_loss),
    (best_epoch, best_loss + 0.2),
    ha="center",
    color="C1",
    arrowprops={"arrowstyle": "->", "color": "C1"},
)
ax.axvline(stopped_after, color="C2", linestyle=":")
ax.text(stopped_after + 0.4, 0.9, "stopped here", color="C2")
ax.set(xlabel="epoch", ylabel="loss (cross-entropy)", ylim=(0, 1))
ax.set_xticks([1, 5, 10, 15, 20, 25])
ax.legend(loc="lower left")
plt.show()

# %% early-stopping-holds tags=["check"]
assert stopped_after == best_epoch + 5 < 25
assert best_epoch == lowest + 1
assert same
kept_loss = stopped.evaluate(x_val, y_val, verbose=0)[0]
assert abs(kept_loss - last_loss) < 1e-5
assert last_loss > best_loss + 0.02

# %% patience
from types import SimpleNamespace


def replay(values, **options):
    """Feeds recorded losses to EarlyStopping, without a model."""
    callback = keras.callbacks.EarlyStopping(**options)
    stand_in = SimpleNamespace(stop_training=False)
    callback.set_model(stand_in)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"val_loss": value})
        if stand_in.stop_training:
            break
    return epoch + 1, callback.best_epoch + 1


print("patience  stops after  best epoch  its val_loss")
patience_table = {}
for patience in (1, 2, 3, 5, 10):
    end, best = replay(curves["val_loss"], patience=patience)
    patience_table[patience] = end, best
    loss = curves["val_loss"][best - 1]
    print(f"{patience:8} {end:12} {best:11} {loss:13.3f}")

# %% patience-holds tags=["check"]
assert patience_table[5] == (stopped_after, best_epoch)
assert patience_table[1][1] == patience_table[2][1] < best_epoch
assert patience_table[3][1] == patience_table[10][1] == best_epoch
for patience, (end, best) in patience_table.items():
    assert end == best + patience
impatient_best = patience_table[1][1]
impatient_loss = curves["val_loss"][impatient_best - 1]
assert impatient_loss > best_loss + 0.05
random_curves = np.random.default_rng(0).uniform(size=(200, 12))
for values in random_curves:
    assert replay(values, patience=0) == replay(values, patience=1)
assert replay([0.5, 0.45, 0.44, 0.3], patience=1, min_delta=0.1) == (
    2,
    1,
)
bumpy = [0.60, 0.59, 0.61, 0.61, 0.61]
assert replay(bumpy, patience=2) == (4, 2)
assert replay(bumpy, patience=2, baseline=0.55) == (3, 2)

# %% best-weights
restoring = keras.callbacks.EarlyStopping(
    patience=5, restore_best_weights=True
)
saving = keras.callbacks.ModelCheckpoint(
    "best.keras", monitor="val_loss", save_best_only=True
)
keeping = keras.callbacks.ModelCheckpoint(
    "kept/{epoch:02d}-{val_loss:.3f}.weights.h5",
    save_best_only=True,
    save_weights_only=True,
)
keras.utils.set_random_seed(1)
restored = build_model()
restored_history = restored.fit(
    x_train,
    y_train,
    batch_size=128,
    epochs=25,
    validation_data=(x_val, y_val),
    callbacks=[restoring, saving, keeping],
    verbose=0,
)
print("epochs run", len(restored_history.epoch))


# %% compare-weights
def largest_gap(one, other):  # of two models' weights
    pairs = zip(one.get_weights(), other.get_weights())
    return max(np.abs(a - b).max() for a, b in pairs)


from_file = keras.saving.load_model("best.keras")
three = {
    "last weights": stopped,
    "restored": restored,
    "best.keras": from_file,
}
options = {"batch_size": 1_000, "verbose": 0, "return_dict": True}
scores = {}
print("              val_loss  test_loss  updates")
for name, kept in three.items():
    on_val = kept.evaluate(x_val, y_val, **options)["loss"]
    on_test = kept.evaluate(x_test, y_test, **options)["loss"]
    scores[name] = on_val, on_test
    print(f"{name:13} {on_val:8.3f} {on_test:10.3f}", end="")
    print(f" {int(kept.optimizer.iterations):8}")
file_gap = largest_gap(restored, from_file)
print(f"restored against best.keras: {file_gap:.0e}")


# %% kept-files
from pathlib import Path

for path in sorted(Path("kept").iterdir()):
    print(path.name)

# %% best-weights-hold tags=["check"]
assert len(restored_history.epoch) == stopped_after
assert abs(scores["restored"][0] - best_loss) < 1e-5
assert abs(scores["last weights"][0] - last_loss) < 1e-5
assert scores["restored"] == scores["best.keras"]
for one, other in zip(restored.get_weights(), from_file.get_weights()):
    assert np.array_equal(one, other)
assert int(restored.optimizer.iterations) == 16 * stopped_after
assert int(from_file.optimizer.iterations) == 16 * best_epoch
kept_names = [path.name for path in sorted(Path("kept").iterdir())]
kept_epochs = [int(name[:2]) for name in kept_names]
runs = np.minimum.accumulate(val_losses[:stopped_after])
improved = [0, *(np.flatnonzero(np.diff(runs)) + 1)]
assert kept_epochs == [epoch + 1 for epoch in improved]
assert kept_epochs[-1] == best_epoch
last_test, restored_test = (
    scores["last weights"][1],
    scores["restored"][1],
)
assert last_test > restored_test + 0.02
by_weights = build_model()
by_weights.optimizer.build(by_weights.trainable_variables)
by_weights.load_weights(f"kept/{kept_names[-1]}")
for one, other in zip(by_weights.get_weights(), restored.get_weights()):
    assert np.array_equal(one, other)
sure = []  # of wrong answers: after the best epoch, after 25
for scored in (restored, model):
    probabilities = scored.predict(x_val, verbose=0)
    wrong = probabilities.argmax(axis=1) != y_val
    sure.append(probabilities[wrong].max(axis=1).mean())
assert sure[1] > sure[0] + 0.02
import inspect


def defaults(callback):
    signature = inspect.signature(callback)
    return {n: p.default for n, p in signature.parameters.items()}


checkpoint_defaults = defaults(keras.callbacks.ModelCheckpoint)
assert checkpoint_defaults["monitor"] == "val_loss"
assert checkpoint_defaults["save_best_only"] is False
assert checkpoint_defaults["save_weights_only"] is False
assert checkpoint_defaults["save_freq"] == "epoch"
assert checkpoint_defaults["initial_value_threshold"] is None
stopping_defaults = defaults(keras.callbacks.EarlyStopping)
assert stopping_defaults["patience"] == 0
assert stopping_defaults["min_delta"] == 0
assert stopping_defaults["restore_best_weights"] is False
# all epochs run: the best weights come back all the same
short = keras.callbacks.EarlyStopping(
    monitor="loss", mode="max", patience=9, restore_best_weights=True
)
by_weights.fit(
    x_train,
    y_train,
    batch_size=500,
    epochs=2,
    callbacks=[short],
    verbose=0,
)
assert short.stopped_epoch == 0 and short.best_epoch == 0
assert not np.array_equal(
    by_weights.get_weights()[0], restored.get_weights()[0]
)
assert np.array_equal(
    by_weights.get_weights()[0], short.best_weights[0]
)

# %% train-script
np.savez("clothes.npz", x=x_train, y=y_train)
script = """
import os
import sys

import keras
import numpy as np
from keras import layers


class PowerCut(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (3, 7):
            os.kill(os.getpid(), 9)  # SIGKILL


def train(callbacks):
    data = np.load("clothes.npz")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(
        data["x"],
        data["y"],
        batch_size=128,
        epochs=6,
        callbacks=callbacks,
        verbose=0,
    )
    return model


if __name__ == "__main__":
    callbacks = [
        keras.callbacks.BackupAndRestore("backup"),
        keras.callbacks.ModelCheckpoint("epoch-{epoch}.keras"),
        keras.callbacks.CSVLogger("log.csv", append=True),
    ]
    if "power-cut" in sys.argv:
        callbacks.append(PowerCut())
    train(callbacks).save("final.keras")
"""
_ = Path("train.py").write_text(script)

# %% killed
import shutil
import subprocess
import sys

shutil.rmtree("backup", ignore_errors=True)  # of an earlier try
for old in (*Path().glob("epoch-*.keras"), Path("final.keras")):
    old.unlink(missing_ok=True)
Path("log.csv").unlink(missing_ok=True)

command = [sys.executable, "train.py", "power-cut"]
killed = subprocess.run(command, capture_output=True)
print("exit status", killed.returncode)
for pattern in ("epoch-*.keras", "final.keras", "backup/*"):
    print(pattern, sorted(path.name for path in Path().glob(pattern)))
print(Path("backup/training_metadata.json").read_text())
print(Path("log.csv").read_text())

# %% killed-holds tags=["check"]
expected = 9 if sys.platform == "win32" else -9
assert killed.returncode == expected, killed.stderr
assert not Path("final.keras").exists()
assert len(list(Path().glob("epoch-*.keras"))) == 3
killed_losses = np.genfromtxt("log.csv", delimiter=",", names=True)[
    "loss"
]
assert len(killed_losses) == 3
assert (
    Path("backup/training_metadata.json").read_text()
    == '{"epoch": 3, "batch": 0}'
)

# %% resumed
import runpy

again = runpy.run_path("train.py", run_name="__main__")
print("backup left", Path("backup").exists())
log = np.genfromtxt("log.csv", delimiter=",", names=True)
print("epochs", log["epoch"].astype(int))
print("losses", log["loss"].round(4))

# %% undisturbed
train = again["train"]
undisturbed = train(callbacks=[])

final = keras.saving.load_model("final.keras")
resumed_gap = largest_gap(undisturbed, final)
print("losses", np.round(undisturbed.history.history["loss"], 4))
print(f"largest gap of all weights {resumed_gap:.0e}")

# %% draw-resume
fig, ax = plt.subplots(figsize=(5.2, 3.2), layout="tight")
numbers = np.arange(1, 7)
ax.plot(
    numbers, undisturbed.history.history["loss"], label="undisturbed"
)
ax.plot(
    numbers[:3], log["loss"][:3], "C1o", ms=9, label="until the kill"
)
ax.plot(
    numbers[3:], log["loss"][3:], "C2s", ms=9, label="after resuming"
)
ax.axvline(3.5, color="C3", linestyle=":")
ax.text(3.55, 1.05, "killed", color="C3")
ax.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
ax.legend()
plt.show()

# %% resumed-holds tags=["check"]
assert not Path("backup").exists()
assert list(log["epoch"]) == [0, 1, 2, 3, 4, 5]
assert resumed_gap == 0
mine = undisturbed.optimizer.variables
theirs = final.optimizer.variables
assert len(mine) == len(theirs) == 10
for one, other in zip(mine, theirs):
    assert np.array_equal(one.numpy(), other.numpy())
assert np.array_equal(log["loss"][:3], killed_losses)
np.testing.assert_allclose(
    log["loss"], undisturbed.history.history["loss"], rtol=1e-6
)
assert largest_gap(undisturbed, build_model()) > 0.01


# %% resume-by-hand
def finish(model):
    """Epochs 4 to 6; how far it ends from the undisturbed model."""
    keras.utils.set_random_seed(0)  # the same order of the samples
    model.fit(
        x_train,
        y_train,
        batch_size=128,
        initial_epoch=3,
        epochs=6,
        verbose=0,
    )
    return largest_gap(undisturbed, model)


whole = keras.saving.load_model("epoch-3.keras")
bare = build_model(learning_rate=0.001)
bare.set_weights(whole.get_weights())  # no state of Adam's

whole_gap, bare_gap = finish(whole), finish(bare)
print(f"the whole model      {whole_gap:.0e}")
print(f"the layers' weights  {bare_gap:.0e}")

# %% resume-by-hand-holds tags=["check"]
assert whole_gap == 0 and bare_gap > 1e-3
assert whole.history.epoch == [3, 4, 5]
assert int(whole.optimizer.iterations) == 6 * 16
assert int(bare.optimizer.iterations) == 3 * 16
import warnings

whole.save_weights("whole.weights.h5")  # Adam's state is in it
for build_first in (False, True):
    by_weights = build_model()
    if build_first:
        by_weights.optimizer.build(by_weights.trainable_variables)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        by_weights.load_weights("whole.weights.h5")
    known = int(by_weights.optimizer.iterations)
    assert (known == 96) == build_first == (not caught)
log_lines = []
for first in (0, 3, 0):  # a run, its rest, and the same once more
    logger = keras.callbacks.CSVLogger("lines.csv", append=True)
    logger.set_model(SimpleNamespace(stop_training=False))
    logger.on_train_begin()
    for epoch in range(first, 3 if len(log_lines) == 0 else 6):
        logger.on_epoch_end(epoch, {"loss": 1.0})
    logger.on_train_end()
    log_lines.append(len(Path("lines.csv").read_text().split()) - 1)
assert log_lines == [3, 6, 12]

# %% double-checkpoint tags=["check"]
import contextlib

import h5py


class Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def eager_model():
    model = build_model()
    model.compile(
        "adam", "sparse_categorical_crossentropy", run_eagerly=True
    )
    return model


def interrupted(folder, **options):
    backup = keras.callbacks.BackupAndRestore(folder, **options)
    callbacks = [backup, Interrupt(3)]
    rows = x_train[:64], y_train[:64]
    with contextlib.suppress(KeyboardInterrupt):
        eager_model().fit(
            *rows, epochs=4, callbacks=callbacks, verbose=0
        )
    with h5py.File(f"{folder}/latest.weights.h5") as file:
        assert len(file["optimizer/vars"]) == 10
    latest = Path(folder, "latest.weights.h5")
    global whole_backup
    whole_backup = latest.read_bytes()
    latest.write_bytes(latest.read_bytes()[:1000])  # broken
    return backup


def revived(backup):
    model = eager_model()
    backup.set_model(model)
    backup.on_train_begin()
    return model


def epoch_to_begin(backup):
    return revived(backup)._initial_epoch


# a shuffled dataset begins again with its first order
seen = []


class Seeing(keras.Model):
    def train_step(self, data):
        seen.append(tuple(data[0].numpy().ravel()))
        return {"loss": 0.0}


def see(callbacks):
    import tensorflow as tf

    rows = np.arange(10)[:, None]
    dataset = tf.data.Dataset.from_tensor_slices((rows, rows))
    dataset = dataset.shuffle(10).batch(10)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((1,))
    model = Seeing(inputs, layers.Dense(1)(inputs))
    model.compile("sgd", run_eagerly=True)
    options = {"epochs": 3, "shuffle": False, "verbose": 0}
    model.fit(dataset, callbacks=callbacks, **options)


see([])
backup = keras.callbacks.BackupAndRestore("rows")
with contextlib.suppress(KeyboardInterrupt):
    see([backup, Interrupt(2)])
see([backup])
assert len(seen) == 6 and len(set(seen[:3])) == 3
assert seen[3:5] == seen[:2] and seen[5] == seen[0] != seen[2]
assert epoch_to_begin(interrupted("two", double_checkpoint=True)) == 2
try:
    epoch_to_begin(interrupted("one"))
    raise AssertionError("a broken file was read")
except OSError:
    pass
# killed between the two files: two updates more than the epochs say
Path("one/latest.weights.h5").write_bytes(whole_backup)
Path("one/training_metadata.json").write_text(
    '{"epoch": 2, "batch": 0}'
)
between = revived(keras.callbacks.BackupAndRestore("one"))
assert between._initial_epoch == 2
assert int(between.optimizer.iterations) == 3 * 2
# dropout: a loaded model draws new seeds
keras.utils.set_random_seed(0)
dropping = keras.Sequential([keras.Input((4,)), layers.Dropout(0.5)])
dropping.save("dropping.keras")
loaded = keras.saving.load_model("dropping.keras")
states = [
    model.layers[0].seed_generator.state.numpy()
    for model in (dropping, loaded)
]
assert states[0][0] != states[1][0] and states[1][1] == 0


# %% train-logged
def train_logged(name, learning_rate, callbacks=()):
    shutil.rmtree(f"logs/{name}", ignore_errors=True)  # of old runs
    board = keras.callbacks.TensorBoard(
        log_dir=f"logs/{name}", write_graph=False
    )
    keras.utils.set_random_seed(1)
    model = build_model(learning_rate)
    return model.fit(
        x_train,
        y_train,
        batch_size=128,
        epochs=12,
        validation_data=(x_val, y_val),
        callbacks=[*callbacks, board],
        verbose=0,
    )


score = TrainingScore(x_train, y_train)
constant = train_logged("constant", 0.01, [score])
print("epochs 8 to 12")
for name in ("true_loss", "val_loss"):
    print(f"{name:9}", np.round(constant.history[name][7:], 3))


# %% rate-log
class RateLog(keras.callbacks.Callback):
    """The learning rate that each update uses."""

    def on_train_begin(self, logs=None):
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


# %% scheduler
def halved(epoch, learning_rate):
    return 0.01 * 0.5 ** (epoch // 3)


by_epoch = RateLog()
scheduler = keras.callbacks.LearningRateScheduler(halved)
halving = train_logged("halved", 0.01, [scheduler, by_epoch])
print([round(r, 5) for r in halving.history["learning_rate"][::3]])

# %% cosine
steps_per_epoch = int(np.ceil(len(x_train) / 128))
cosine_rate = keras.optimizers.schedules.CosineDecay(
    0.01, decay_steps=12 * steps_per_epoch
)
by_step = RateLog()
cosine = train_logged("cosine", cosine_rate, [by_step])
updates = len(by_step.rates)
print(f"{steps_per_epoch} updates an epoch, {updates} in all")
print([round(rate, 5) for rate in by_step.rates[::48]])
print("in history:", "learning_rate" in cosine.history)

# %% draw-rates
epochs_done = np.arange(len(by_step.rates)) / steps_per_epoch
fig, ax = plt.subplots(figsize=(5.2, 3.2), layout="tight")
ax.axhline(0.01, color="C0", ls=":", lw=2.2, label="constant")
ax.plot(epochs_done, by_epoch.rates, "C1-", label="halved")
ax.plot(epochs_done, by_step.rates, "C2--", label="cosine")
ax.set(xlabel="epochs done", ylabel="learning rate")
ax.set_xticks([0, 3, 6, 9, 12])
ax.legend()
plt.show()

# %% schedules-hold tags=["check"]
k = np.arange(192)
np.testing.assert_allclose(
    by_epoch.rates, 0.01 * 0.5 ** (k // 16 // 3), rtol=1e-6
)
np.testing.assert_allclose(
    by_step.rates, 0.01 * (1 + np.cos(np.pi * k / 192)) / 2, atol=1e-8
)
assert len(set(by_epoch.rates)) == 4 and len(set(by_step.rates)) > 180
assert "learning_rate" not in cosine.history
in_epochs = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=12)
assert float(in_epochs(11)) > 0
assert float(in_epochs(12)) == float(in_epochs(24)) == 0
assert abs(float(keras.optimizers.Adam().learning_rate) - 0.001) < 1e-8
stairs = keras.optimizers.schedules.ExponentialDecay(
    0.01, decay_steps=3 * 16, decay_rate=0.5, staircase=True
)
np.testing.assert_allclose(
    [float(stairs(step)) for step in k[::16]],
    [halved(epoch, None) for epoch in range(12)],
    rtol=1e-6,
)

# %% plateau
reducing = keras.callbacks.ReduceLROnPlateau(
    monitor="val_loss", factor=0.3, patience=2, verbose=1
)
reduced = train_logged("reduced", 0.01, [score, reducing])
print("epochs 8 to 12")
for name in ("true_loss", "val_loss"):
    print(f"{name:9}", np.round(reduced.history[name][7:], 3))
pair = constant.history["val_loss"], reduced.history["val_loss"]
print("epochs alike", np.equal(*pair).sum())

# %% draw-plateau
numbers = np.arange(1, 13)
fig, (ax1, ax2) = plt.subplots(
    2,
    1,
    figsize=(5.2, 5.0),
    sharex=True,
    height_ratios=[2, 1],
    layout="tight",
)
ax1.plot(numbers, pair[0], "C0:", lw=2.2, label="constant")
ax1.plot(numbers, pair[1], "C3-.", lw=2.2, label="reduced")
ax1.set(ylabel="validation loss")
ax1.legend(loc="upper center")
ax2.step(numbers, [0.01] * 12, "C0:", lw=2.2, where="mid")
rates = reduced.history["learning_rate"]
ax2.step(numbers, rates, "C3-.", lw=2.2, where="mid")
ax2.set(xlabel="epoch", ylabel="learning rate", ylim=(0, 0.012))
ax2.set_xticks([1, 3, 6, 9, 12])
plt.show()

# %% plateau-holds tags=["check"]
rates = np.array(reduced.history["learning_rate"])
first_drop = int(np.flatnonzero(np.diff(rates))[0]) + 1
assert 3 <= first_drop <= 10 and len(set(rates)) >= 2
assert np.equal(*pair).sum() == first_drop
assert np.argmin(pair[1][:first_drop]) == first_drop - 3
both = constant.history["true_loss"], reduced.history["true_loss"]
assert both[0][-1] > both[1][-1] + 0.01  # not overfitting alone
assert np.diff(both[0][first_drop - 1 :]).max() > 0.01
stuck = keras.callbacks.ReduceLROnPlateau(patience=1, min_lr=0.001)
stuck.set_model(build_model(learning_rate=0.0001))
stuck.on_train_begin()
for epoch in range(4):
    stuck.on_epoch_end(epoch, {"val_loss": 1.0})
assert abs(float(stuck.model.optimizer.learning_rate) - 1e-4) < 1e-9
ratios = rates[1:] / rates[:-1]
assert all(min(abs(r - 1), abs(r - 0.3)) < 1e-5 for r in ratios)
best, wait, rate = np.inf, 0, np.float32(0.01)
for value, used in zip(reduced.history["val_loss"], rates):
    assert abs(used - rate) < 1e-7  # the rule on the page
    if value < best - 1e-4:
        best, wait = value, 0
    else:
        wait += 1
    if wait >= 2:
        rate, wait = rate * 0.3, 0
plateau_defaults = defaults(keras.callbacks.ReduceLROnPlateau)
assert plateau_defaults["min_delta"] == 1e-4
assert plateau_defaults["min_lr"] == plateau_defaults["cooldown"] == 0
constant_last = constant.history["val_loss"][-1]
reduced_last = reduced.history["val_loss"][-1]
assert constant_last > min(constant.history["val_loss"]) + 0.05
assert reduced_last < constant_last - 0.05
after_drop = reduced.history["val_loss"][first_drop]
assert after_drop < reduced.history["val_loss"][first_drop - 1]

# %% tensorboard-missing tags=["check"]
from unittest import mock

board = keras.callbacks.TensorBoard("nowhere")  # says nothing
parts = [n for n in sys.modules if n.startswith("tensorboard")]
hidden = dict.fromkeys(["tensorboard", *parts])  # each to None
with mock.patch.dict(sys.modules, hidden):  # as if not installed
    try:
        model.fit(
            x_train[:64], y_train[:64], callbacks=[board], verbose=0
        )
        raise AssertionError("TensorBoard is not missing")
    except Exception as error:
        assert type(error).__name__ == "TBNotInstalledError", error


# %% log-files
for path in sorted(Path("logs").glob("*/*")):
    print(path.as_posix(), len(list(path.iterdir())), "file")

# %% read-tensorboard
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator


def opened(folder):
    everything = {"tensors": 0}  # the default is a sample of ten
    events = event_accumulator.EventAccumulator(folder, everything)
    events.Reload()
    return events


def read(folder, tag):
    """Steps and values of one scalar that TensorBoard logged."""
    found = opened(folder).Tensors(tag)
    values = [tf.make_ndarray(e.tensor_proto).item() for e in found]
    return [event.step for event in found], values


tags = opened("logs/constant/train").Tags()
print("scalars", *tags["scalars"], sep="\n  ")
print("tensors", *tags["tensors"], sep="\n  ")
steps, losses = read("logs/constant/train", "epoch_loss")
print("steps  ", steps[:4])
print("values ", np.round(losses[:4], 3))
print("history", np.round(constant.history["loss"][:4], 3))

# %% draw-tensorboard
styles = {
    "constant": "C0:",
    "halved": "C1-",
    "cosine": "C2--",
    "reduced": "C3-.",
}
fig, ax = plt.subplots(figsize=(5.2, 3.9), layout="tight")
for name, style in styles.items():
    steps, losses = read(f"logs/{name}/validation", "epoch_loss")
    ax.plot(steps, losses, style, lw=2, label=name)
ax.set(xlabel="step (epoch, from 0)", ylim=(0.5, 0.9))
ax.set_ylabel("validation epoch_loss")
ax.set_xticks([0, 3, 6, 9, 11])
ax.legend(ncols=2)
plt.show()

# %% five-runs
runs = {
    name: read(f"logs/{name}/validation", "epoch_loss")[1]
    for name in styles
}
runs["0.003"] = curves["val_loss"][:12]  # of the first training
print("          best val_loss  last val_loss")
for name, values in runs.items():
    print(f"{name:9} {min(values):13.3f} {values[-1]:14.3f}")

# %% logged-rate
used = reduced.history["learning_rate"]
_, logged = read("logs/reduced/train", "epoch_learning_rate")
print("epochs 7 to 10")
print("history    ", np.round(used[6:10], 4))
print("TensorBoard", np.round(logged[6:10], 4))

# %% tensorboard-holds tags=["check"]
four = (constant, halving, cosine, reduced)
for name, ran in zip(styles, four):
    for part, key in (("train", "loss"), ("validation", "val_loss")):
        steps, losses = read(f"logs/{name}/{part}", "epoch_loss")
        assert steps == list(range(12))
        np.testing.assert_allclose(losses, ran.history[key], rtol=1e-5)
    if ran is not constant:
        assert ran.history["val_loss"][-1] < constant_last - 0.05
        assert (
            min(ran.history["val_loss"])
            < min(constant.history["val_loss"]) - 0.01
        )
small_last = runs["0.003"][-1]  # a constant, but smaller rate
assert small_last < constant_last - 0.05
assert abs(small_last - reduced_last) < 0.05
# the rate as it is when the epoch is over
rates = reduced.history["learning_rate"]
np.testing.assert_allclose(logged[:-1], rates[1:], rtol=1e-6)
assert logged[first_drop - 1] < 0.5 * rates[first_drop - 1]
_, rates = read("logs/halved/train", "epoch_learning_rate")
np.testing.assert_allclose(rates, by_epoch.rates[::16], rtol=1e-6)
_, rates = read("logs/cosine/train", "epoch_learning_rate")
np.testing.assert_allclose(rates[:-1], by_step.rates[16::16], atol=1e-8)
steps, _ = read(
    "logs/constant/validation", "evaluation_loss_vs_iterations"
)
assert steps == list(range(16, 193, 16))
sampled = event_accumulator.EventAccumulator("logs/constant/train")
sampled.Reload()
assert len(sampled.Tensors("epoch_loss")) == 10
for _ in range(2):  # two runs, one folder
    model.fit(
        x_train[:128],
        y_train[:128],
        epochs=2,
        callbacks=[
            keras.callbacks.TensorBoard(
                "mixed", histogram_freq=1, update_freq="batch"
            )
        ],
        verbose=0,
    )
assert sorted(read("mixed/train", "epoch_loss")[0]) == [0, 0, 1, 1]
assert len(list(Path("mixed/train").iterdir())) == 2
mixed_tags = opened("mixed/train").Tags()["tensors"]
assert "batch_loss" in mixed_tags
_, running = read("mixed/train", "batch_loss")
_, whole_epochs = read("mixed/train", "epoch_loss")
assert all(  # the last of an epoch is the epoch's mean
    np.abs(np.array(running) - mean).min() < 1e-5
    for mean in whole_epochs
)
sizes = event_accumulator.DEFAULT_SIZE_GUIDANCE
assert sizes["tensors"] == 10 and sizes["scalars"] == 10_000
assert any("histogram" in tag for tag in mixed_tags)
for name in ("ModelCheckpoint", "EarlyStopping", "TensorBoard"):
    one = getattr(tf.keras.callbacks, name)
    assert one is getattr(keras.callbacks, name)

# %% order
few = x_train[:256], y_train[:256]  # enough to see it
model = build_model()
_ = model.fit(
    *few,
    validation_data=(x_val, y_val),
    callbacks=[
        keras.callbacks.CSVLogger("before.csv"),
        TrainingScore(*few),
        keras.callbacks.CSVLogger("after.csv"),
    ],
    verbose=0,
)
for name in ("before.csv", "after.csv"):
    print(name, Path(name).read_text().split()[0])

# %% order-holds tags=["check"]
assert "true_loss" not in Path("before.csv").read_text()
assert "true_loss" in Path("after.csv").read_text()


def rate_in_backup(backup_first):
    folder = f"order-{backup_first}"
    pair = [
        keras.callbacks.BackupAndRestore(folder),
        keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1),
    ]
    model = build_model(learning_rate=0.01)
    model.optimizer.build(model.trainable_variables)
    called = keras.callbacks.CallbackList(
        pair if backup_first else pair[::-1], model=model
    )
    called.on_train_begin()
    for epoch in range(2):
        called.on_epoch_end(epoch, {"val_loss": 1.0})
    assert abs(float(model.optimizer.learning_rate) - 0.005) < 1e-8
    revived = build_model()
    restore = keras.callbacks.BackupAndRestore(folder)
    restore.set_model(revived)
    restore.on_train_begin()
    return float(revived.optimizer.learning_rate)


assert abs(rate_in_backup(True) - 0.01) < 1e-8  # one step behind
assert abs(rate_in_backup(False) - 0.005) < 1e-8

# %% misspelt
import textwrap

try:
    keras.callbacks.LearningRateSchduler(halved)
except AttributeError as error:
    print("AttributeError:", textwrap.fill(str(error), width=46))


class Silent(keras.callbacks.Callback):
    def on_epoch_ends(self, epoch, logs=None):  # no such hook
        print("epoch", epoch)


_ = model.fit(*few, callbacks=[Silent()], verbose=0)
print("trained, and Silent said nothing")

# %% wrong-name
watch = keras.callbacks.EarlyStopping(monitor="val_acc")
try:
    model.fit(
        *few,
        validation_data=(x_val, y_val),
        callbacks=[watch],
        verbose=0,
    )
except ValueError as error:
    print("ValueError:", textwrap.fill(str(error), width=46))

# %% wrong-name-holds tags=["check"]
import warnings

watch = keras.callbacks.EarlyStopping(
    monitor="val_acc", mode="max", patience=1
)
stand_in = SimpleNamespace(stop_training=False)
watch.set_model(stand_in)
watch.on_train_begin()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    for epoch in range(9):
        watch.on_epoch_end(epoch, {"val_accuracy": 0.5})
assert len(caught) == 9 and not stand_in.stop_training

# %% no-validation
import warnings

saving = keras.callbacks.ModelCheckpoint(
    "not-best-{epoch}.keras", save_best_only=True
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    model.fit(*few, epochs=3, callbacks=[saving], verbose=0)
for warning in caught:
    print("UserWarning:", warning.message)
print(sorted(path.name for path in Path().glob("not-best-*")))

# %% no-validation-holds tags=["check"]
assert len(caught) == len(list(Path().glob("not-best-*"))) == 3


# %% own-flag
class Wrong(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.stop_training = True  # of the callback


class Right(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


for callback in (Wrong(), Right()):
    history = model.fit(*few, epochs=3, callbacks=[callback], verbose=0)
    print(type(callback).__name__, "ran", len(history.epoch), "epochs")

# %% own-flag-holds tags=["check"]
assert len(history.epoch) == 1


# %% two-masters
plateau = keras.callbacks.ReduceLROnPlateau(
    "loss",
    patience=2,
    min_delta=9,  # so it lowers the rate soon
)
for callback in (scheduler, plateau):
    model = build_model(cosine_rate)
    record = keras.callbacks.History()
    pair = [callback, record]
    try:
        model.fit(*few, epochs=9, callbacks=pair, verbose=0)
    except TypeError as error:
        message = str(error)
        failed = len(record.epoch) + 1
        print(type(callback).__name__, "failed in epoch", failed)
print("TypeError:", textwrap.fill(message, width=46))

# %% two-masters-hold tags=["check"]
assert failed == 3 and "LearningRateSchedule" in message


# %% forgotten-best
def continue_training(**options):
    model = keras.saving.load_model("best.keras")
    model.save("copy.keras")
    saving = keras.callbacks.ModelCheckpoint(
        "copy.keras", save_best_only=True, **options
    )
    keras.utils.set_random_seed(1)
    model.fit(
        x_train,
        y_train,
        batch_size=128,
        validation_data=(x_val, y_val),
        callbacks=[saving],
        verbose=0,
    )
    return keras.saving.load_model("copy.keras")


print(f"best before  {best_loss:.4f}")
in_file = []
for options in ({}, {"initial_value_threshold": best_loss}):
    kept = continue_training(**options)
    scores = kept.evaluate(x_val, y_val, verbose=0, return_dict=True)
    in_file.append(scores["loss"])
    print(f"in the file  {in_file[-1]:.4f}", *options)

# %% forgotten-best-holds tags=["check"]
assert in_file[0] > best_loss + 0.002
assert restoring.best is not None
restoring.on_train_begin()  # EarlyStopping forgets, too
assert restoring.best is None and restoring.wait == 0
assert abs(in_file[1] - best_loss) < 1e-5
saved = []  # resumed, with the epoch and the loss in the name
for first, losses in ((0, [0.9, 0.5, 0.6]), (3, [0.8, 0.7, 0.75])):
    checkpoint = keras.callbacks.ModelCheckpoint(
        "{epoch:02d}-{val_loss:.3f}.keras", save_best_only=True
    )
    checkpoint.set_model(
        SimpleNamespace(save=lambda path, **_: saved.append(path))
    )
    for epoch, loss in enumerate(losses, first):
        checkpoint.on_epoch_begin(epoch)
        checkpoint.on_epoch_end(epoch, {"val_loss": loss})
assert len(saved) == len(set(saved)) == 4
assert min(saved, key=lambda name: name[3:]) == "02-0.500.keras"

# %% starts-late
shutil.rmtree("done", ignore_errors=True)  # of old runs
for _ in range(2):  # the second finds the first one's backup
    backup = keras.callbacks.BackupAndRestore(
        "done", delete_checkpoint=False
    )
    history = model.fit(*few, epochs=3, callbacks=[backup], verbose=0)
    print("with backup", history.epoch)
history = model.fit(*few, epochs=3, verbose=0)
print("without    ", history.epoch)

# %% starts-late-holds tags=["check"]
assert history.epoch == []
model.save("again.keras")
again = keras.saving.load_model("again.keras")
again.compile(
    "sgd", "sparse_categorical_crossentropy", run_eagerly=True
)
assert again.fit(*few, epochs=1, verbose=0).epoch == [0]

# %% exercise-1 tags=["solution"]
given = [0.90, 0.70, 0.72, 0.69, 0.68, 0.70, 0.60]
print(replay(given, patience=2))
print(replay(given, patience=2, min_delta=0.02))

# %% exercise-1-holds tags=["check"]
assert replay(given, patience=2) == (7, 7)
assert replay(given, patience=2, min_delta=0.02) == (4, 2)

# %% exercise-2 tags=["solution"]
model = build_model(learning_rate=0.1)


def rates_of(schedule, epochs):
    """Drives LearningRateScheduler without training."""
    model.optimizer.learning_rate = 0.1
    callback = keras.callbacks.LearningRateScheduler(schedule)
    callback.set_model(model)
    rates = []
    for epoch in range(epochs):
        callback.on_epoch_begin(epoch)
        rates.append(float(model.optimizer.learning_rate))
    return np.array(rates)


compound = rates_of(lambda epoch, rate: rate * 0.9**epoch, 10)
intended = rates_of(lambda epoch, rate: 0.1 * 0.9**epoch, 10)
e = np.arange(10)
print("measured", compound[:6].round(5))
print("formula ", (0.1 * 0.9 ** (e * (e + 1) / 2))[:6].round(5))
print("intended", intended[:6].round(5))

# %% exercise-2-holds tags=["check"]
np.testing.assert_allclose(
    compound, 0.1 * 0.9 ** (e * (e + 1) / 2), rtol=1e-5
)
each = rates_of(lambda epoch, rate: rate * 0.9 if epoch else rate, 10)
np.testing.assert_allclose(each, intended, rtol=1e-5)
np.testing.assert_allclose(intended, 0.1 * 0.9**e, rtol=1e-6)

# %% exercise-3 tags=["solution"]
flat = [0.50, 0.40, 0.45, 0.44, 0.43, 0.42, 0.41, 0.40, 0.41]


def together(plateau_patience, stopping_patience):
    model.optimizer.learning_rate = 0.01
    model.stop_training = False
    pair = keras.callbacks.CallbackList(
        [
            keras.callbacks.ReduceLROnPlateau(
                factor=0.3, patience=plateau_patience
            ),
            keras.callbacks.EarlyStopping(patience=stopping_patience),
        ],
        model=model,
    )
    pair.on_train_begin()
    for epoch, value in enumerate(flat):
        pair.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    return epoch + 1, float(model.optimizer.learning_rate)


for patiences in ((5, 3), (2, 5)):
    end, rate = together(*patiences)
    print(f"{patiences}: stopped after {end}, rate {rate:.4f}")

# %% exercise-3-holds tags=["check"]
assert together(5, 3)[0] == 5 and abs(together(5, 3)[1] - 0.01) < 1e-7
assert together(2, 5)[0] == 7 and together(2, 5)[1] < 0.001


# %% exercise-4 tags=["solution"]
import contextlib


class CtrlC(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def fit_with_dropout(callbacks):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        run_eagerly=True,  # quicker for so few steps
    )
    options = {"batch_size": 128, "epochs": 3, "verbose": 0}
    model.fit(*few, callbacks=callbacks, **options)
    return model


def whole_and_resumed(*extra):
    whole = fit_with_dropout([*extra])
    backup = keras.callbacks.BackupAndRestore("dropout-backup")
    with contextlib.suppress(KeyboardInterrupt):
        fit_with_dropout([*extra, backup, CtrlC()])
    return whole, fit_with_dropout([*extra, backup])


# %% exercise-4-mended tags=["solution"]
class MasksByEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        for i, layer in enumerate(self.model.layers):
            if isinstance(layer, layers.Dropout):
                seed = 1_000 * i + epoch
                layer.seed_generator.state.assign([seed, 0])


as_it_is = whole_and_resumed()
dropout_gap = largest_gap(*as_it_is)
mended_gap = largest_gap(*whole_and_resumed(MasksByEpoch()))
print(f"as it is        {dropout_gap:.0e}")
print(f"masks by epoch  {mended_gap:.0e}")

# %% exercise-4-holds tags=["check"]
assert dropout_gap > 1e-4 and mended_gap == 0


def draws(model):
    return int(model.layers[2].seed_generator.state.numpy()[1])


whole_draws, resumed_draws = map(draws, as_it_is)
assert whole_draws == 3 * resumed_draws > 0  # of three epochs, of one
masks = MasksByEpoch()
masks.set_model(
    keras.Sequential(
        [keras.Input((4,)), layers.Dropout(0.5), layers.Dropout(0.5)]
    )
)
masks.on_epoch_begin(7)
first, second = (
    layer.seed_generator.state.numpy() for layer in masks.model.layers
)
assert list(first) == [7, 0] and list(second) == [1007, 0]


# %% exercise-5 tags=["solution"]
class MyEarlyStopping(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()
        self.patience = patience

    def on_train_begin(self, logs=None):
        self.best, self.best_epoch = np.inf, 0

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best:
            self.best, self.best_epoch = logs["val_loss"], epoch
            self.best_weights = self.model.get_weights()
        elif epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.model.set_weights(self.best_weights)


# %% exercise-5-run tags=["solution"]
def drive(callback, losses):
    """Epochs run, and the epoch whose weights are kept."""
    model = SimpleNamespace(stop_training=False)
    model.get_weights = lambda: model.epoch
    model.set_weights = lambda kept: setattr(model, "epoch", kept)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        model.epoch = epoch + 1
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, model.epoch


rng = np.random.default_rng(0)
same = 0
for patience in rng.integers(1, 6, size=1_000):
    losses = rng.uniform(size=12)
    theirs = keras.callbacks.EarlyStopping(
        patience=patience, restore_best_weights=True
    )
    mine = MyEarlyStopping(patience)
    same += drive(mine, losses) == drive(theirs, losses)
print(drive(MyEarlyStopping(5), curves["val_loss"]))
print(same, "of 1000 random curves alike")

# %% exercise-5-holds tags=["check"]
assert same == 1_000
first_nan = [np.nan, 0.5, 0.4, 0.3, 0.2]
assert drive(MyEarlyStopping(2), first_nan) == (5, 5)
assert replay(first_nan, patience=2) == (3, 1)
assert drive(MyEarlyStopping(5), curves["val_loss"]) == (
    stopped_after,
    best_epoch,
)


# %% exercise-6 tags=["solution"]
def warm_cosine(epoch, learning_rate, top=0.01, warm=5, end=30):
    if epoch < warm:
        return top * (epoch + 1) / warm
    progress = (epoch - warm) / (end - warm)
    return top * (1 + np.cos(np.pi * progress)) / 2


warm_rates = rates_of(warm_cosine, 30)
fig, ax = plt.subplots(figsize=(5.0, 2.8), layout="tight")
ax.step(np.arange(1, 31), warm_rates, where="mid")
ax.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
ax.set_xticks([1, 5, 10, 15, 20, 25, 30])
plt.show()

# %% exercise-6-holds tags=["check"]
assert warm_rates.argmax() in (4, 5) and warm_rates[-1] < 1e-4
assert np.all(np.diff(warm_rates[:5]) > 0)
assert np.all(np.diff(warm_rates[5:]) < 0)
keras_warm = keras.optimizers.schedules.CosineDecay(
    0.0, decay_steps=25, warmup_target=0.01, warmup_steps=5
)
np.testing.assert_allclose(
    [float(keras_warm(step)) for step in range(5, 30)],
    warm_rates[5:],
    atol=1e-8,
)
assert abs(warm_rates[4] - 0.01) < 1e-8 > abs(warm_rates[5] - 0.01)
assert abs(warm_rates[0] - 0.002) < 1e-8
by_update = keras.optimizers.schedules.CosineDecay(
    0.0, decay_steps=25 * 16, warmup_target=0.01, warmup_steps=5 * 16
)
assert float(by_update(0)) == 0 == float(by_update(30 * 16))
assert abs(float(by_update(5 * 16)) - 0.01) < 1e-8
