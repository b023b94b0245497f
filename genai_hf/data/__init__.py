"""Text in, fixed-length blocks of token ids out."""

from genai_hf.data.blocks import Blocks, lm_blocks
from genai_hf.data.cache import cache_folder
from genai_hf.data.corpus import Corpus, documents
from genai_hf.data.tokenise import tokenise
from genai_hf.data.tokens import Tokens

__all__ = ["Blocks", "Corpus", "Tokens", "cache_folder", "documents", "lm_blocks", "tokenise"]
