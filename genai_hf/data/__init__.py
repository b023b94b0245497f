"""Text in, fixed-length blocks or labelled rows of token ids out."""

from genai_hf.data.blocks import Blocks, lm_blocks
from genai_hf.data.cache import cache_folder
from genai_hf.data.corpus import Corpus, documents, together
from genai_hf.data.encoded import Encoded, encode
from genai_hf.data.encoded_instructions import InstructionRows, encode_instructions
from genai_hf.data.encoded_pairs import EncodedPairs, encode_pairs
from genai_hf.data.instructions import Instructions, instructions
from genai_hf.data.labelled import Labelled, labelled
from genai_hf.data.laid_out import LaidOut, lay_out
from genai_hf.data.layout import Layout, transformation_of
from genai_hf.data.mixture import Mixture, mixed
from genai_hf.data.segment_pairs import SegmentPairs, segment_pairs
from genai_hf.data.task import Task
from genai_hf.data.text_pairs import TextPairs, text_pairs
from genai_hf.data.tokenise import tokenise
from genai_hf.data.tokens import Tokens
from genai_hf.data.wording import Wording

__all__ = [
    "Blocks",
    "Corpus",
    "Encoded",
    "EncodedPairs",
    "InstructionRows",
    "Instructions",
    "Labelled",
    "LaidOut",
    "Layout",
    "Mixture",
    "SegmentPairs",
    "Task",
    "TextPairs",
    "Tokens",
    "Wording",
    "cache_folder",
    "documents",
    "encode",
    "encode_instructions",
    "encode_pairs",
    "instructions",
    "labelled",
    "lay_out",
    "lm_blocks",
    "mixed",
    "segment_pairs",
    "text_pairs",
    "together",
    "tokenise",
    "transformation_of",
]
