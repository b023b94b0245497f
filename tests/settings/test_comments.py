import yaml

from genai_hf.settings import comments
from genai_hf.settings.comments import Comment

YAML = """\
# A file.
alone: 1   # of its own
quoted: "# no comment"
wrapped: "x # no comment
  either"
hash: a#b
folded: >-   # over several lines
  some words # of text
nested:      # a group
  key: a#b   # within
  bare: 2
  list:
    - x   # an item's comment belongs to no key
  flow: ["#1",
    2]
"""


def test_the_comment_behind_a_key_is_the_keys():
    assert comments.read(YAML, "data.") == {
        "data.alone": Comment("of its own", "1"),
        "data.folded": Comment("over several lines"),
        "data.nested": Comment("a group"),
        "data.nested.key": Comment("within", "a#b"),
    }


def test_comments_stand_beside_the_settings_whose_they_are():
    said = {"a": Comment("first", "1"), "b.c": Comment("third", "#"), "b": Comment("group"), "e": Comment("gone")}
    shown = comments.beside("a: 1\nb:\n  c: '#'\n  d: 2\n", said).splitlines()
    assert shown == [f"{'a: 1':38}  # first", f"{'b:':38}  # group", "  c: '#'" + " " * 32 + "# third", "  d: 2"]


def test_a_reason_for_another_value_says_for_which():
    said = {"rate": Comment("why so high", "1.5e-3"), "size": Comment("enough", "1_000")}
    shown = comments.beside("rate: 0.0001\nsize: 1000\n", said).splitlines()
    assert [line.partition("# ")[2] for line in shown] == ["in place of 1.5e-3: why so high", "enough"]


def test_the_settings_stay_yaml_with_the_same_content():
    settings = "a: one two\n  three\nb: >-\n  x\nc: []\n"
    said = {key: Comment("why") for key in "abc"}
    assert yaml.safe_load(comments.beside(settings, said)) == yaml.safe_load(settings)


def test_settings_without_keys_stay_as_they_are():
    assert comments.beside("{}", {"a": Comment("first")}) == "{}"


def test_a_list_has_its_comment_beside_its_key():
    found = comments.read("labels: [a, b]   # of the texts\nnothing: 1\n")
    settings = "labels:\n- a\n- b\nnothing: 1"
    assert comments.beside(settings, found).splitlines()[0] == f"{'labels:':38}  # of the texts"
