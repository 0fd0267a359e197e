"""Every command and program in README.md and docs/getting-started.md runs, in the order of the page."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# These run everything, this test too; .ci/run calls them.
OUTER = ("scripts/demo", "scripts/test", "scripts/setup")


def blocks(page):
    return [(m.group(1), m.group(2)) for m in BLOCK.finditer((ROOT / page).read_text())]


def file_name(text):
    """What a program's first line says it is called."""
    match = re.match(r"(?:#|/\*) (\w+\.\w+)", text)
    return match and match.group(1)


def run(command, folder):
    path = os.pathsep.join([str(ROOT / ".venv/bin"), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "build/release/python")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/getting-started.md"])
def test_page_runs(page, tmp_path):
    for name in ("build", "examples", "runtime", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    found = blocks(page)
    assert {"sh", "python"} <= {language for language, _ in found}
    named = [(file_name(text), text) for language, text in found if language in ("c", "python")]
    for name, text in named:
        if name:
            (tmp_path / name).write_text(text)
    setup = ""
    for language, text in found:
        if language == "sh":
            run(["bash", "-euo", "pipefail", "-c", setup + text], tmp_path)
            setup += "".join(line + "\n" for line in text.splitlines() if line.startswith("export "))
        elif language == "python" and not file_name(text):
            run([sys.executable, "-c", text], tmp_path)


def test_readme_begins_with_what_matters():
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [number for number, line in enumerate(lines, 1) if line.strip().startswith(OUTER)]
    assert len(commands) == 2 and commands[-1] <= 10
    for name in OUTER:
        assert os.access(ROOT / name, os.X_OK)
    output = next(number for number, line in enumerate(lines, 1) if "accuracy on" in line)
    assert output <= 25


def test_readme_shows_the_demos_table():
    """The labels of the table in the README are those that the demo prints."""
    demo = (ROOT / "examples/digits/demo.py").read_text()
    readme = (ROOT / "README.md").read_text()
    for label in re.findall(r'rows\.append\(\(f?"([^"{]+)', demo):
        assert label.strip() in readme, label


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"
