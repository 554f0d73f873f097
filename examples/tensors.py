# %% first-tensors
import tensorflow as tf

scalar = tf.constant(7)
vector = tf.constant([1.5, 2.5, 3.5])
matrix = tf.constant([[1, 2, 3], [4, 5, 6]])
for tensor in (scalar, vector, matrix):
    print(tensor.ndim, tensor.shape, tensor.dtype.name)
print(matrix)

# %% first-tensors-hold tags=["check"]
assert [t.ndim for t in (scalar, vector, matrix)] == [0, 1, 2]
assert scalar.shape == () and vector.shape == (3,)
assert matrix.shape == (2, 3) and matrix.ndim == len(matrix.shape)
assert scalar.dtype == tf.int32 and vector.dtype == tf.float32
assert tf.size(scalar) == 1 and tf.size(matrix) == 6
assert tf.zeros((3, 0)).ndim == 2 and tf.size(tf.zeros((3, 0))) == 0
rank_one = tf.constant([[1.0, 2.0], [2.0, 4.0]])
assert rank_one.ndim == 2 and tf.linalg.matrix_rank(rank_one) == 1

# %% ranks
import matplotlib.pyplot as plt
import numpy as np

block = np.ones((2, 3, 4))
gap = np.zeros((2, 3, 2))
pictures = {
    (): np.ones((1, 1, 1)),
    (4,): np.ones((1, 1, 4)),
    (3, 4): np.ones((1, 3, 4)),
    (2, 3, 4): block,
    (2, 2, 3, 4): np.concatenate([block, gap, block], axis=2),
}
fig = plt.figure(figsize=(4.6, 3.4))
for shape, cubes in pictures.items():
    rank = len(shape)
    place = (2, 3, (5, 6)) if rank == 4 else (2, 3, rank + 1)
    axes = fig.add_subplot(*place, projection="3d")
    cubes = cubes.transpose(2, 0, 1)
    axes.voxels(
        cubes,
        facecolors="C0",
        edgecolor="lightgray",
        linewidth=0.5,
        clip_on=False,
    )
    axes.set_box_aspect(
        cubes.shape, zoom=np.linalg.norm(cubes.shape) / 6
    )
    axes.set_title(f"rank {rank}\n{shape}")
    axes.view_init(elev=20, azim=-65)
    axes.set_axis_off()
plt.show()

# %% ranks-hold tags=["check"]
assert [len(shape) for shape in pictures] == [0, 1, 2, 3, 4]
for shape, cubes in pictures.items():
    assert cubes.sum() == np.prod(shape)

# %% images
import keras

(x_train, y_train), _ = keras.datasets.fashion_mnist.load_data()
print(x_train.shape, x_train.dtype)
print(y_train.shape, y_train.dtype)
image = x_train[0]
print(image[4:10, 10:18])

# %% first-image
fig, axes = plt.subplots(figsize=(4, 3.4))
drawn = axes.imshow(image, cmap="gray")
window = plt.Rectangle(
    (9.5, 3.5), 8, 6, fill=False, edgecolor="C1", linewidth=2
)
axes.add_patch(window)
axes.set(xlabel="axis 1: column", ylabel="axis 0: row")
fig.colorbar(drawn, label="pixel value", fraction=0.046)
plt.show()

# %% memory
pixel_count = x_train.size
print(pixel_count, "pixels")
print(pixel_count * 1 / 1e6, "MB as uint8")
print(pixel_count * 4 / 1e6, "MB as float32")

# %% images-hold tags=["check"]
assert x_train.shape == (60_000, 28, 28) and x_train.dtype == "uint8"
assert image.min() == 0 and image.max() == 255
assert pixel_count == 60_000 * 28 * 28
assert x_train.nbytes == pixel_count
assert x_train[:2].astype("float32").nbytes == 2 * 28 * 28 * 4

# %% not-rectangular
import textwrap


def show_error(error):
    message = str(error).split("}} ")[-1].split(" [Op")[0]
    message = f"{type(error).__name__}: {message}"
    print(textwrap.fill(message, width=46))


try:
    tf.constant([[1, 2, 3], [4, 5]])
except ValueError as error:
    show_error(error)

# %% creating
print(tf.zeros((2, 3)))
print(tf.fill((2, 2), 7))
print(tf.range(0, 10, 2))
print(tf.linspace(0.0, 1.0, 3))

# %% random
for _ in range(2):
    keras.utils.set_random_seed(0)
    noise = tf.random.normal((3,), mean=0.0, stddev=1.0)
    print(noise.numpy())

# %% creating-holds tags=["check"]
assert tf.ones((2, 3)).dtype == tf.float32
assert tf.fill((2, 2), 7).dtype == tf.int32
assert list(tf.range(0, 10, 2).numpy()) == [0, 2, 4, 6, 8]
assert list(tf.linspace(0.0, 1.0, 3).numpy()) == [0, 0.5, 1]
keras.utils.set_random_seed(0)
again = tf.random.normal((3,), mean=0.0, stddev=1.0)
assert np.array_equal(noise, again)

# %% indexing
images = tf.constant(x_train[:3])
print("images            ", images.shape)
print("images[0]         ", images[0].shape)
print("images[-1, 5]     ", images[-1, 5].shape)
print("images[:2]        ", images[:2].shape)
print("images[:, ::2]    ", images[:, ::2].shape)
print("images[..., 14]   ", images[..., 14].shape)
print("images[..., None] ", images[..., None].shape)
print("images[0, 4, 15]  ", images[0, 4, 15].numpy())

# %% picking
values = tf.constant([10, 20, 30, 40, 50])
print(tf.gather(values, [4, 0, 0]))
print(matrix[[0, 1]])
print(values[values > 25])
print(values[3:100])
try:
    values[100]
except tf.errors.InvalidArgumentError as error:
    show_error(error)

# %% indexing-holds tags=["check"]
assert images[0].shape == (28, 28) and images[0:1].shape[0] == 1
assert images[-1, 5].shape == (28,)
assert images[:, ::2].shape == (3, 14, 28)
assert images[..., 14].shape == (3, 28)
assert images[..., None].shape == (3, 28, 28, 1)
assert images[0, 4, 15] == image[4, 15] == 136
assert list(values[3:100].numpy()) == [40, 50]
assert matrix[[0, 1]] == matrix[0, 1] == 2
assert matrix.numpy()[[0, 1]].shape == (2, 3)

# %% default-dtypes
print(tf.constant([1, 2]).dtype.name)
print(tf.constant([1, 2.5]).dtype.name)
print(tf.constant([True, False]).dtype.name)
print(tf.constant("tensor").dtype.name)
print(tf.constant([1, 2], dtype=tf.float16).dtype.name)
print(tf.constant(np.array([0.5])).dtype.name)

# %% integer-ranges
for dtype in (tf.int8, tf.uint8, tf.int32, tf.int64):
    print(dtype.name, dtype.size, "B")
    print("  ", dtype.min, "..", dtype.max)

# %% int8-overflow
hundred = tf.constant(100, dtype=tf.int8)
int8_sum = (hundred + hundred).numpy()
print(int8_sum)
print(tf.constant(127, dtype=tf.int8) + 1)
print(tf.constant(200, dtype=tf.int8))

# %% integers-hold tags=["check"]
assert tf.constant([1, 2]).dtype == tf.int32
assert tf.constant([1, 2**31]).dtype == tf.int64
assert tf.constant([1, 2.5]).dtype == tf.float32
assert tf.constant(np.array([0.5])).dtype == tf.float64
assert (tf.int8.min, tf.int8.max) == (-128, 127)
assert (tf.uint8.min, tf.uint8.max) == (0, 255)
assert tf.int32.max == 2**31 - 1
assert int8_sum == -56
every = np.arange(-128, 128)
pairs = every[:, None] + every
wrapped = tf.constant(every, tf.int8)[:, None] + tf.constant(
    every, tf.int8
)
assert np.array_equal(wrapped, (pairs + 128) % 256 - 128)
assert np.array_equal(wrapped, pairs.astype("int8"))
two_hundred = np.array([100], "int8") + np.array([100], "int8")
assert two_hundred == -56
assert tf.constant(200, dtype=tf.int8) == -56
try:
    np.array(200, dtype="int8")
    raise AssertionError("NumPy 2 refuses what does not fit")
except OverflowError:
    pass


# %% float-formats
def machine_epsilon(dtype):
    gap = tf.constant(1.0, dtype)
    while 1 + gap / 2 > 1:
        gap = gap / 2
    return float(gap)


print("dtype     bytes  largest    epsilon  digits")
for dtype in (tf.float16, tf.bfloat16, tf.float32, tf.float64):
    epsilon = machine_epsilon(dtype)
    digits = int(-np.log10(epsilon))
    largest = float(dtype.max)
    row = f"{dtype.name:8} {dtype.size:6} {largest:8.1e}"
    print(row, f"{epsilon:10.1e} {digits:7}")
float16_largest = int(tf.float16.max)

# %% float-formats-hold tags=["check"]
float16_epsilon = machine_epsilon(tf.float16)
assert float16_epsilon == 2.0**-10 == float(np.finfo("float16").eps)
assert machine_epsilon(tf.bfloat16) == 2.0**-7
assert machine_epsilon(tf.float32) == 2.0**-23
assert machine_epsilon(tf.float64) == 2.0**-52
assert float16_largest == 65504 == (2 - 2.0**-10) * 2**15
digit_counts = [
    int(-np.log10(machine_epsilon(d)))
    for d in (tf.float16, tf.bfloat16, tf.float32, tf.float64)
]
assert digit_counts == [3, 2, 6, 15]
for dtype, n in ((tf.float16, 3), (tf.bfloat16, 2)):
    for exponent in range(-4, 3):
        for digits in range(10 ** (n - 1), 10**n):
            decimal = float(f"{digits}e{exponent - n + 1}")
            stored = float(np.array(decimal, dtype.as_numpy_dtype))
            assert float(f"{stored:.{n - 1}e}") == decimal


# %% float16-rounding
def half(number):
    return tf.constant(number, dtype=tf.float16)


print(float(half(0.1)), "for 0.1")
print(float(half(2048) + half(1)), "for 2048 + 1")
print(float(half(65504) * half(2)), "for 65504 * 2")
print(float(half(1e-8)), "for 1e-8")
tenth_in_float16 = float(half(0.1))

# %% float16-holds tags=["check"]
assert tenth_in_float16 == 0.0999755859375
assert half(2048) + half(1) == half(2048)
assert half(2048) + half(2) == half(2050)
assert half(2050) + half(1) == half(2052)
assert half(65504) + half(15) == half(65504)
assert np.isinf(half(65504) + half(16))
assert np.isinf(half(65504) * half(2)) and half(1e-8) == 0
assert np.isfinite(half(65519)) and np.isinf(half(65520))
rng = np.random.default_rng(0)
exact = rng.uniform(-60_000, 60_000, 10_000)
exact = exact[abs(exact) > 2.0**-14]
error = abs(half(exact).numpy().astype("float64") - exact)
assert (error <= float16_epsilon / 2 * abs(exact)).all()
assert float(half(2.0**-24)) == 2.0**-24 and half(2.0**-26) == 0
assert half(4095) == 4096 and half(4094) == 4094
tenth = tf.constant(0.1, tf.float64)
assert not bool(tenth + 0.2 == 0.3)
assert bool(tf.constant(0.1) + 0.2 == 0.3)
almost = half(1) - half(float16_epsilon / 2)
assert not np.allclose(half(1), almost)
assert np.allclose(half(1), almost, rtol=4 * float16_epsilon)

# %% float-gaps
points = np.geomspace(1e-3, 6e4, 2000)
gap16 = np.spacing(points.astype("float16")).astype("float64")
gap32 = np.spacing(points.astype("float32"))

fig, axes = plt.subplots(figsize=(4.8, 3.2))
axes.loglog(points, gap16, label="float16")
axes.loglog(points, gap32, linestyle="--", label="float32")
axes.axvline(2048, color="C2", linewidth=1)
axes.plot(2048, 2, marker="o", color="C2")
axes.text(1000, 5, "2048: gap 2", color="C2", ha="right")
axes.set(
    xlabel="number (logarithmic)",
    ylabel="gap to the next (logarithmic)",
)
axes.legend(loc="upper left")
plt.show()

# %% float-gaps-hold tags=["check"]
exponent = np.floor(np.log2(points.astype("float16").astype(float)))
assert np.allclose(gap16, 2.0 ** (exponent - 10))
assert np.spacing(np.float16(2048)) == 2
assert np.spacing(np.float16(2047)) == 1
ratio = gap16 / gap32
assert np.median(ratio) == 2.0**13

# %% cast
prices = tf.constant([2.9, -2.9, 300.0])
whole = tf.cast(prices, tf.int32)
print(whole)
print(tf.cast(tf.round(prices), tf.int32))
print(tf.cast(whole, tf.uint8))
print(tf.saturate_cast(whole, tf.uint8))
print(tf.cast([0.0, 0.1], tf.bool))

# %% cast-holds tags=["check"]
assert list(tf.cast(prices, tf.int32).numpy()) == [2, -2, 300]
assert list(tf.cast(whole, tf.uint8).numpy()) == [2, 254, 44]
assert list(tf.saturate_cast(whole, tf.uint8).numpy()) == [2, 0, 255]
assert list(tf.cast(tf.round(prices), tf.int32).numpy()) == [3, -3, 300]
assert list(tf.cast([0.0, 0.1], tf.bool).numpy()) == [False, True]
assert prices.dtype == tf.float32
assert list(tf.round([0.5, 1.5, 2.5]).numpy()) == [0, 2, 2]

# %% strings
words = tf.constant(["tensor", "텐서"])
print(words.shape, words.dtype.name)
print(words[1].numpy())
print(words[1].numpy().decode("utf-8"))
print(tf.strings.length(words))
print(tf.strings.length(words, unit="UTF8_CHAR"))
print(tf.strings.to_number("3.5"))

# %% strings-hold tags=["check"]
assert words.shape == (2,) and words.dtype == tf.string
assert list(tf.strings.length(words).numpy()) == [6, 6]
characters = tf.strings.length(words, unit="UTF8_CHAR")
assert list(characters.numpy()) == [6, 2]
assert isinstance(words[1].numpy(), bytes)
assert tf.constant("tensor").shape == ()
try:
    tf.cast(tf.constant("3.5"), tf.float32)
    raise AssertionError("cast of a string")
except tf.errors.UnimplementedError:
    pass

# %% no-promotion
try:
    print(tf.constant(2) + tf.constant(2.2))
except tf.errors.InvalidArgumentError as error:
    show_error(error)

# %% cast-then-add
print(tf.cast(tf.constant(2), tf.float32) + tf.constant(2.2))

# %% python-numbers
print(tf.constant([1.0, 2.0]) * 3)
try:
    print(tf.constant([1, 2]) * 0.5)
except TypeError as error:
    show_error(error)

# %% keras-promotes
print(keras.ops.add(tf.constant(2), tf.constant(2.2)))

# %% promotion-holds tags=["check"]
mismatches = [
    (tf.constant(2), tf.constant(2.2)),
    (tf.constant(2), tf.constant(2, tf.int64)),
    (tf.constant(2.0), tf.constant(2.0, tf.float64)),
    (tf.constant(2.0), tf.constant(2.0, tf.float16)),
]
for a, b in mismatches:
    for operation in (tf.add, tf.multiply, tf.less, tf.equal):
        try:
            operation(a, b)
            raise AssertionError((a, b, operation))
        except tf.errors.InvalidArgumentError:
            pass
mended = tf.cast(tf.constant(2), tf.float32) + tf.constant(2.2)
assert abs(float(mended) - 4.2) < 1e-6 and mended.dtype == tf.float32
try:
    tf.constant([1]) * 2.0
    raise AssertionError("a Python float and integers")
except TypeError:
    pass
mixed_sum = keras.ops.add(tf.constant(2), tf.constant(2.2))
assert mixed_sum.dtype == tf.float32
int32_array = np.array([2], "int32")
assert (int32_array + np.array([2.2], "float32")).dtype == "float64"
from_numpy = tf.constant([1.0]) * np.array([0.5])
assert from_numpy.dtype == tf.float32
assert (tf.constant([1.0, 2.0]) * 3).dtype == tf.float32

# %% arithmetic
a = tf.constant([4.0, 9.0])
b = tf.constant([2.0, 3.0])
print(a + b)
print(a * b)
print(a**2)
print(tf.sqrt(a))
print(a > 5)
print(tf.constant(-7) // 2)
print(tf.constant(-7) % 2)
print(tf.constant(7) / tf.constant(2))

# %% arithmetic-holds tags=["check"]
assert list((a * b).numpy()) == [8, 27]
assert (tf.constant(7) / tf.constant(2)).dtype == tf.float64
assert (tf.constant([7], tf.uint8) / 2).dtype == tf.float32
assert keras.ops.divide(tf.constant(7), 2).dtype == tf.float32
assert tf.constant(-7) // 2 == -4 and tf.constant(-7) % 2 == 1
try:
    (tf.constant(7) / tf.constant(2)) * tf.constant(1.0)
    raise AssertionError("float64 * float32")
except tf.errors.InvalidArgumentError:
    pass

# %% broadcast
tens = tf.constant([[0], [10], [20]])
units = tf.constant([0, 1, 2, 3])
sums = tens + units
print(tens.shape, "+", units.shape, "->", sums.shape)
print(sums)


# %% broadcast-picture
def draw_grid(axes, grid, given, title):
    for (i, j), number in np.ndenumerate(grid):
        square = plt.Rectangle(
            (j, i),
            1,
            1,
            facecolor=("C0", 0.4) if given[i, j] else "none",
            edgecolor="C0",
            linestyle="-" if given[i, j] else ":",
        )
        axes.add_patch(square)
        axes.text(j + 0.5, i + 0.5, number, ha="center", va="center")
    axes.set(xlim=(-0.1, 4.1), ylim=(3.1, -0.1), aspect="equal")
    axes.set_title(title)
    axes.axis("off")


# %% broadcast-figure
fig, axes = plt.subplots(1, 3, figsize=(4.6, 1.5))
row, column = np.indices((3, 4))
draw_grid(axes[0], 10 * row, column == 0, "(3, 1)")
draw_grid(axes[1], column, row == 0, "+  (4,)")
draw_grid(axes[2], sums.numpy(), row >= 0, "=  (3, 4)")
plt.show()

# %% broadcast-fails
print(np.broadcast_shapes((5, 1, 3), (4, 1)))
try:
    print(tf.ones((2, 3)) + tf.ones((2,)))
except tf.errors.InvalidArgumentError as error:
    show_error(error)
print((tf.ones((2, 3)) + tf.ones((2, 1))).shape)
print(tf.ones((2, 3)) == tf.ones((2,)))

# %% broadcast-holds tags=["check"]
assert sums.shape == (3, 4)
assert np.array_equal(sums, 10 * row + column)
tiled = tf.tile(tens, (1, 4)) + tf.tile(units[None], (3, 1))
assert np.array_equal(sums, tiled)
assert (tf.ones((2, 3)) == tf.ones((2,))).shape == ()
assert (tf.ones((2, 3)) != tf.ones((2,))).numpy() == True  # noqa: E712
for operation in (tf.equal, tf.less):
    try:
        operation(tf.ones((2, 3)), tf.ones((2,)))
        raise AssertionError(operation)
    except tf.errors.InvalidArgumentError:
        pass
assert (tf.ones((5, 1, 3)) + tf.ones((4, 1))).shape == (5, 4, 3)
assert (tf.ones((2, 3)) + 1.0).shape == (2, 3)
assert (tf.ones((2, 3)) + tf.ones((1, 1, 3))).shape == (1, 2, 3)
assert (tf.ones((2, 1)) + tf.ones((0,))).shape == (2, 0)
# The two rules, against TensorFlow, for many pairs of shapes.
sizes = [(), (1,), (2,), (3,), (2, 3), (3, 1), (1, 3), (2, 1, 3)]
for s in sizes:
    for t in sizes:
        longest = max(len(s), len(t))
        s_full = (1,) * (longest - len(s)) + s
        t_full = (1,) * (longest - len(t)) + t
        both = list(zip(s_full, t_full))
        fits = all(m == n or 1 in (m, n) for m, n in both)
        try:
            result = tuple((tf.ones(s) + tf.ones(t)).shape)
        except tf.errors.InvalidArgumentError:
            assert not fits, (s, t)
        else:
            assert fits, (s, t)
            assert result == tuple(max(m, n) for m, n in both)

# %% matmul
A = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
B = tf.constant([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
v = tf.constant([1.0, 0.0, -1.0])
print(A @ B)
print(tf.linalg.matvec(A, v))
print((tf.ones((32, 2, 3)) @ B).shape)

# %% matmul-holds tags=["check"]
by_hand = [
    [sum(A[i, p] * B[p, j] for p in range(3)) for j in range(2)]
    for i in range(2)
]
assert np.allclose(A @ B, by_hand)
assert (A * A).shape == (2, 3) and (A @ B).shape == (2, 2)
assert list(tf.linalg.matvec(A, v).numpy()) == [-2, -2]
assert np.allclose(A @ v[:, None], [[-2], [-2]])
assert np.allclose(keras.ops.matmul(A, v), [-2, -2])
for wrong in (A, v):
    try:
        A @ wrong
        raise AssertionError(wrong.shape)
    except tf.errors.InvalidArgumentError:
        pass

# %% reductions
table = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]])
print(tf.reduce_sum(table))
print(tf.reduce_sum(table, axis=0))
print(tf.reduce_sum(table, axis=1))
print(tf.reduce_mean(table, axis=1, keepdims=True))
print(tf.argmax(table, axis=1))
mean_image = tf.reduce_mean(tf.cast(images, tf.float32), axis=0)
print(images.shape, "->", mean_image.shape)

# %% reductions-hold tags=["check"]
assert tf.reduce_sum(table) == 24
assert list(tf.reduce_sum(table, axis=0).numpy()) == [5, 7, 12]
assert list(tf.reduce_sum(table, axis=1).numpy()) == [6, 18]
assert list(tf.argmax(table, axis=1).numpy()) == [2, 2]
kept = tf.reduce_mean(table, axis=1, keepdims=True)
assert kept.shape == (2, 1) and (table - kept).shape == (2, 3)
block = tf.ones((2, 3, 4))
assert tf.reduce_sum(block, axis=(0, 2)).shape == (3,)
assert tf.reduce_sum(block, axis=-1).shape == (2, 3)
assert mean_image.shape == (28, 28)

# %% reshape
six = tf.constant([[1, 2, 3], [4, 5, 6]])
print(tf.reshape(six, (3, 2)))
print(tf.transpose(six))
print(tf.reshape(six, (-1,)))
print(tf.transpose(tf.zeros((32, 28, 20)), (0, 2, 1)).shape)

# %% reshape-or-transpose
side_by_side = tf.transpose(images, (1, 0, 2))
strips = {
    "reshape alone": tf.reshape(images, (28, 84)),
    "transpose, then reshape": tf.reshape(side_by_side, (28, 84)),
}
fig, axes = plt.subplots(2, 1, figsize=(4.8, 3.8))
for place, (title, strip) in zip(axes, strips.items()):
    place.imshow(strip, cmap="gray")
    place.set_title(title)
    place.axis("off")
plt.show()

# %% reshape-holds tags=["check"]
assert np.array_equal(tf.reshape(six, (3, 2)), [[1, 2], [3, 4], [5, 6]])
assert np.array_equal(tf.transpose(six), [[1, 4], [2, 5], [3, 6]])
joined = np.concatenate(list(images.numpy()), axis=1)
which = tf.repeat([0, 1, 2], 784)
rows = tf.reshape(which, (28, 84)).numpy()
mixed_rows = [i for i in range(28) if len(set(rows[i])) > 1]
assert mixed_rows == [9, 18]
assert np.array_equal(strips["transpose, then reshape"], joined)
assert not np.array_equal(strips["reshape alone"], joined)
block = tf.reshape(tf.range(24), (2, 3, 4))
assert block[1, 2, 3] == 1 * 12 + 2 * 4 + 3
try:
    tf.reshape(six, (4, -1))
    raise AssertionError("6 values in rows of 4")
except tf.errors.InvalidArgumentError:
    pass

# %% layer
x = tf.cast(tf.reshape(images, (3, 784)), tf.float32) / 255
keras.utils.set_random_seed(0)
kernel = tf.random.normal((784, 10), stddev=0.1)
bias = tf.zeros(10)
scores = x @ kernel + bias
print(x.shape, "@", kernel.shape, "+", bias.shape)
print("->", scores.shape)

# %% layer-holds tags=["check"]
assert scores.shape == (3, 10)
assert float(tf.reduce_max(x)) == 1 and float(tf.reduce_min(x)) == 0
assert np.allclose(x[1].numpy().reshape(28, 28) * 255, images[1])

# %% variable
weights = tf.Variable([1.0, 2.0, 3.0])
weights.assign_sub([0.5, 0.5, 0.5])
print(weights.numpy())
weights[0].assign(9.0)
print(weights.numpy())
doubled = weights * 2
print(type(weights).__name__, "->", type(doubled).__name__)
try:
    weights.assign([1.0, 2.0])
except ValueError as error:
    show_error(error)

# %% variable-holds tags=["check"]
assert list(weights.numpy()) == [9.0, 1.5, 2.5]
assert not isinstance(doubled, tf.Variable)
assert tf.is_tensor(doubled)
weights.assign_add([1.0, 0.0, 0.0])
assert weights[0] == 10 and doubled[0] == 18
assert weights.trainable
free = tf.Variable([1.0], shape=tf.TensorShape(None))
free.assign([1.0, 2.0])
assert list(free.numpy()) == [1, 2]
assert isinstance(keras.Variable([1.0]).value, tf.Variable)
try:
    weights.assign(tf.constant([1, 2, 3]))
    raise AssertionError("int32 into float32")
except ValueError:
    pass

# %% numpy-interop
array = np.array([1.0, 4.0, 9.0])
print(array.dtype, "->", tf.constant(array).dtype.name)
single = tf.constant(array, dtype=tf.float32)
print(tf.sqrt(array))
print(type(np.sqrt(single)).__name__)
copy = single.numpy()
copy[0] = 100.0
print(single)

# %% numpy-holds tags=["check"]
assert tf.constant(array).dtype == tf.float64
assert tf.is_tensor(tf.sqrt(array))
assert isinstance(np.sqrt(single), np.ndarray)
assert single[0] == 1 and copy[0] == 100
array[0] = -1.0
assert single[0] == 1
assert tf.constant(np.array([1, 2])).dtype in (tf.int64, tf.int32)


# %% tf-function
@tf.function
def double(x):
    print("tracing for", x.shape, x.dtype.name)
    return x + x


print(double(tf.constant([1.0, 2.0])))
print(double(tf.constant([3.0, 4.0])))
print(double(tf.constant([1, 2])))
print(double(tf.constant([1.0, 2.0, 3.0])))

# %% tf-function-holds tags=["check"]
traces = []


@tf.function
def count_traces(x):
    traces.append((x.dtype, x.shape))
    return x + x


for argument in ([1.0, 2.0], [3.0, 4.0], [1, 2], [1.0, 2.0, 3.0]):
    count_traces(tf.constant(argument))
assert len(traces) == 3
assert list(double(tf.constant([3.0, 4.0])).numpy()) == [6, 8]
traces.clear()
for number in (1.0, 2.0, 3.0):
    count_traces(tf.constant(number))
assert len(traces) == 1
python_traces = []


@tf.function
def count_python(x):
    python_traces.append(x)
    return 2 * x


for number in (1.0, 2.0, 3.0):
    count_python(number)
assert len(python_traces) == 3

# %% pitfall-assignment
fixed = tf.constant([1.0, 2.0, 3.0])
try:
    fixed[0] = 9.0
except TypeError as error:
    show_error(error)
changed = tf.tensor_scatter_nd_update(fixed, [[0]], [9.0])
print(fixed.numpy(), changed.numpy())


# %% pitfall-mse
def mean_squared_error(target, prediction):
    return tf.reduce_mean((target - prediction) ** 2)


target = tf.constant([1.0, 2.0, 3.0])
prediction = tf.constant([[1.0], [2.0], [3.0]])
print((target - prediction).shape)
wrong_mse = float(mean_squared_error(target, prediction))
right_mse = float(mean_squared_error(target, prediction[:, 0]))
print(wrong_mse, "is wrong,", right_mse, "is right")

keras_mse = keras.losses.MeanSquaredError()
print(float(keras_mse(target, prediction)), "(3,) and (3, 1)")
row_target = target[tf.newaxis]
print(float(keras_mse(row_target, prediction)), "(1, 3) and (3, 1)")

# %% pitfall-numpy
counts = tf.constant([1, 2])
print(counts * np.array([0.5, 2.5]))
print(keras.ops.multiply(counts, np.array([0.5, 2.5])))

# %% pitfall-integers
print(tf.constant([250], tf.uint8) + 10)
print(tf.reduce_sum(tf.constant([200, 100], tf.uint8)))
print(tf.reduce_mean(tf.constant([1, 2])))
print(tf.reduce_mean(tf.constant([1.0, 2.0])))

# %% pitfall-matmul
try:
    A @ v
except tf.errors.InvalidArgumentError as error:
    show_error(error)
try:
    A @ A
except tf.errors.InvalidArgumentError as error:
    show_error(error)

# %% pitfalls-hold tags=["check"]
assert list(changed.numpy()) == [9, 2, 3] and fixed[0] == 1
try:
    tf.Variable([1.0])[0] = 2.0
    raise AssertionError("item assignment to a variable")
except TypeError:
    pass
assert abs(wrong_mse - 4 / 3) < 1e-6 and right_mse == 0
assert float(keras_mse(target, prediction)) == 0
assert abs(float(keras_mse(row_target, prediction)) - 4 / 3) < 1e-6
same = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
same.compile(loss=mean_squared_error)
assert same.evaluate(prediction, target, verbose=0) == 0
multiplied = tf.multiply(counts, np.array([0.5, 2.5]))
assert list(multiplied.numpy()) == [0, 4]
assert list((counts * np.array([0.5, 2.5])).numpy()) == [0, 4]
assert list((counts * np.float32(2.5)).numpy()) == [2, 4]
promoted = keras.ops.multiply(counts, np.array([0.5, 2.5]))
assert list(np.array(promoted)) == [0.5, 5.0]
assert (tf.constant([250], tf.uint8) + 10)[0] == 4
assert tf.reduce_sum(tf.constant([200, 100], tf.uint8)) == 44
assert np.sum(np.array([200, 100], "uint8")) == 300
assert tf.reduce_mean(tf.constant([1, 2])) == 1
assert keras.ops.mean(tf.constant([1, 2])) == 1.5
assert np.mean([1, 2]) == 1.5

# %% exercise-1 tags=["solution"]
pairs = [
    ((3, 1), (1, 4)),
    ((3,), (3, 1)),
    ((2, 3), (3,)),
    ((2, 3), (2,)),
    ((8, 1, 6), (7, 1)),
    ((), (2, 2)),
]
for first, second in pairs:
    try:
        result = (tf.zeros(first) + tf.zeros(second)).shape
    except tf.errors.InvalidArgumentError:
        result = "incompatible"
    print(first, second, "->", result)


# %% exercise-2 tags=["solution"]
def first_missing_integer(dtype, start, stop):
    integers = tf.range(start, stop, dtype=tf.int64)
    there_and_back = tf.cast(tf.cast(integers, dtype), tf.int64)
    return int(integers[integers != there_and_back][0])


missing_in_bfloat16 = first_missing_integer(tf.bfloat16, 0, 4096)
missing_in_float16 = first_missing_integer(tf.float16, 0, 4096)
missing_in_float32 = first_missing_integer(
    tf.float32, 2**24 - 4, 2**24 + 4
)
print(missing_in_bfloat16, missing_in_float16, missing_in_float32)

# %% exercise-3 tags=["solution"]
picture = tf.constant(image)
wrapped = picture + 60
safe = tf.cast(picture, tf.float32) + 60
brighter = tf.saturate_cast(safe, tf.uint8)
darker_pixels = int(tf.reduce_sum(tf.cast(wrapped < picture, tf.int32)))
print(darker_pixels, "pixels wrapped")

fig, axes = plt.subplots(1, 2, figsize=(5.5, 2.8))
titles = ["uint8 + 60 wraps", "float32, then saturate"]
for place, shown, title in zip(axes, [wrapped, brighter], titles):
    place.imshow(shown, cmap="gray", vmin=0, vmax=255)
    place.set_title(title)
    place.axis("off")
plt.show()

# %% exercise-4 tags=["solution"]
n = 8
t = tf.cast(tf.range(n), tf.float32)
p = t[:, tf.newaxis]
broadcast_mse = float(mean_squared_error(t, p))
variance = float(tf.math.reduce_variance(t))
print(broadcast_mse, "=", 2 * variance)

mean_only = tf.fill((n, 1), tf.reduce_mean(t))
mean_only_mse = float(mean_squared_error(t, mean_only))
print(mean_only_mse, "=", variance)

# %% exercise-5 tags=["solution"]
keras.utils.set_random_seed(0)
data = tf.random.normal((5, 3), mean=10.0, stddev=4.0)
mean = tf.reduce_mean(data, axis=0)
deviation = tf.math.reduce_std(data, axis=0)
standard = (data - mean) / deviation
print(abs(tf.reduce_mean(standard, axis=0).numpy()) < 1e-5)
print(tf.math.reduce_std(standard, axis=0).numpy().round(3))

positive = tf.abs(data)
row_sums = tf.reduce_sum(positive, axis=1, keepdims=True)
shares = positive / row_sums
print(tf.reduce_sum(shares, axis=1).numpy().round(3))

# %% exercise-6 tags=["solution"]
products = A[:, :, tf.newaxis] * B[tf.newaxis, :, :]
C = tf.reduce_sum(products, axis=1)
print(products.shape, "->", C.shape)
print(np.allclose(C, A @ B))

# %% exercises-hold tags=["check"]
assert missing_in_bfloat16 == 257
assert missing_in_float16 == 2049
assert missing_in_float32 == 2**24 + 1
assert darker_pixels == int((image >= 196).sum())
assert abs(broadcast_mse - 2 * (8**2 - 1) / 12) < 1e-4
assert abs(2 * variance - broadcast_mse) < 1e-4
assert abs(variance - mean_only_mse) < 1e-4
random_p = tf.random.normal((n, 1), mean=3.0, stddev=2.0)
shift = tf.reduce_mean(t) - tf.reduce_mean(random_p)
split = variance + tf.math.reduce_variance(random_p) + shift**2
assert abs(float(mean_squared_error(t, random_p) - split)) < 1e-3
assert float(tf.reduce_max(abs(tf.reduce_mean(standard, 0)))) < 1e-5
assert np.allclose(tf.reduce_sum(shares, axis=1), 1)
assert products.shape == (2, 3, 2) and np.allclose(C, A @ B)
