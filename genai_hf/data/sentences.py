"""Where sentences end in a text, by its punctuation: good enough to cut at ("Mr." ends one too).

For BERT a sentence is "an arbitrary span of contiguous text" (Devlin et al. 2018, section 3.2), which has only to begin
and end somewhere sensible.
"""

import re

CLOSING = "\"')\\]}”’»"
END = re.compile(rf"[.!?…][{CLOSING}]*(?=\s)|[。！？][{CLOSING}]*|(?<=\S)(?=[ \t]*\n[ \t]*\n)")


def sentence_ends(text: str) -> list[int]:
    """Places right behind each sentence but the last: behind its mark and what closes it, or before an empty line."""
    return [found.end() for found in END.finditer(text) if found.end() < len(text.rstrip())]
