import pytest

from genai_hf import places
from genai_hf.errors import DataError


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("novel.txt", "novels.txt", "notes.md"):
        (tmp_path / name).touch()
    (tmp_path / "lost.txt").symlink_to("nowhere")


@pytest.mark.parametrize(
    ("path", "names"), [("novel.txt", ["novel.txt"]), (".", ["."]), ("no*.txt", ["novel.txt", "novels.txt"])]
)
def test_a_path_or_a_glob_stands_for_what_is_there(path, names):
    assert sorted(map(str, places.existing(path))) == names


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nvel.txt", "nvel.txt: no such file; ./ holds novel.txt, novels.txt, lost.txt (a link to nothing), "),
        ("lost.txt", "lost.txt: no such file; ./ holds lost.txt (a link to nothing), "),
        ("up/*.txt", "up/*.txt: no file matches; ./ holds lost.txt (a link to nothing), "),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(path, said):
    with pytest.raises(DataError) as caught:
        places.existing(path)
    assert str(caught.value).startswith(said)
