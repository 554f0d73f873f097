# %% one-neuron
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


x, y = 2.0, 0.0  # input and target
w, b = 0.6, -0.2  # weight and bias

z = x * w + b
a = sigmoid(z)
neuron_loss = (a - y) ** 2 / 2
print(f"z = {z:.4f}   a = {a:.4f}   E = {neuron_loss:.4f}")


# %% nudge
def loss_at(w, b):
    return (sigmoid(x * w + b) - y) ** 2 / 2


nudged_loss = loss_at(w + 0.001, b)
nudged_slope = (nudged_loss - neuron_loss) / 0.001
print(f"E at w = 0.6      {neuron_loss:.6f}")
print(f"E at w = 0.601    {nudged_loss:.6f}")
print(f"difference/0.001  {nudged_slope:.4f}")

# %% one-neuron-backward
d_a = a - y  # dE/da
d_z = d_a * a * (1 - a)  # dE/dz = dE/da · da/dz
d_w = d_z * x  # dE/dw = dE/dz · dz/dw
d_b = d_z * 1  # dE/db = dE/dz · dz/db
print(f"dE/da = {d_a:.4f}   dE/dz = {d_z:.4f}")
print(f"dE/dw = {d_w:.4f}   dE/db = {d_b:.4f}")

# %% one-neuron-backward-holds tags=["check"]
for step_w, step_b, slope in ((1e-6, 0, d_w), (0, 1e-6, d_b)):
    up = loss_at(w + step_w, b + step_b)
    down = loss_at(w - step_w, b - step_b)
    assert abs((up - down) / 2e-6 - slope) < 1e-8
assert 0 < abs(nudged_slope - d_w) < 1e-3
assert abs(z - 1) < 1e-12

# %% draw-tools
import matplotlib.pyplot as plt


def node(ax, place, name, above="", below=""):
    frame = {"boxstyle": "round,pad=0.4", "fc": "none", "ec": "gray"}
    text = {"ha": "center", "va": "center"}
    ax.text(*place, name, bbox=frame, **text)
    ax.text(place[0], place[1] + 0.45, above, color="C0", **text)
    ax.text(place[0], place[1] - 0.45, below, color="C1", **text)


def edge(ax, start, end, gap=22, color="gray", ls="-", lw=1):
    style = {"arrowstyle": "->", "shrinkA": gap, "shrinkB": gap}
    style |= {"color": color, "linestyle": ls, "linewidth": lw}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)


# %% draw-neuron
fig, ax = plt.subplots(figsize=(4.8, 3.1), layout="tight")
ax.axis("off")
ax.set(xlim=(-0.4, 5.2), ylim=(-2.1, 2.0))
inputs = (1.4, "x", x, None), (0, "w", w, d_w), (-1.4, "b", b, d_b)
for height, name, value, slope in inputs:
    below = "" if slope is None else f"{slope:.3f}"
    node(ax, (0, height), name, f"{value:.3g}", below)
    edge(ax, (0, height), (1.6, 0), gap=20)
node(ax, (1.6, 0), "xw + b", f"z = {z:.3g}", f"{d_z:.3f}")
node(ax, (3.2, 0), "σ(z)", f"a = {a:.3f}", f"{d_a:.3f}")
node(ax, (4.7, 0), "½(a−y)²", f"E = {neuron_loss:.3f}", "1")
edge(ax, (1.6, 0), (3.2, 0), gap=30)
edge(ax, (3.2, 0), (4.7, 0), gap=33)
edge(ax, (4.9, -1.3), (1.6, -1.3), gap=0, color="C1", ls="--")
ax.text(3.25, -1.65, "slopes, backward", color="C1", ha="center")
edge(ax, (1.6, 1.3), (4.9, 1.3), gap=0, color="C0")
ax.text(3.25, 1.5, "values, forward", color="C0", ha="center")
plt.show()

# %% two-two-two
x1, x2 = 0.5, -1.0
y1, y2 = 1.0, 0.0

w11, w12 = 0.4, -0.6  # from x1 to hidden units 1 and 2
w21, w22 = -0.2, 0.8  # from x2
b1, b2 = 0.1, 0.2

v11, v12 = 0.5, 0.6  # from h1 to outputs 1 and 2
v21, v22 = -0.7, 0.3  # from h2
c1, c2 = 0.2, -0.1

# %% draw-network
fig, ax = plt.subplots(figsize=(4.4, 2.7), layout="tight")
ax.axis("off")
ax.set(xlim=(-0.3, 4.8), ylim=(-1.4, 1.5))
top, bottom, end = 1.0, -1.0, (4.6, 0)
for column, names in enumerate(("x", "h", "ŷ")):
    for row, height in enumerate((top, bottom)):
        node(ax, (1.6 * column, height), f"{names}{row + 1}")
node(ax, end, "E")
for left in (0, 1.6):
    edge(ax, (left, bottom), (left + 1.6, bottom))
    edge(ax, (left, bottom), (left + 1.6, top))
edge(ax, (0, top), (1.6, bottom))
bold = {"lw": 2.2, "color": "C1"}
edge(ax, (0, top), (1.6, top), **bold)
edge(ax, (1.6, top), (3.2, top), **bold)
edge(ax, (3.2, top), end, **bold)
edge(ax, (1.6, top), (3.2, bottom), **bold, ls="--")
edge(ax, (3.2, bottom), end, **bold, ls="--")
for place, name in ((0.8, "w11"), (2.4, "v11")):
    ax.text(place, 1.2, name, color="C1", ha="center")
ax.text(2.85, -0.35, "v12", color="C1")
plt.show()

# %% forward-hidden
z1 = x1 * w11 + x2 * w21 + b1
z2 = x1 * w12 + x2 * w22 + b2
h1, h2 = sigmoid(z1), sigmoid(z2)
print(f"z1 = {z1:+.5f}   h1 = {h1:.5f}")
print(f"z2 = {z2:+.5f}   h2 = {h2:.5f}")

# %% forward-output
u1 = h1 * v11 + h2 * v21 + c1
u2 = h1 * v12 + h2 * v22 + c2
y_hat1, y_hat2 = sigmoid(u1), sigmoid(u2)
loss = ((y_hat1 - y1) ** 2 + (y_hat2 - y2) ** 2) / 2
print(f"u1 = {u1:+.5f}   ŷ1 = {y_hat1:.5f}")
print(f"u2 = {u2:+.5f}   ŷ2 = {y_hat2:.5f}")
print(f"E  = {loss:.5f}")

# %% backward-output
d_y_hat1, d_y_hat2 = y_hat1 - y1, y_hat2 - y2
d_u1 = d_y_hat1 * y_hat1 * (1 - y_hat1)
d_u2 = d_y_hat2 * y_hat2 * (1 - y_hat2)
print(f"dE/dŷ1 = {d_y_hat1:+.5f}   dE/dŷ2 = {d_y_hat2:+.5f}")
print(f"dE/du1 = {d_u1:+.5f}   dE/du2 = {d_u2:+.5f}")

# %% gradients-output
d_v11, d_v12 = h1 * d_u1, h1 * d_u2
d_v21, d_v22 = h2 * d_u1, h2 * d_u2
d_c1, d_c2 = d_u1, d_u2
print(f"dE/dv11 = {d_v11:+.5f}   dE/dv12 = {d_v12:+.5f}")
print(f"dE/dv21 = {d_v21:+.5f}   dE/dv22 = {d_v22:+.5f}")
print(f"dE/dc1  = {d_c1:+.5f}   dE/dc2  = {d_c2:+.5f}")

# %% backward-hidden
d_h1 = d_u1 * v11 + d_u2 * v12  # two paths, added
d_h2 = d_u1 * v21 + d_u2 * v22
d_z1 = d_h1 * h1 * (1 - h1)
d_z2 = d_h2 * h2 * (1 - h2)
print(f"dE/dh1 = {d_h1:+.5f}   dE/dh2 = {d_h2:+.5f}")
print(f"dE/dz1 = {d_z1:+.5f}   dE/dz2 = {d_z2:+.5f}")

# %% gradients-hidden
d_w11, d_w12 = x1 * d_z1, x1 * d_z2
d_w21, d_w22 = x2 * d_z1, x2 * d_z2
d_b1, d_b2 = d_z1, d_z2
print(f"dE/dw11 = {d_w11:+.5f}   dE/dw12 = {d_w12:+.5f}")
print(f"dE/dw21 = {d_w21:+.5f}   dE/dw22 = {d_w22:+.5f}")
print(f"dE/db1  = {d_b1:+.5f}   dE/db2  = {d_b2:+.5f}")

# %% by-tape
import tensorflow as tf

X = tf.constant([[x1, x2]], tf.float64)
Y = tf.constant([[y1, y2]], tf.float64)
W = tf.Variable([[w11, w12], [w21, w22]], dtype=tf.float64)
B = tf.Variable([[b1, b2]], dtype=tf.float64)
V = tf.Variable([[v11, v12], [v21, v22]], dtype=tf.float64)
C = tf.Variable([[c1, c2]], dtype=tf.float64)

with tf.GradientTape() as tape:
    H = tf.sigmoid(X @ W + B)
    Y_hat = tf.sigmoid(H @ V + C)
    E = tf.reduce_sum((Y_hat - Y) ** 2) / 2
tape_gradients = tape.gradient(E, [W, B, V, C])


# %% by-differences
def network_loss(p):  # p holds the twelve parameters in order
    W, B = p[0:4].reshape(2, 2), p[4:6]
    V, C = p[6:10].reshape(2, 2), p[10:12]
    Y_hat = sigmoid(sigmoid(X.numpy() @ W + B) @ V + C)
    return np.sum((Y_hat - Y.numpy()) ** 2) / 2


parameters = np.concatenate([p.numpy().ravel() for p in (W, B, V, C)])
step = 1e-5
differences = []
for nudge in step * np.eye(12):  # nudge one parameter at a time
    up = network_loss(parameters + nudge)
    down = network_loss(parameters - nudge)
    differences.append((up - down) / (2 * step))

# %% three-ways
by_hand = [d_w11, d_w12, d_w21, d_w22, d_b1, d_b2]
by_hand += [d_v11, d_v12, d_v21, d_v22, d_c1, d_c2]
by_tape = np.concatenate([g.numpy().ravel() for g in tape_gradients])
names = ["w11", "w12", "w21", "w22", "b1", "b2"]
names += ["v11", "v12", "v21", "v22", "c1", "c2"]

print("       by hand      GradientTape  differences")
for row in zip(names, by_hand, by_tape, differences):
    print("{:4} {:+.9f}  {:+.9f}  {:+.9f}".format(*row))
worst_gap = np.max(np.abs(np.subtract(by_hand, differences)))
print(f"largest gap to the differences: {worst_gap:.1e}")

# %% three-ways-agree tags=["check"]
assert abs(float(E) - loss) < 1e-15
np.testing.assert_allclose(by_hand, by_tape, rtol=0, atol=1e-15)
np.testing.assert_allclose(by_hand, differences, rtol=0, atol=1e-9)
assert worst_gap > 0

# %% update
learning_rate = 2.0
gradients = np.array(by_hand)  # all twelve, from the old weights
new_parameters = parameters - learning_rate * gradients
new_loss = network_loss(new_parameters)
print(f"E before {loss:.5f}")
print(f"E after  {new_loss:.5f}")

# %% update-lowers tags=["check"]
assert new_loss < loss
assert np.isclose(network_loss(parameters), loss)


# %% wrong-order
def hidden_gradient(new_V, new_C, errors=None):
    outputs = sigmoid(np.array([[h1, h2]]) @ new_V + new_C)
    if errors is None:  # errors that belong to these weights
        errors = (outputs - Y.numpy()) * outputs * (1 - outputs)
    return (errors @ new_V.T)[0, 0]


old_errors = np.array([[d_u1, d_u2]])
new_V = new_parameters[6:10].reshape(2, 2)
new_C = new_parameters[10:12]
moved_d_h1 = hidden_gradient(new_V, new_C)
mixed_d_h1 = hidden_gradient(new_V, new_C, old_errors)
print(f"old v, old errors  dE/dh1 = {d_h1:+.5f}")
print(f"new v, new errors  dE/dh1 = {moved_d_h1:+.5f}")
print(f"new v, old errors  mixture  {mixed_d_h1:+.5f}")

# %% wrong-order-holds tags=["check"]
old_V, old_C = V.numpy(), C.numpy()
assert np.isclose(hidden_gradient(old_V, old_C), d_h1)
assert d_h1 > 0 and moved_d_h1 > 0 > mixed_d_h1
assert d_u1 * v11 < 0 < d_u1 * v11 + d_u2 * v12

# %% wrong-order-drift
drift = learning_rate * h1 * (d_u1**2 + d_u2**2)
print(f"predicted mixture {d_h1 - drift:+.5f}")
for rate in (0.002, 0.02, 0.2, 2.0):
    early_V = V.numpy() - rate * by_tape[6:10].reshape(2, 2)
    off = hidden_gradient(early_V, C.numpy(), old_errors) - d_h1
    print(f"learning rate {rate:5}  off by {off / d_h1:+.2%}")

# %% wrong-order-drift-holds tags=["check"]
assert abs(d_h1 - drift - mixed_d_h1) < 1e-15
assert abs(off + drift) < 1e-15

# %% jacobians
x_row, h_row, y_row = X.numpy(), H.numpy(), Y_hat.numpy()

dE_dy = y_row - Y.numpy()
dy_du = np.diag((y_row * (1 - y_row))[0])
du_dh = V.numpy().T
dh_dz = np.diag((h_row * (1 - h_row))[0])
dz_dx = W.numpy().T

dE_du = dE_dy @ dy_du
dE_dz = dE_du @ du_dh @ dh_dz
dE_dx = dE_dz @ dz_dx
dE_dV = h_row.T @ dE_du
dE_dW = x_row.T @ dE_dz
np.set_printoptions(precision=5, suppress=True)
print("dE/du", dE_du, dE_du.shape)
print("dE/dz", dE_dz, dE_dz.shape)
print("dE/dx", dE_dx, dE_dx.shape)
print("dE/dV", dE_dV.shape)
print(dE_dV)
print("dE/dW", dE_dW.shape)
print(dE_dW)

# %% jacobians-hold tags=["check"]
np.testing.assert_allclose(dE_du[0], [d_u1, d_u2])
np.testing.assert_allclose(dE_dz[0], [d_z1, d_z2])
np.testing.assert_allclose(dE_dW.ravel(), by_hand[:4])
np.testing.assert_allclose(dE_dV.ravel(), by_hand[6:10])
with tf.GradientTape(persistent=True) as tape:
    tape.watch(X)
    hidden = tf.sigmoid(X @ W + B)
    outputs = tf.sigmoid(hidden @ V + C)
    half_squares = tf.reduce_sum((outputs - Y) ** 2) / 2
np.testing.assert_allclose(tape.gradient(half_squares, X), dE_dx)
tape_jacobian = tape.jacobian(outputs, hidden)[0, :, 0, :]
np.testing.assert_allclose(tape_jacobian, dy_du @ du_dh)
del tape

# %% network
# activation -> (function, its slope written with its output a)
ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
}


def make_network(sizes, activations, seed):
    rng = np.random.default_rng(seed)
    network = []
    for m, n, name in zip(sizes, sizes[1:], activations):
        weights = rng.normal(0, 1 / np.sqrt(m), (m, n))
        network.append([weights, np.zeros(n), name])
    return network


# %% forward
def forward(network, X):
    stored = [X]
    for weights, bias, name in network:
        function, _ = ACTIVATIONS[name]
        stored.append(function(stored[-1] @ weights + bias))
    return stored


def half_mse(Y_hat, Y):
    return np.sum((Y_hat - Y) ** 2) / 2 / len(Y)


# %% backward
def backward(network, stored, upstream):  # upstream: dE/dŶ
    gradients = [None] * len(network)
    for i in reversed(range(len(network))):
        weights, _, name = network[i]
        _, slope = ACTIVATIONS[name]
        delta = upstream * slope(stored[i + 1])  # dE/dZ
        gradients[i] = stored[i].T @ delta, delta.sum(axis=0)
        upstream = delta @ weights.T  # dE/dH of the layer before
    return gradients, upstream


def loss_and_gradients(network, X, Y):
    stored = forward(network, X)
    upstream = (stored[-1] - Y) / len(Y)
    gradients, _ = backward(network, stored, upstream)
    return half_mse(stored[-1], Y), gradients


# %% update-all
def update(network, gradients, learning_rate):
    for layer, (d_weights, d_bias) in zip(network, gradients):
        layer[0] -= learning_rate * d_weights
        layer[1] -= learning_rate * d_bias


# %% central-differences
def central_differences(network, X, Y, step=1e-5):
    gradients, evaluations = [], 0
    for parameter in (p for layer in network for p in layer[:2]):
        gradient = np.zeros_like(parameter)
        for place in np.ndindex(parameter.shape):
            kept, pair = parameter[place], []
            for nudged in (kept + step, kept - step):
                parameter[place] = nudged
                pair.append(half_mse(forward(network, X)[-1], Y))
            parameter[place] = kept
            gradient[place] = (pair[0] - pair[1]) / (2 * step)
            evaluations += 2
        gradients.append(gradient)
    return gradients, evaluations


# %% gradient-check
X_xor = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
Y_xor = np.array([[0], [1], [1], [0]], dtype=float)
xor = make_network([2, 4, 1], ["tanh", "sigmoid"], seed=0)
_, exact = loss_and_gradients(xor, X_xor, Y_xor)
approximate, evaluations = central_differences(xor, X_xor, Y_xor)
exact = [gradient for pair in exact for gradient in pair]
gaps = [np.abs(a - b).max() for a, b in zip(exact, approximate)]
largest_gap = max(gaps)
print(f"{evaluations} evaluations, largest gap {largest_gap:.1e}")

# %% gradient-check-holds tags=["check"]
assert evaluations == 2 * (2 * 4 + 4 + 4 * 1 + 1)
assert largest_gap < 1e-9

# %% cost tags=["timing"]
import time

rng = np.random.default_rng(0)
X_cost = rng.normal(size=(100, 2))
Y_cost = rng.uniform(size=(100, 1))


def timed(method, net):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = method(net, X_cost, Y_cost)
        times.append(1000 * (time.perf_counter() - start))
    return result, min(times)


ratios = []
print("params  losses  differences  backprop   ratio")
for width in (4, 16, 64):
    net = make_network([2, width, width, 1], ["tanh"] * 3, seed=0)
    (_, needed), slow = timed(central_differences, net)
    _, fast = timed(loss_and_gradients, net)
    parameter_count = sum(p.size for layer in net for p in layer[:2])
    ratios.append(slow / fast)
    print(f"{parameter_count:6} {needed:7} {slow:9.1f} ms", end="")
    print(f" {fast:6.2f} ms {ratios[-1]:7.0f}")

# %% cost-holds tags=["check"]
assert ratios[0] > 5 and ratios[-1] > 10 * ratios[0]
assert parameter_count == (2 + 1) * 64 + (64 + 1) * 64 + (64 + 1)
assert needed == 2 * parameter_count


# %% xor
def train(network, X, Y, learning_rate, epochs, batch_size):
    losses = []
    for _ in range(epochs):
        for i in range(0, len(X), batch_size):
            batch = slice(i, i + batch_size)
            loss, gradients = loss_and_gradients(network, X[batch], Y[batch])
            losses.append(loss)
            update(network, gradients, learning_rate)
    return losses


xor_losses = train(xor, X_xor, Y_xor, 4.0, epochs=1000, batch_size=4)
xor_first_loss, xor_last_loss = xor_losses[0], xor_losses[-1]
xor_outputs = forward(xor, X_xor)[-1]
print(f"loss {xor_first_loss:.5f} -> {xor_last_loss:.5f}")
for inputs, output in zip(X_xor.astype(int), xor_outputs[:, 0]):
    print(inputs, f"-> {output:.3f}")

# %% xor-learned tags=["check"]
assert np.abs(xor_outputs - Y_xor).max() < 0.1

# %% moons
from sklearn.datasets import make_moons

x_moons, y_moons = make_moons(400, noise=0.15, random_state=0)
x_test, y_test = make_moons(400, noise=0.15, random_state=1)
y_moons, y_test = y_moons[:, None] * 1.0, y_test[:, None] * 1.0

moons = make_network([2, 16, 16, 1], ["tanh", "tanh", "sigmoid"], seed=1)
moons_losses = train(moons, x_moons, y_moons, 2.0, 100, batch_size=40)


def accuracy(network, X, Y):
    return np.mean((forward(network, X)[-1] > 0.5) == Y)


moons_accuracy = accuracy(moons, x_moons, y_moons)
moons_test_accuracy = accuracy(moons, x_test, y_test)
moons_steps = len(moons_losses)
print(f"{moons_steps} steps")
print(f"accuracy on the 400 training points {moons_accuracy:.3f}")
print(f"accuracy on 400 new points          {moons_test_accuracy:.3f}")

# %% moons-learned tags=["check"]
assert moons_accuracy > 0.95 and moons_test_accuracy > 0.95


# %% boundaries
def draw_boundary(ax, network, X, Y, title, size):
    low, high = X.min(axis=0) - 0.5, X.max(axis=0) + 0.5
    across, up = np.meshgrid(*np.linspace(low, high, 80).T)
    grid = np.column_stack([across.ravel(), up.ravel()])
    heights = forward(network, grid)[-1].reshape(across.shape)
    shades = {"cmap": "RdBu", "vmin": 0, "vmax": 1, "alpha": 0.6}
    ax.pcolormesh(across, up, heights, rasterized=True, **shades)
    ax.contour(across, up, heights, levels=[0.5], colors="gray")
    for label, marker, color in ((0, "o", "darkred"), (1, "s", "navy")):
        chosen = X[Y[:, 0] == label]
        style = {"s": size, "marker": marker, "c": color, "lw": 0}
        ax.scatter(*chosen.T, rasterized=True, **style)
    ax.set(title=title, xlabel="$x_1$", ylabel="$x_2$")


fig, axes = plt.subplots(1, 2, figsize=(5.5, 2.9), layout="tight")
draw_boundary(axes[0], xor, X_xor, Y_xor, "XOR", 60)
draw_boundary(axes[1], moons, x_moons, y_moons, "two moons", 8)
plt.show()

# %% keras-twin
import keras
from keras import layers

keras.config.set_floatx("float64")  # as precise as our NumPy


def half_squared_error(y_true, y_pred):
    return keras.ops.sum((y_pred - y_true) ** 2, axis=-1) / 2


def twin(network, learning_rate):
    model = keras.Sequential([keras.Input((2,))])
    for _, bias, name in network:
        model.add(layers.Dense(len(bias), activation=name))
    model.set_weights([p for layer in network for p in layer[:2]])
    optimizer = keras.optimizers.SGD(learning_rate)
    model.compile(optimizer, loss=half_squared_error)
    return model


# %% keras-xor
xor = make_network([2, 4, 1], ["tanh", "sigmoid"], seed=0)
keras_xor = twin(xor, learning_rate=4.0)
numpy_losses = train(xor, X_xor, Y_xor, 4.0, epochs=100, batch_size=4)
history = keras_xor.fit(X_xor, Y_xor, batch_size=4, epochs=100, shuffle=False, verbose=0)
keras_losses = np.array(history.history["loss"])
xor_loss_gap = np.abs(keras_losses - numpy_losses).max()
print(f"largest difference of 100 losses {xor_loss_gap:.1e}")

# %% keras-moons
start = make_network([2, 16, 16, 1], ["tanh", "tanh", "sigmoid"], seed=1)
keras_moons = twin(start, learning_rate=2.0)
keras_moons.fit(
    x_moons,
    y_moons,
    batch_size=40,
    epochs=100,
    shuffle=False,
    verbose=0,
)
ours = [p for layer in moons for p in layer[:2]]
pairs = list(zip(ours, keras_moons.get_weights()))
moons_weight_gap = max(np.abs(a - b).max() for a, b in pairs)
moons_numbers = keras_moons.count_params()
print(f"after {moons_steps} steps, {moons_numbers} parameters:")
print(f"largest difference {moons_weight_gap:.1e}")

# %% keras-twin-holds tags=["check"]
assert xor_loss_gap < 1e-10
assert moons_weight_gap < 1e-8
assert moons_numbers == sum(p.size for p in ours)

# %% draw-twin
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="tight")
steps = np.arange(100)
ax.plot(steps, numpy_losses, color="C0", label="NumPy, by hand")
ax.plot(
    steps[::5],
    keras_losses[::5],
    "o",
    color="C1",
    mfc="none",
    label="Keras",
)
ax.set(xlabel="update step", ylabel="loss E", title="XOR")
ax.legend()
plt.show()

# %% back-to-float32
keras.config.set_floatx("float32")
keras.config.set_dtype_policy("float32")


# %% memory
def mebibytes(arrays):
    return sum(array.nbytes for array in arrays) / 2**20


X_batch = np.random.default_rng(0).normal(size=(256, 64))
depths = [1, 2, 4, 8, 16, 32, 64]
stored_memory, weight_memory, passing_memory = [], [], []
for depth in depths:
    net = make_network([64] * (depth + 1), ["tanh"] * depth, seed=0)
    stored = forward(net, X_batch)
    stored_memory.append(mebibytes(stored))
    weight_memory.append(mebibytes(p for layer in net for p in layer[:2]))
    passing_memory.append(mebibytes(stored[-2:]))
deep_stored, deep_weights = stored_memory[-1], weight_memory[-1]
deep_passing = passing_memory[-1]
print("depth  stored MiB  weights MiB  prediction MiB")
for row in zip(depths, stored_memory, weight_memory, passing_memory):
    print("{:5} {:11.3f} {:12.3f} {:15.3f}".format(*row))

# %% memory-holds tags=["check"]
import tracemalloc

expected = 256 * 64 * 8 * (np.array(depths) + 1) / 2**20
np.testing.assert_allclose(stored_memory, expected)
tracemalloc.start()
kept = forward(net, X_batch)
traced = tracemalloc.get_traced_memory()[0] / 2**20
tracemalloc.stop()
# X_batch itself is older than the meter
assert abs(traced / (expected[-1] * 64 / 65) - 1) < 0.05
assert deep_stored > 3 * deep_weights
assert np.ptp(passing_memory) == 0

# %% draw-memory
fig, ax = plt.subplots(figsize=(5.5, 3.3), layout="tight")
ax.plot(depths, stored_memory, "o-", label="stored for the way back")
ax.plot(depths, weight_memory, "s--", label="weights and biases")
ax.plot(depths, passing_memory, "^:", label="prediction: two layers")
ax.set(xlabel="layers", ylabel="memory (MiB)")
ax.legend()
plt.show()

# %% vanishing
keras.utils.set_random_seed(0)


def deep_network(activation):
    model = keras.Sequential([keras.Input((2,))])
    for _ in range(10):
        model.add(layers.Dense(32, activation=activation))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def gradient_norms(model):
    with tf.GradientTape() as tape:
        loss = keras.losses.MeanSquaredError()(y_moons, model(x_moons))
    kernels = [layer.kernel for layer in model.layers]
    return [float(tf.norm(g)) for g in tape.gradient(loss, kernels)]


sigmoid_net, relu_net = deep_network("sigmoid"), deep_network("relu")
sigmoid_norms = gradient_norms(sigmoid_net)
relu_norms = gradient_norms(relu_net)
sigmoid_first_to_last = sigmoid_norms[0] / sigmoid_norms[-1]
for name, norms in (("sigmoid", sigmoid_norms), ("relu", relu_norms)):
    print(f"{name:8} first {norms[0]:.1e}   last {norms[-1]:.1e}")

# %% draw-vanishing
fig, ax = plt.subplots(figsize=(5.5, 3.3), layout="tight")
numbers = np.arange(1, 12)
ax.semilogy(numbers, relu_norms, "s--", color="C1", label="ReLU")
ax.semilogy(numbers, sigmoid_norms, "o-", color="C0", label="sigmoid")
ax.set(xlabel="layer (11 = output)", ylabel="gradient norm of kernel")
ax.legend()
plt.show()

# %% vanishing-why
shrink = (sigmoid_norms[1] / sigmoid_norms[9]) ** (1 / 8)
sizes = [np.linalg.norm(layer.kernel, 2) for layer in sigmoid_net.layers]
largest_stretch = max(sizes[1:10])
print(f"one layer multiplies the gradient by {shrink:.3f}")
print(f"largest stretch by any inner kernel  {largest_stretch:.3f}")
print(f"bound: stretch / 4                   {largest_stretch / 4:.3f}")

# %% vanishing-holds tags=["check"]
assert sigmoid_first_to_last < 1e-6
assert relu_norms[0] > 0.05 * relu_norms[-1]
assert 0.15 < shrink < largest_stretch / 4


# %% consequence
def train_deep(model):
    before = model.layers[0].get_weights()[0]
    optimizer = keras.optimizers.SGD(learning_rate=0.3)
    model.compile(optimizer, loss="mse", metrics=["accuracy"])
    model.fit(x_moons, y_moons, batch_size=40, epochs=40, verbose=0)
    score = model.evaluate(x_moons, y_moons, verbose=0)[1]
    after = model.layers[0].get_weights()[0]
    return score, np.abs(after - before).max()


sigmoid_score, sigmoid_move = train_deep(sigmoid_net)
relu_score, relu_move = train_deep(relu_net)
print("          accuracy  first kernel moved at most")
print(f"sigmoid {sigmoid_score:10.3f}  {sigmoid_move:.1e}")
print(f"ReLU    {relu_score:10.3f}  {relu_move:.1e}")

# %% consequence-holds tags=["check"]
assert sigmoid_score < 0.6 and relu_score > 0.85
assert sigmoid_move < 1e-4 and relu_move > 1e-2

# %% lost-variable
weight = tf.Variable(3.0)
for turn in (1, 2):
    with tf.GradientTape() as tape:
        square = weight**2
    gradient = tape.gradient(square, weight)
    print(f"step {turn}:", gradient)
    if gradient is not None:
        weight = weight - 0.1 * gradient  # now a plain tensor

# %% lost-variable-holds tags=["check"]
assert gradient is None and not isinstance(weight, tf.Variable)

# %% tape-twice
import textwrap

weight = tf.Variable(3.0)
with tf.GradientTape() as tape:
    square = weight**2
    cube = weight**3
print(tape.gradient(square, weight))
try:
    tape.gradient(cube, weight)
except RuntimeError as problem:
    print(textwrap.fill(f"RuntimeError: {problem}", 60))

# %% no-gradient
model = deep_network("relu")
with tf.GradientTape() as tape:
    guesses = tf.cast(model(x_moons) > 0.5, tf.float32)
    mistakes = tf.reduce_mean(tf.abs(guesses - y_moons))
kernel_gradients = tape.gradient(mistakes, model.trainable_variables)
print(f"error rate {float(mistakes):.3f}")
try:
    optimizer = keras.optimizers.SGD()
    optimizer.apply_gradients(zip(kernel_gradients, model.trainable_variables))
except ValueError as problem:
    print("ValueError:", problem)

# %% no-gradient-holds tags=["check"]
assert all(g is None for g in kernel_gradients)


# %% silent-broadcast
def outputs_after_training(targets):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,))])
    model.add(layers.Dense(4, activation="tanh"))
    model.add(layers.Dense(1, activation="sigmoid"))
    optimizer = keras.optimizers.SGD(learning_rate=4.0)
    for _ in range(300):
        with tf.GradientTape() as tape:
            difference = model(X_xor) - targets
            loss = tf.reduce_mean(difference**2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return difference.shape, model(X_xor).numpy()[:, 0]


column = Y_xor.astype("float32")
for targets in (column, column[:, 0]):
    shape, outputs = outputs_after_training(targets)
    print("targets", targets.shape, " difference", shape)
    print("outputs", outputs.round(2))

# %% silent-broadcast-holds tags=["check"]
assert shape == (4, 4) and np.abs(outputs - 0.5).max() < 0.05

# %% exercise-1 tags=["solution"]
kernel, outer_kernel = W.numpy().copy(), V.numpy().copy()
small = [
    [kernel, B.numpy()[0], "sigmoid"],
    [outer_kernel, C.numpy()[0], "sigmoid"],
]
X_zero = np.array([[0.5, 0.0]])
_, first_case = loss_and_gradients(small, X_zero, Y.numpy())
print("x2 = 0")
print("dE/dW", *first_case[0][0])

outer_kernel[0] = 0.0  # v11 = v12 = 0
_, second_case = loss_and_gradients(small, X.numpy(), Y.numpy())
print("v11 = v12 = 0")
print("dE/dW", *second_case[0][0])
print("dE/dV", *second_case[1][0])

# %% exercise-1-holds tags=["check"]
assert np.all(first_case[0][0][1] == 0)
assert np.all(first_case[0][0][0] != 0)
assert np.all(second_case[0][0][:, 0] == 0)
assert np.all(second_case[1][0] != 0)


# %% exercise-2 tags=["solution"]
def cross_entropy(z, y):
    a = sigmoid(z)
    return -(y * np.log(a) + (1 - y) * np.log(1 - a))


logit, target, h = -6.0, 1.0, 1e-5  # sure, and wrong
up = cross_entropy(logit + h, target)
down = cross_entropy(logit - h, target)
guess = sigmoid(logit)
entropy_slope = guess - target
squared_slope = (guess - target) * guess * (1 - guess)
print(f"differences             {(up - down) / (2 * h):+.6f}")
print(f"cross-entropy  ŷ - y    {entropy_slope:+.6f}")
print(f"squared error           {squared_slope:+.6f}")

# %% exercise-2-holds tags=["check"]
assert abs((up - down) / (2 * h) - entropy_slope) < 1e-8
assert abs(entropy_slope) > 100 * abs(squared_slope)

# %% exercise-3 tags=["solution"]
same = make_network([2, 4, 1], ["tanh", "sigmoid"], seed=0)
same[0][0][:] = 0.5
same[1][0][:] = 0.5
same_losses = train(same, X_xor, Y_xor, 4.0, epochs=1000, batch_size=4)
same_last_loss = same_losses[-1]
print("hidden kernel after 1000 steps")
print(same[0][0])
print(f"loss {same_last_loss:.5f}")

# %% exercise-3-holds tags=["check"]
assert np.ptp(same[0][0], axis=1).max() == 0
assert 1 / 12 < same_last_loss < 0.09 and xor_last_loss < 0.01

# %% exercise-4 tags=["solution"]
exponents = np.arange(-12, 0.5, 0.5)
truth = np.array(by_hand)
two_sided, one_sided = [], []
for h in 10**exponents:
    nudges = h * np.eye(12)
    up = np.array([network_loss(parameters + n) for n in nudges])
    down = np.array([network_loss(parameters - n) for n in nudges])
    two_sided.append(np.abs((up - down) / (2 * h) - truth).max())
    one_sided.append(np.abs((up - loss) / h - truth).max())
best_step = float(10 ** exponents[np.argmin(two_sided)])

fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="tight")
ax.loglog(10**exponents, one_sided, "s--", label="one-sided")
ax.loglog(10**exponents, two_sided, "o-", label="central")
ax.set(xlabel="step h", ylabel="largest error of the gradient")
ax.legend()
plt.show()

# %% exercise-4-holds tags=["check"]
assert 1e-6 < best_step < 1e-3
assert min(two_sided) < min(one_sided) / 10
assert two_sided[0] > 1e3 * min(two_sided) < two_sided[-1]


# %% exercise-5 tags=["solution"]
def thrifty_gradients(network, X, Y, every):
    kept, activation = {}, X
    for i, layer in enumerate(network):
        if i % every == 0:
            kept[i] = activation  # the others are dropped
        activation = forward([layer], activation)[-1]
    upstream = (activation - Y) / len(Y)
    gradients, most = [], 0
    for start in reversed(range(0, len(network), every)):
        part = network[start : start + every]
        stored = forward(part, kept[start])  # computed again
        most = max(most, mebibytes([*kept.values(), *stored[1:]]))
        some, upstream = backward(part, stored, upstream)
        gradients = some + gradients
    return gradients, most


# %% exercise-5-run tags=["solution"]
deep = make_network([64] * 65, ["tanh"] * 64, seed=0)
_, full = loss_and_gradients(deep, X_batch, X_batch)
for every in (1, 8, 64):
    thrifty, most = thrifty_gradients(deep, X_batch, X_batch, every)
    gap = max(np.abs(a[0] - b[0]).max() for a, b in zip(full, thrifty))
    print(f"every {every:2}  {most:5.3f} MiB  largest gap {gap:.0e}")
    if every == 8:
        thrifty_memory = most

# %% exercise-5-holds tags=["check"]
for pair in zip(sum(full, ()), sum(thrifty, ())):
    np.testing.assert_allclose(*pair, rtol=1e-9, atol=1e-14)
assert thrifty_memory < 0.3 * deep_stored
