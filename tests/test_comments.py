from genai_hf import comments

YAML = """\
# A file.
alone: 1   # of its own
quoted: "# no comment"
folded: >-   # over several lines
  some words
nested:      # a group
  key: a#b   # within
  bare: 2
  list:
    - x   # an item's comment belongs to no key
"""


def test_the_comment_behind_a_key_is_the_keys():
    assert comments.read(YAML, "data.") == {
        "data.alone": "of its own",
        "data.folded": "over several lines",
        "data.nested": "a group",
        "data.nested.key": "within",
    }


def test_comments_stand_beside_the_settings_whose_they_are():
    shown = comments.beside("a: 1\nb:\n  c: '#'\n  d: 2\n", {"a": "first", "b.c": "third", "e": "gone"})
    assert shown == f"{'a: 1':38}  # first\nb:\n{chr(32) * 2 + 'c: ' + repr('#'):38}  # third\n  d: 2"


def test_settings_without_keys_stay_as_they_are():
    assert comments.beside("{}", {"a": "first"}) == "{}"
