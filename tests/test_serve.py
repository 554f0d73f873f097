"""The writer's server, on a small project of its own. The tests follow one session, in order."""

import re
import shutil
import signal
import socket
import urllib.request
import uuid

import pytest
from helpers import REAL, copy, processes, until

CHAPTER = '# {name}\n\nWords.\n\n{{{{ cell("only") }}}}\n'


class Served:
    """A project, the server's process, and what it answers."""

    def __init__(self, root):
        self.project, self.mark = copy(root), uuid.uuid4().hex
        for path in ("mkdocs.yml", "docs/mkdocs.en.yml"):  # without nav: all chapters
            text = (REAL / path).read_text(encoding="utf-8")
            self.project.write(path, re.sub(r"^nav:\n(?:[ -].*\n)+", "", text, flags=re.MULTILINE))
        shutil.copytree(REAL / "docs" / "theme", root / "docs" / "theme")
        (root / "docs" / "node_modules").symlink_to(REAL / "docs" / "node_modules")
        self.project.chapters("index", "# Home\n\nWelcome.\n")
        self.project.write("examples/_helper.py", "three = 3\n")
        self.example("quick", "from _helper import three\nprint('quick', three)")
        self.example("waits", self.waiting)
        for name in ("quick", "waits"):
            self.project.chapters(name, CHAPTER.format(name=name))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(root / "server.log", "w") as log:
            self.process = self.project.start("serve", "--port", self.port, log=log, BOOK_TEST=self.mark)

    @property
    def waiting(self):
        go = str(self.project.root / "go")
        return f"import os, time\nwhile not os.path.exists({go!r}): time.sleep(0.1)\nprint('the answer is', 6 * 7)"

    def example(self, name, code):
        """An example that tells in a file outside of the project's inputs that it has begun."""
        began = f"open({str(self.project.root / 'began')!r}, 'a').write('{name} ')"
        self.project.example(name, only=f"{began}\n{code}")

    def began(self):
        path = self.project.root / "began"
        return path.read_text().split() if path.exists() else []

    def get(self, path):
        """The page there as text, or an empty one while the server has none."""
        assert self.process.poll() is None, self.log()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def log(self):
        return (self.project.root / "server.log").read_text(encoding="utf-8")

    def shows(self, path, text, seconds=60):
        until(lambda: text in re.sub(r"<[^>]*>", "", self.get(path)), seconds)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("serve") / "project")
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.wait()
    until(lambda: processes(made.mark) == [])


def test_a_page_answers_before_its_example_has_run_and_shows_the_output_when_it_has(served):
    for path in ("/waits/", "/en/waits/"):
        until(lambda path=path: served.get(path))
        page = served.get(path)
        assert 'class="pending"' in page and "the answer is" in re.sub(r"<[^>]*>", "", page)
        assert "the answer is 42" not in re.sub(r"<[^>]*>", "", page)
    assert "Welcome" in served.get("/") and "Welcome" in served.get("/en/")
    (served.project.root / "go").touch()
    for path in ("/waits/", "/en/waits/"):
        served.shows(path, "the answer is 42")
        assert 'class="pending"' not in served.get(path)
        served.shows(path.replace("waits", "quick"), "quick 3")
    assert sorted(served.began()) == ["quick", "waits"]


def test_an_edited_chapter_appears_in_its_edition_and_nothing_runs(served):
    served.project.write("docs/ko/quick.md", CHAPTER.format(name="quick") + "\n새 문장입니다.\n")
    served.shows("/quick/", "새 문장입니다")
    assert "새 문장" not in served.get("/en/quick/")
    assert len(served.began()) == 2


def test_an_edited_example_alone_runs_again(served):
    served.example("quick", "from _helper import three\nprint('quicker', three + 1)")
    served.shows("/quick/", "quicker 4")
    served.shows("/en/quick/", "quicker 4")
    assert sorted(served.began()) == ["quick", "quick", "waits"]


def test_a_wrong_chapter_is_told_with_its_line_and_the_server_goes_on(served):
    served.project.write("docs/ko/quick.md", CHAPTER.format(name="quick") + "\n{{ nothing }}\n")
    until(lambda: "docs/ko/quick.md:7" in served.log())
    assert "Welcome" in served.get("/")
    served.project.write("docs/ko/quick.md", CHAPTER.format(name="quick") + "\n다시 옳은 문장.\n")
    served.shows("/quick/", "다시 옳은 문장")


def test_a_failing_example_is_told_with_its_line_and_mended_by_the_next_edit(served):
    served.example("quick", "print(1 / 0)")
    until(lambda: "shown in docs/ko/quick.md:5" in served.log())
    assert "ZeroDivisionError" in served.log() and "examples/quick.py:3" in served.log()
    served.example("quick", "from _helper import three\nprint('mended', three)")
    served.shows("/quick/", "mended 3")


def test_an_edited_module_makes_its_example_run_again(served):
    before = served.began()
    served.project.write("examples/_helper.py", "three = 33\n")
    served.shows("/quick/", "mended 33", seconds=20)
    assert served.began() == [*before, "quick"]


def test_a_taken_port_is_a_clear_error(served):
    status, _, err = served.project.book("serve", "--port", served.port)
    assert status == 1 and f"port {served.port} is taken" in err and "PORT=" in err and "Traceback" not in err


def test_ctrl_c_ends_the_server_at_once_while_an_example_runs_and_leaves_no_process(served):
    (served.project.root / "go").unlink()
    before = len(served.began())
    served.example("waits", served.waiting + "\nprint('again')")
    until(lambda: len(served.began()) > before)
    served.project.root.joinpath("go").unlink(missing_ok=True)
    said = len(served.log())
    served.process.send_signal(signal.SIGINT)
    served.process.wait(30)  # the example would wait on
    until(lambda: processes(served.mark) == [])
    assert "Traceback" not in served.log()[said:]
