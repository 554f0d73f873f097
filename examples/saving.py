# %% data
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from keras.saving import load_model

(x_all, y_all), (x_rest, y_rest) = (
    keras.datasets.fashion_mnist.load_data()
)
x_train = x_all[:4_000].astype("float32") / 255
y_train = y_all[:4_000]
x_test = x_rest[:2_000].astype("float32") / 255
y_test = y_rest[:2_000]

# %% train
crossentropy = "sparse_categorical_crossentropy"


def build_model():
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train(model, epochs):
    model.compile(
        optimizer="adam", loss=crossentropy, metrics=["accuracy"]
    )
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, verbose=0)


keras.utils.set_random_seed(0)
model = build_model()
train(model, epochs=3)
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"accuracy {accuracy:.3f}")

# %% train-holds tags=["check"]
assert accuracy > 0.7
assert model.count_params() == 784 * 64 + 64 + 64 * 10 + 10

# %% save-and-load
model.save("clothes.keras")
loaded = load_model("clothes.keras")

before = model.predict(x_test, verbose=0)
after = loaded.predict(x_test, verbose=0)
print(type(loaded).__name__, before.shape)
print("equal:", np.array_equal(before, after))


def same(one, other):
    return np.array_equal(one(x_test), other(x_test))


# %% same-state
for name, one in (("model", model), ("loaded", loaded)):
    loss, accuracy = one.evaluate(x_test, y_test, verbose=0)
    updates = int(one.optimizer.iterations)
    print(f"{name:6} loss {loss:.6f}  accuracy {accuracy:.3f}", end="")
    print(f"  updates {updates}")


# %% same-future
def same_weights(one, other):
    pairs = zip(one.get_weights(), other.get_weights())
    return all(np.array_equal(*pair) for pair in pairs)


def train_alike(*models):
    for one in models:
        keras.utils.set_random_seed(1)
        one.fit(x_train, y_train, batch_size=64, epochs=2, verbose=0)


train_alike(model, loaded)
print("equal after two more epochs:", same_weights(model, loaded))

# %% dropout-future
dropping = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Flatten(),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
train(dropping, epochs=1)
dropping.save("dropping.keras")
twin = load_model("dropping.keras")
print("equal at first:             ", same(dropping, twin))
train_alike(dropping, twin)
print("equal after two more epochs:", same_weights(dropping, twin))

# %% save-and-load-holds tags=["check"]
assert np.array_equal(before, after)
assert updates == 3 * 63
assert same_weights(model, loaded) and same(model, loaded)
assert int(model.optimizer.iterations) == 5 * 63
assert not np.array_equal(before, model.predict(x_test, verbose=0))
assert same(load_model("dropping.keras"), load_model("dropping.keras"))
assert not same_weights(dropping, twin)
states = [
    load_model("dropping.keras").layers[1].seed_generator.state.numpy()
    for _ in range(2)
]
assert not np.array_equal(*states)  # a new seed each time
assert keras.models.load_model is keras.saving.load_model

# %% back
print("updates", int(model.optimizer.iterations))
model = load_model("clothes.keras")
print("updates", int(model.optimizer.iterations))

# %% no-load-holds tags=["check"]
assert np.array_equal(before, model.predict(x_test, verbose=0))
assert not hasattr(model, "load")
assert hasattr(model, "save") and hasattr(model, "load_weights")

# %% zip-list
import zipfile

with zipfile.ZipFile("clothes.keras") as archive:
    for part in archive.infolist():
        print(f"{part.filename:17} {part.file_size / 1000:7.1f} kB")
    metadata_text = archive.read("metadata.json")
    config_text = archive.read("config.json")
    weights_bytes = archive.read("model.weights.h5")

# %% metadata
import json

metadata = json.loads(metadata_text)
print(list(metadata))
print(metadata["keras_version"])

# %% config
config = json.loads(config_text)
print(*config, sep="\n")
for layer in config["config"]["layers"]:
    about = layer["config"]
    print(f"{layer['class_name']:10}", end=" ")
    print(about.get("units", "-"), about.get("activation", "-"))

how = config["compile_config"]
print(how["loss"], how["metrics"])
print(how["optimizer"]["class_name"], end=" ")
print(f"{how['optimizer']['config']['learning_rate']:.4f}")

# %% weights-tree
import io

import h5py


def show(name, item):
    if isinstance(item, h5py.Dataset):
        print(f"{name:21}", item.shape)


with h5py.File(io.BytesIO(weights_bytes)) as file:
    file.visititems(show)

# %% inside-holds tags=["check"]
names = "metadata.json", "config.json", "model.weights.h5"
with zipfile.ZipFile("clothes.keras") as archive:
    assert tuple(archive.namelist()) == names
    assert all(
        part.compress_type == zipfile.ZIP_STORED
        for part in archive.infolist()
    )
assert list(metadata) == ["keras_version", "date_saved"]
assert metadata["keras_version"] == keras.__version__
with h5py.File(io.BytesIO(weights_bytes)) as file:
    kernel = file["layers/dense/vars/0"][...]
    first_moment = file["optimizer/vars/2"][...]
    assert file["optimizer/vars/0"][()] == 3 * 63  # iterations
    assert abs(file["optimizer/vars/1"][()] - 0.001) < 1e-9  # rate
fresh = load_model("clothes.keras")
assert np.array_equal(kernel, fresh.layers[1].kernel)
assert first_moment.shape == kernel.shape == (784, 64)
adam_names = [v.path for v in fresh.optimizer.variables]
assert adam_names[0].endswith("iteration")
assert adam_names[1].endswith("learning_rate")
assert len(adam_names) == 10

# %% save-weights
model.save_weights("clothes.weights.h5")

fresh = build_model()
print("new weights:   ", same(fresh, model))
fresh.load_weights("clothes.weights.h5")
print("loaded weights:", same(fresh, model))

# %% weights-and-optimizer
import warnings

fresh = build_model()
fresh.compile(optimizer="adam", loss=crossentropy)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fresh.load_weights("clothes.weights.h5")
print(caught[0].message)
print("updates", int(fresh.optimizer.iterations))

fresh = build_model()
fresh.compile(optimizer="adam", loss=crossentropy)
fresh.optimizer.build(fresh.trainable_variables)
fresh.load_weights("clothes.weights.h5")
print("updates", int(fresh.optimizer.iterations))

# %% weights-hold tags=["check"]
assert same(fresh, model)
assert len(caught) == 1
assert int(fresh.optimizer.iterations) == 3 * 63
with h5py.File("clothes.weights.h5") as file:
    assert len(file["optimizer/vars"]) == 10
from_keras_file = build_model()
from_keras_file.load_weights("clothes.keras")
assert same(from_keras_file, model)

# %% json
from keras.models import model_from_json

text = model.to_json()
print(type(text).__name__, text[:40])

reborn = model_from_json(text)
print("without weights:", same(reborn, model))
reborn.load_weights("clothes.weights.h5")
print("with weights:   ", same(reborn, model))
print("updates", int(reborn.optimizer.iterations))

# %% json-path
import pathlib

path = pathlib.Path("clothes.json")
path.write_text(text)
try:
    model_from_json("clothes.json")
except ValueError as error:
    print(f"{type(error).__name__}: {error}")

new = model_from_json(path.read_text())
print(new.count_params(), "parameters")

# %% json-holds tags=["check"]
assert isinstance(text, str)
assert new.count_params() == model.count_params()
try:
    json.loads("clothes.json")
    raise AssertionError("a path is no JSON")
except json.JSONDecodeError:
    pass
assert "compile_config" in json.loads(text) and reborn.compiled
assert json.loads(text).keys() == config.keys()
assert not same(new, model)  # new random weights
assert int(reborn.optimizer.iterations) == 3 * 63
pairs = zip(reborn.optimizer.variables, model.optimizer.variables)
assert all(np.array_equal(*pair) for pair in pairs)

# %% yaml-gone
try:
    model.to_yaml()
except AttributeError as error:
    print("AttributeError:", error)
try:
    print(keras.models.model_from_yaml)
except AttributeError as error:
    print("AttributeError:", error)

# %% yaml-is-code
import yaml

note = """
name: my model
units: !!python/object/apply:builtins.eval ["print('ran!') or 64"]
"""
print(yaml.unsafe_load(note))

# %% yaml-safe
try:
    yaml.safe_load(note)
except yaml.YAMLError as error:
    print(type(error).__name__, error.problem, sep="\n")

# %% yaml-instead
for_people = yaml.safe_dump(json.loads(model.to_json()))
print(*for_people.splitlines()[:6], sep="\n")

back = json.dumps(yaml.safe_load(for_people))
reborn = model_from_json(back)
reborn.load_weights("clothes.weights.h5")
print("equal:", same(reborn, model))

# %% yaml-holds tags=["check"]
import tensorflow as tf

assert not hasattr(keras.Model, "to_yaml")
assert not hasattr(keras.models, "model_from_yaml")
assert not hasattr(tf.keras.models, "model_from_yaml")
assert yaml.unsafe_load(note)["units"] == 64
assert same(reborn, model)


# %% first-class
class ClothesModel(keras.Model):
    def __init__(self, units=64, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.units, self.activation = units, activation
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(units, activation=activation)
        self.classify = layers.Dense(10, activation="softmax")

    def call(self, images):
        x = self.hidden(self.flatten(images))
        return self.classify(x)


keras.utils.set_random_seed(0)
subclassed = ClothesModel(activation="tanh")
train(subclassed, epochs=3)
subclassed.save("own.keras")

# %% unknown-class
try:
    load_model("own.keras")
except TypeError as error:
    print("TypeError:", str(error).split(" Full")[0])

# %% forgotten
known = {"ClothesModel": ClothesModel}
wrong = load_model("own.keras", custom_objects=known)
for name, one in (("saved", subclassed), ("loaded", wrong)):
    score = one.evaluate(x_test, y_test, verbose=0, return_dict=True)
    print(f"{name:6} {one.activation:4}", end="  ")
    print(f"accuracy {score['accuracy']:.3f}", end="  ")
    print(f"loss {score['loss']:.3f}")

# %% forgotten-values tags=["check"]
right_score = subclassed.evaluate(
    x_test, y_test, verbose=0, return_dict=True
)
wrong_accuracy, right_accuracy = (
    score["accuracy"],
    right_score["accuracy"],
)
assert subclassed.activation == "tanh" and wrong.activation == "relu"
assert score["loss"] > right_score["loss"] + 0.03
assert wrong_accuracy < right_accuracy
for ours, theirs in zip(subclassed.get_weights(), wrong.get_weights()):
    assert np.array_equal(ours, theirs)  # only the activation differs
narrow = ClothesModel(units=32)
narrow(x_test[:1])
narrow.save("narrow.keras")
try:
    load_model("narrow.keras", custom_objects=known)
    raise AssertionError("another width was loaded")
except ValueError as error:
    assert "could not be loaded" in str(error)

# %% forgotten-why
print(subclassed.get_config()["activation"])


class Hidden(layers.Layer):
    def __init__(self, activation="relu", **kwargs):
        super().__init__(**kwargs)


print(Hidden(activation="tanh").get_config()["activation"])

# %% own-class
from keras.saving import register_keras_serializable


@register_keras_serializable("clothes")
class SavableModel(keras.Model):
    def __init__(self, units=64, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.units, self.activation = units, activation
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(units, activation=activation)
        self.classify = layers.Dense(10, activation="softmax")

    def call(self, images):
        x = self.hidden(self.flatten(images))
        return self.classify(x)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
        }


subclassed = SavableModel(activation="tanh")
train(subclassed, epochs=1)
subclassed.save("own.keras")

loaded = load_model("own.keras")
print(type(loaded).__name__, loaded.activation)
print("equal:", same(loaded, subclassed))

# %% only-weights
subclassed.save_weights("own.weights.h5")
empty = SavableModel(activation="tanh")
try:
    empty.load_weights("own.weights.h5")
except ValueError as error:
    print("ValueError:", error)

empty(x_test[:1])  # now it has weights
empty.load_weights("own.weights.h5")
print("equal:", same(empty, subclassed))

# %% subclassed-holds tags=["check"]
assert ClothesModel(activation="tanh").get_config()["activation"] == (
    "relu"  # a bug of Keras: once mended, the page must say so
)
assert Hidden(activation="tanh").get_config()["activation"] == "tanh"
assert loaded.activation == "tanh"
assert same(loaded, subclassed) and same(empty, subclassed)
name = keras.saving.get_registered_name(SavableModel)
assert name == "clothes>SavableModel"
registry = keras.saving.get_custom_objects()
kept = registry.pop(name)  # as in a program without the class
try:
    load_model("own.keras")
    raise AssertionError("an unknown class was loaded")
except TypeError as error:
    assert "Could not locate class" in str(error)
registry[name] = kept
load_model("own.keras")


class Required(keras.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)


try:
    Required(3).get_config()
    raise AssertionError("a config without get_config")
except NotImplementedError:
    pass


@register_keras_serializable("clothes")
class Around(keras.Model):  # an argument that is a layer
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)

    def get_config(self):
        return {**super().get_config(), "inner": self.inner}


@register_keras_serializable("clothes")
class AroundWell(Around):
    @classmethod
    def from_config(cls, config):
        inner = keras.saving.deserialize_keras_object(config["inner"])
        return cls(**{**config, "inner": inner})


for kind, returned in ((Around, dict), (AroundWell, layers.Dense)):
    around = kind(layers.Dense(2))
    around(np.zeros((1, 3)))
    around.save("around.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inner = load_model("around.keras").inner
        assert isinstance(inner, returned)


# %% three-styles
def build_functional():
    inputs = keras.Input(shape=(28, 28))
    x = layers.Flatten()(inputs)
    x = layers.Dense(64, activation="relu")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def build_subclassed():
    model = SavableModel(activation="tanh")
    model(x_test[:1])  # makes the weights
    return model


def round_trips(build):
    model = build()
    train(model, epochs=1)
    model.save("trip.keras")
    model.save_weights("trip.weights.h5")

    by_weights = build()
    by_json = model_from_json(model.to_json())
    for other in (by_weights, by_json):
        other.load_weights("trip.weights.h5")
    whole = load_model("trip.keras")
    return [same(model, one) for one in (whole, by_weights, by_json)]


styles = {
    "Sequential": build_model,
    "functional": build_functional,
    "subclassed": build_subclassed,
}
print("            .keras  weights  JSON + weights")
trips = {}
for name, build in styles.items():
    trips[name] = round_trips(build)
    print("{:11} {!s:7} {!s:8} {!s}".format(name, *trips[name]))

# %% three-styles-hold tags=["check"]
assert all(all(trip) and len(trip) == 3 for trip in trips.values())


@register_keras_serializable("clothes")  # but no get_config
class Forgetting(ClothesModel):
    pass


for activation in ("relu", "tanh"):  # only the default comes back
    forgetting = Forgetting(activation=activation)
    forgetting(x_test[:1])
    forgetting.save("forgetting.keras")
    back = load_model("forgetting.keras")
    assert same(forgetting, back) == (activation == "relu")

# %% export
subclassed.export("served", verbose=False)
for path in sorted(pathlib.Path("served").rglob("*")):
    if path.is_file():
        size = path.stat().st_size / 1000
        print(f"{size:6.1f} kB  {path.name}")

# %% export-reload
import tensorflow as tf

served = tf.saved_model.load("served")
expected = subclassed.predict_on_batch(x_test)
print("serve:", np.array_equal(served.serve(x_test), expected))
print("fit:  ", hasattr(served, "fit"))

as_layer = layers.TFSMLayer("served", call_endpoint="serve")
print("layer:", np.array_equal(as_layer(x_test), expected))

# %% export-is-no-keras-file
try:
    load_model("served")
except ValueError as error:
    print("ValueError:", str(error).split(". ")[0])

# %% export-holds tags=["check"]
registry = keras.saving.get_custom_objects()
name = "clothes>SavableModel"
kept = registry.pop(name)  # a program without the class
served = tf.saved_model.load("served")
registry[name] = kept
assert np.array_equal(served.serve(x_test), expected)
assert np.array_equal(as_layer(x_test), expected)
assert not hasattr(served, "layers")
assert not hasattr(served, "optimizer")
assert len(served.trainable_variables) == 4
stored = tf.train.list_variables("served/variables/variables")
kernels = [shape for _, shape in stored if shape == [784, 64]]
assert len(kernels) == 2  # the weights are in there twice
assert not any("optimizer" in name for name, _ in stored)

# %% uncompiled
answering = load_model("clothes.keras", compile=False)
print(answering.predict(x_test, verbose=0).shape)
for method in (answering.evaluate, answering.fit):
    try:
        method(x_test, y_test, verbose=0)
    except ValueError as error:
        print("ValueError:", error)


# %% custom-loss
def doubled(y_true, y_pred):
    loss = keras.losses.get(crossentropy)
    return 2 * loss(y_true, y_pred)


other = build_model()
other.compile(optimizer="adam", loss=doubled)
other.fit(x_train[:640], y_train[:640], verbose=0)
other.save("doubled.keras")
try:
    load_model("doubled.keras")
except TypeError as error:
    print("TypeError:", str(error).split(".")[0])

known = {"doubled": doubled}
whole = load_model("doubled.keras", custom_objects=known)
bare = load_model("doubled.keras", compile=False)
print("updates", int(whole.optimizer.iterations), bare.compiled)

# %% compile-state-holds tags=["check"]
assert not answering.compiled and not bare.compiled
again = load_model("clothes.keras")
assert int(again.optimizer.iterations) == 3 * 63
again.compile(optimizer="adam", loss=crossentropy)
assert int(again.optimizer.iterations) == 0
assert int(whole.optimizer.iterations) == 20
assert same(whole, other) and same(bare, other)

# %% resume
keras.utils.set_random_seed(0)
runner = build_model()
train(runner, epochs=8)
runner.save("checkpoint.keras")
runner.save_weights("stop.weights.h5")


entropy = keras.losses.SparseCategoricalCrossentropy()


def go_on(model, updates=30):
    losses = []
    for start in range(0, 64 * updates, 64):
        losses.append(float(entropy(y_train, model(x_train))))
        rows = slice(start, start + 64)
        model.train_on_batch(x_train[rows], y_train[rows])
    return losses


from_file = load_model("checkpoint.keras")
restored = build_model()
restored.load_weights("stop.weights.h5")
restored.compile(
    optimizer="adam", loss=crossentropy, metrics=["accuracy"]
)

never_stopped = go_on(runner)
resumed = go_on(from_file)
forgetful = go_on(restored)
print("resumed as if never stopped:", resumed == never_stopped)
start_loss, peak_loss = forgetful[0], max(forgetful)
print(f"at the stop           {start_loss:.3f}")
print(f"highest, from .keras  {max(resumed):.3f}")
print(f"highest, weights only {peak_loss:.3f}")

# %% draw-resume
fig, ax = plt.subplots(figsize=(4.6, 3.0), layout="tight")
steps = range(len(resumed))
ax.plot(steps, never_stopped, label="never stopped")
ax.plot(steps, resumed, "o", ms=4, label="from .keras")
ax.plot(steps, forgetful, "--", label="from weights, new Adam")
ax.set(xlabel="updates after the stop")
ax.set_ylabel("training loss, 4,000 images")
ax.legend()
plt.show()

# %% resume-holds tags=["check"]
assert resumed == never_stopped
assert forgetful[0] == resumed[0]
assert peak_loss > max(start_loss, max(resumed))
above = np.array(forgetful[1:]) > np.array(resumed[1:])
assert above.sum() >= 20  # of 29
assert forgetful[-1] > resumed[-1]

# %% sizes
answering.save("answering.keras")  # was loaded with compile=False
for file, momentum in (("sgd.keras", 0.0), ("momentum.keras", 0.9)):
    other = build_model()
    sgd = keras.optimizers.SGD(momentum=momentum)
    other.compile(optimizer=sgd, loss=crossentropy)
    other.fit(x_train[:64], y_train[:64], verbose=0)
    other.save(file)

parameter_count = model.count_params()
weight_bytes = 4 * parameter_count
files = {
    ".keras, Adam": "clothes.keras",
    ".weights.h5, Adam": "clothes.weights.h5",
    ".keras, momentum": "momentum.keras",
    ".keras, SGD": "sgd.keras",
    ".keras, uncompiled": "answering.keras",
    "to_json": "clothes.json",
}
sizes = {}
for name, file in files.items():
    sizes[name] = pathlib.Path(file).stat().st_size
    times = sizes[name] / weight_bytes
    print(f"{name:18} {sizes[name] / 1000:4.0f} kB {times:6.2f}")
print(f"4 bytes x {parameter_count:,} = {weight_bytes / 1000:.0f} kB")

# %% draw-sizes
unit = weight_bytes / 1000
remembered = {  # numbers for each parameter
    ".keras, Adam": 2,
    ".weights.h5, Adam": 2,
    ".keras, momentum": 1,
}
fig, ax = plt.subplots(figsize=(4.6, 2.9), layout="tight")
for row, (name, size) in enumerate(reversed(sizes.items())):
    parts = [0 if name == "to_json" else unit]
    parts.append(unit * remembered.get(name, 0))
    parts.append(size / 1000 - sum(parts))
    left = 0
    for part, color in zip(parts, ("C0", "C1", "C2")):
        ax.barh(row, part, left=left, color=color)
        left += part
for label, color in (
    ("weights", "C0"),
    ("optimizer", "C1"),
    ("rest", "C2"),
):
    ax.barh(0, 0, color=color, label=label)
ax.set_yticks(range(len(sizes)), reversed(sizes))
ax.set(xlabel="file size (kB)")
ax.legend()
plt.show()

# %% sizes-hold tags=["check"]
assert weight_bytes == sum(w.nbytes for w in model.get_weights())
adam_bytes = sum(
    v.numpy().nbytes for v in model.optimizer.variables[2:]
)
assert adam_bytes == 2 * weight_bytes
for name in sizes:
    times = 1 + remembered.get(name, 0)
    if name != "to_json":
        assert 0 < sizes[name] - times * weight_bytes < 40_000
assert sizes["to_json"] < 10_000

# %% stranger
stranger = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Flatten(),
        layers.Lambda(lambda x: open("ran.txt", "w").close() or x),
        layers.Dense(10, activation="softmax"),
    ]
)
stranger.save("stranger.keras")
pathlib.Path("ran.txt").unlink()  # building the model ran it, too

with zipfile.ZipFile("stranger.keras") as archive:
    config = json.loads(archive.read("config.json"))
function = config["config"]["layers"][2]["config"]["function"]
print(function["class_name"], function["config"]["code"][:24], "...")

# %% stranger-refused
try:
    load_model("stranger.keras")
except ValueError as error:
    print("ValueError:", str(error).split(". If")[0])
print("ran:", pathlib.Path("ran.txt").exists())

# %% stranger-obeyed
load_model("stranger.keras", safe_mode=False)
print("ran:", pathlib.Path("ran.txt").exists())

# %% instead-of-lambda
inputs = keras.Input(shape=(28, 28))
x = layers.Flatten()(inputs)
x = keras.ops.sqrt(x)  # recorded by name, not as code
outputs = layers.Dense(10, activation="softmax")(x)
rooted = keras.Model(inputs, outputs)
rooted.save("rooted.keras")

with zipfile.ZipFile("rooted.keras") as archive:
    config = json.loads(archive.read("config.json"))
print([layer["class_name"] for layer in config["config"]["layers"]])
loaded = load_model("rooted.keras")
print("equal:", same(loaded, rooted))

# %% strangers-hold tags=["check"]
import base64
import pickle

code = function["config"]["code"]
assert b"ran.txt" in base64.b64decode(code)
assert function["class_name"] == "__lambda__"
assert pathlib.Path("ran.txt").exists()
assert same(loaded, rooted)
for refused in (
    lambda: keras.models.model_from_json(stranger.to_json()),
    lambda: keras.models.clone_model(stranger),
):
    try:
        refused()
        raise AssertionError("a lambda was loaded")
    except ValueError as error:
        assert "arbitrary code execution" in str(error)
# a SavedModel inside a .keras file is refused, too …
inputs = keras.Input(shape=(28, 28))
wrapped = keras.Model(inputs, as_layer(inputs))
wrapped.save("wrapped.keras")
try:
    load_model("wrapped.keras")
    raise AssertionError("a TFSMLayer was loaded")
except ValueError as error:
    assert "TFSMLayer" in str(error)


# … for parts of its graph run as it is loaded
class Resource(tf.saved_model.experimental.TrackableResource):
    def _create_resource(self):
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[])

    def _initialize(self):
        tf.io.write_file("spied.txt", "I ran")


spy = tf.Module()
spy.resource = Resource()
tf.saved_model.save(spy, "spy")
pathlib.Path("spied.txt").unlink(missing_ok=True)
spied = tf.saved_model.load("spy")  # nothing is called
assert pathlib.Path("spied.txt").exists()

# weights that point to another file are refused
with (
    h5py.File("clothes.weights.h5") as file,
    h5py.File("linked.weights.h5", "w") as linked,
):
    file.copy("layers", linked)
    spot = "layers/dense/vars/0"
    del linked[spot]
    linked[spot] = h5py.ExternalLink("clothes.weights.h5", spot)
try:
    build_model().load_weights("linked.weights.h5")
    raise AssertionError("a link was followed")
except ValueError as error:
    assert "Not allowed" in str(error)


class Trap:
    def __reduce__(self):
        return (open, ("unpickled.txt", "w"))


pickle.loads(pickle.dumps(Trap())).close()
assert pathlib.Path("unpickled.txt").exists()
assert same(pickle.loads(pickle.dumps(rooted)), rooted)


# %% pitfall-scaling
def accuracy_on(images, model=model):
    answers = model(images).numpy().argmax(axis=1)
    return np.mean(answers == y_test)


raw = x_rest[:2_000].astype("float32")  # as they come: 0 to 255
for name, images in (("0-1", x_test), ("0-255", raw)):
    loss, _ = model.evaluate(images, y_test, verbose=0)
    sure = np.mean(model(images).numpy().max(axis=1) > 0.99)
    print(f"{name:6} accuracy {accuracy_on(images):.3f}", end="")
    print(f"  loss {loss:5.2f}  sure {sure:.2f}")

# %% pitfall-architecture
model.save_weights("relu.weights.h5")
other = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Flatten(),
        layers.Dense(64, activation="sigmoid", name="else"),
        layers.Dense(10, activation="softmax"),
    ]
)
other.load_weights("relu.weights.h5")  # not a word
print(f"saved  {accuracy_on(x_test):.3f}")
print(f"loaded {accuracy_on(x_test, other):.3f}")


# %% pitfall-failed-save
class Unsavable(keras.Model):
    def __init__(self, units, **kwargs):  # units has no default
        super().__init__(**kwargs)
        self.classify = layers.Dense(units)

    def call(self, x):
        return self.classify(x)


unsavable = Unsavable(10)
unsavable(np.zeros((1, 28)))
best = pathlib.Path("best.keras")
model.save(best)
print(best.stat().st_size, "bytes")
try:
    unsavable.save(best)
except NotImplementedError as error:
    message = " ".join(str(error).split())
    print("NotImplementedError:", message.split(", ")[0])
print(best.stat().st_size, "bytes")
try:
    load_model(best)
except ValueError as error:
    print("ValueError:", error)


# %% pitfall-kwargs
@register_keras_serializable("clothes")
class Scale(layers.Layer):
    def __init__(self, factor=1.0):  # no **kwargs
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


scaled = keras.Sequential([keras.Input(shape=(2,)), Scale(3.0)])
scaled.save("scaled.keras")
try:
    load_model("scaled.keras")
except TypeError as error:
    print("TypeError:", str(error).split("Scale.")[-1])

# %% pitfalls-hold tags=["check"]
import absl.logging

usual_loss, _ = model.evaluate(x_test, y_test, verbose=0)
usual_sure = np.mean(model(x_test).numpy().max(axis=1) > 0.99)
assert loss > 30 * usual_loss
assert sure > 0.9 and usual_sure < 0.6
assert abs(accuracy_on(raw) - accuracy_on(x_test)) < 0.1
assert accuracy_on(x_test, other) < accuracy_on(x_test) - 0.1
packed = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        layers.Rescaling(1 / 255),
        build_model(),
    ]
)
packed.layers[1].set_weights(model.get_weights())
packed.save("packed.keras")
packed = load_model("packed.keras")
assert abs(accuracy_on(raw, packed) - accuracy_on(x_test)) < 0.002

# the places in the file: by kind and number, not by order or name
one = [layers.LayerNormalization(), layers.Dense(8), layers.Dense(8)]
two = [layers.Dense(8), layers.Dense(8), layers.LayerNormalization()]
start = keras.Input(shape=(8,))
one = keras.Sequential([start, *one])
two = keras.Sequential([keras.Input(shape=(8,)), *two])
one.save_weights("kinds.weights.h5")
two.load_weights("kinds.weights.h5")
assert np.array_equal(one.layers[1].kernel, two.layers[0].kernel)
assert np.array_equal(one.layers[2].kernel, two.layers[1].kernel)


class Other(layers.Dense):
    pass


for width, kind in ((32, layers.Dense), (64, Other)):
    odd = keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            layers.Flatten(),
            kind(width),
            layers.Dense(10),
        ]
    )
    try:
        odd.load_weights("relu.weights.h5")
        raise AssertionError("these weights do not fit")
    except ValueError:
        pass
assert best.stat().st_size == 0

# how the names must end
for save in (
    lambda: model.save("clothes"),
    lambda: model.save_weights("clothes.h5"),
):
    try:
        save()
        raise AssertionError("saved under a wrong name")
    except ValueError as error:
        assert "extension" in str(error) or "must end" in str(error)

loud = absl.logging.get_verbosity()
absl.logging.set_verbosity(absl.logging.ERROR)
old = load_model("clothes.keras")
old.save("legacy.h5")  # only warns
assert same(load_model("legacy.h5"), model)
absl.logging.set_verbosity(loud)
old.save("after-h5.keras")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    optimizer = load_model("after-h5.keras").optimizer
    assert type(optimizer).__name__ == "RMSprop"

# %% exercise-1 tags=["solution"]
one = build_model()
one.layers[1].trainable = False
one.compile(optimizer="adam", loss=crossentropy)
history = one.fit(x_train, y_train, batch_size=64, verbose=0)
one.optimizer.learning_rate = 0.5
one.remark = "the best so far"
one.save("one.keras")

two = load_model("one.keras")
print("weights      ", same(one, two))
print("updates      ", int(two.optimizer.iterations))
print("learning rate", float(two.optimizer.learning_rate))
print("trainable    ", two.layers[1].trainable)
print("history      ", getattr(two, "history", None))
print("remark       ", getattr(two, "remark", None))

pathlib.Path("one.json").write_text(json.dumps(history.history))

# %% exercise-1-holds tags=["check"]
assert same(one, two) and int(two.optimizer.iterations) == 63
assert float(two.optimizer.learning_rate) == 0.5
assert two.layers[1].trainable is False
assert not hasattr(two, "remark")
late = build_model()
late.compile(optimizer="adam", loss=crossentropy)
late.fit(x_train[:64], y_train[:64], verbose=0)
late.layers[1].trainable = False  # and not compiled again
late.save("late.keras")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    late = load_model("late.keras")
assert int(late.optimizer.iterations) == 0 and len(caught) == 1
assert getattr(two, "history", None) is None
kept = json.loads(pathlib.Path("one.json").read_text())
assert kept == history.history and list(kept) == ["loss"]


# %% exercise-2 tags=["solution"]
def numbers(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def step_sizes(model, updates=3):
    for start in range(0, 64 * updates, 64):
        before, rows = numbers(model), slice(start, start + 64)
        model.fit(
            x_train[rows], y_train[rows], batch_size=64, verbose=0
        )
        yield np.abs(numbers(model) - before)


kept = load_model("checkpoint.keras")
lost = load_model("checkpoint.keras", compile=False)
lost.compile(optimizer="adam", loss=crossentropy)
moves = {}
for name, one in (("kept", kept), ("lost", lost)):
    moves[name] = list(step_sizes(one))
    for update, move in enumerate(moves[name], start=1):
        print(f"{name} {update}  median {np.median(move):.5f}", end="")
        print(f"  over 0.0009: {np.mean(move > 0.0009):.2f}")
print(f"did not move: {np.mean(moves['lost'][0] == 0):.2f}")

# %% exercise-2-holds tags=["check"]
first = moves["lost"][0]
assert abs(np.median(first[first > 0]) - 0.001) < 5e-5
assert first.max() < 0.00101
assert 0.65 < np.mean(first > 0.0009) < 0.85
assert 0 < np.mean(first == 0) < 0.3
assert np.mean(moves["kept"][0] > 0.0009) < 0.1
for with_memory, without in zip(moves["kept"], moves["lost"]):
    assert np.median(without) > 2 * np.median(with_memory)

# %% exercise-3 tags=["solution"]
weights = model.get_weights()
np.savez("full.npz", *weights)
np.savez("half.npz", *[w.astype("float16") for w in weights])

halved = build_model()
with np.load("half.npz") as file:
    halved.set_weights([file[name] for name in file.files])
for file in ("full.npz", "half.npz"):
    print(f"{file} {pathlib.Path(file).stat().st_size / 1000:.0f} kB")
gap = np.abs(halved(x_test).numpy() - model(x_test).numpy()).max()
print(f"largest change of a probability {gap:.4f}")
print(f"{accuracy_on(x_test):.4f} {accuracy_on(x_test, halved):.4f}")

# %% exercise-3-holds tags=["check"]
assert not same(halved, model)
assert pathlib.Path("half.npz").stat().st_size < 0.55 * weight_bytes
assert 0 < gap < 0.02
assert abs(accuracy_on(x_test) - accuracy_on(x_test, halved)) < 0.005

# %% exercise-4 tags=["solution"]
import hashlib


def fingerprint(file):
    return hashlib.sha256(pathlib.Path(file).read_bytes()).digest()


def rewrite(target, word):
    with (
        zipfile.ZipFile("clothes.keras") as old,
        zipfile.ZipFile(target, "w") as new,
    ):
        for part in old.infolist():
            content = old.read(part)
            if part.filename == "config.json":
                content = content.replace(b'"relu"', word)
            new.writestr(part, content)


original = fingerprint("clothes.keras")
files = (("copy.keras", b'"relu"'), ("forged.keras", b'"tanh"'))
for file, word in files:
    rewrite(file, word)
    accuracy = accuracy_on(x_test, load_model(file))
    print(f"{file:12} accuracy {accuracy:.3f}", end="")
    print("  same hash:", fingerprint(file) == original)

# %% exercise-4-holds tags=["check"]
assert accuracy < accuracy_on(x_test)
assert fingerprint("copy.keras") == original
assert fingerprint("forged.keras") != original


# %% exercise-5 tags=["solution"]
def save_safely(model, file, samples):
    file = pathlib.Path(file)
    draft = file.with_name("new-" + file.name)
    model.save(draft)
    loaded = load_model(draft)
    if not np.array_equal(model(samples), loaded(samples)):
        draft.unlink()
        raise ValueError("the loaded model answers differently")
    draft.replace(file)  # all or nothing


save_safely(model, "safe.keras", x_test[:10])
intact = fingerprint("safe.keras")
forgetting = ClothesModel(activation="tanh")
forgetting(x_test[:1])
known = {"ClothesModel": ClothesModel}
with keras.saving.custom_object_scope(known):
    try:
        save_safely(forgetting, "safe.keras", x_test[:10])
    except ValueError as error:
        print("ValueError:", error)
print("the old file:", fingerprint("safe.keras") == intact)

# %% exercise-5-holds tags=["check"]
assert fingerprint("safe.keras") == intact
assert same(load_model("safe.keras"), model)
assert not pathlib.Path("new-safe.keras").exists()
pathlib.Path("deeper").mkdir()
save_safely(model, "deeper/safe.keras", x_test[:10])
assert pathlib.Path("deeper/safe.keras").exists()

# %% exercise-6 tags=["solution"]
HARMLESS = {"__keras_tensor__", "__tensor__", "__slice__"}


def objects(part):  # every object the file wants to make
    if isinstance(part, dict):
        if "class_name" in part:
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from objects(inner)


def suspects(file):
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))
    found = set()
    for part in objects(config):
        kind = part["class_name"]
        module = str(part.get("module")).split(".")[0]
        if kind in ("Lambda", "TFSMLayer"):
            found.add(kind)
        elif module != "keras" and kind not in HARMLESS:
            is_function = kind == "function"
            found.add(part["config"] if is_function else kind)
    return sorted(found)


for file in ("answering", "own", "doubled", "stranger"):
    print(f"{file:9}", suspects(f"{file}.keras"))

# %% exercise-6-holds tags=["check"]
assert suspects("answering.keras") == []
assert suspects("own.keras") == ["SavableModel"]
assert suspects("stranger.keras") == ["Lambda", "__lambda__"]
assert suspects("doubled.keras") == ["doubled"]
assert suspects("wrapped.keras") == ["TFSMLayer"]
assert suspects("rooted.keras") == []
inputs = keras.Input(shape=(28, 28))
half = keras.Model(inputs, layers.Flatten()(inputs[:, :14]))
half.compile(loss=keras.losses.mean_squared_error)
half.save("half.keras")
assert suspects("half.keras") == ["mean_squared_error"]
