# %% data
import keras
import matplotlib.pyplot as plt
import numpy as np

NUMBER = 1001
UNITS, EPOCHS = 32 * (NUMBER % 10), 9 - NUMBER % 10

keras.utils.set_random_seed(NUMBER)
x = np.random.default_rng(NUMBER).normal(size=(4000, 20))
y = (x @ np.linspace(-1, 1, 20) > 0).astype("float32")

# %% train
layers = [keras.layers.Dense(UNITS, "relu") for _ in range(2)]
model = keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=EPOCHS, validation_split=0.25, verbose=0).history
print(f"validation accuracy {history['val_accuracy'][-1]:.2f}")

# %% curve
plt.plot(history["loss"], label="training")
plt.plot(history["val_loss"], label="validation")
plt.legend()
plt.show()
