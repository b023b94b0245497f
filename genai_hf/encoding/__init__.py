"""From texts to rows of token ids: blocks of a corpus, or a row an example."""

from genai_hf.encoding.blocks import Blocks, lm_blocks
from genai_hf.encoding.encoded import Encoded, encode
from genai_hf.encoding.encoded_instructions import InstructionRows, encode_instructions
from genai_hf.encoding.encoded_pairs import EncodedPairs, encode_pairs
from genai_hf.encoding.laid_out import LaidOut, lay_out
from genai_hf.encoding.layout import Layout, transformation_of
from genai_hf.encoding.mixture import Mixture, mixed
from genai_hf.encoding.segment_pairs import SegmentPairs, segment_pairs
from genai_hf.encoding.tokenise import tokenise
from genai_hf.encoding.tokens import Tokens

__all__ = [
    "Blocks",
    "Encoded",
    "EncodedPairs",
    "InstructionRows",
    "LaidOut",
    "Layout",
    "Mixture",
    "SegmentPairs",
    "Tokens",
    "encode",
    "encode_instructions",
    "encode_pairs",
    "lay_out",
    "lm_blocks",
    "mixed",
    "segment_pairs",
    "tokenise",
    "transformation_of",
]
