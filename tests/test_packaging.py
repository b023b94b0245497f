"""What is installed works from any folder: the wheel holds every recipe and every YAML."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    sources = ["pyproject.toml", "README.md", "LICENSE", "genai_hf", "conf", "recipes"]
    copy = folder / "source"
    copy.mkdir()
    for name in sources:
        subprocess.run(["cp", "-r", ROOT / name, copy / name], check=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", folder, copy], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_module_recipe_and_yaml(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"genai_hf/conf/{path.relative_to(ROOT / 'conf')}" for path in (ROOT / "conf").rglob("*.yaml")}
    wanted |= {f"genai_hf/recipes/{path.name}" for path in (ROOT / "recipes").glob("*.py")}
    wanted |= {
        str(path.relative_to(ROOT)) for path in (ROOT / "genai_hf").rglob("*") if path.suffix in {".py", ".jinja"}
    }
    assert wanted <= packed
    assert {name.partition("/")[0] for name in packed if "dist-info" not in name} == {"genai_hf"}


def test_the_installed_command_works_from_another_folder(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = (
        "import sys; sys.path = [p for p in sys.path if 'editable' not in p.lower()]; "
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]; "
        "import genai_hf; print(genai_hf.__file__); from genai_hf.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "bert_mlm", "--cfg", "job", "model=bert_mini"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "site"))
    assert "hidden_size: 256" in done.stdout


def test_constraints_pin_every_package_by_version_alone():
    lines = (ROOT / "constraints.txt").read_text().split()
    assert len(lines) > 60
    assert all(line.count("==") == 1 and "/" not in line for line in lines)
