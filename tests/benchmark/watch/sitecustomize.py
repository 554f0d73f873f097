"""On the path of the book's processes: notes in the file BENCH_IMPORTS when one imports TensorFlow."""

import os
import sys


class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            with open(os.environ["BENCH_IMPORTS"], "a") as file:
                file.write(f"{os.getpid()} {sys.argv}\n")


sys.meta_path.insert(0, Watch())
