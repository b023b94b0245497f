"""Models: loaded or made from sizes, and what is done to them before training."""

from genai_hf.models.adapters import adapt
from genai_hf.models.affine_linear import linear_layers
from genai_hf.models.classifier import load_classifier
from genai_hf.models.configuration import has_segments, positions
from genai_hf.models.decoder import decoder_start, require_padding_first, require_room, stop_at
from genai_hf.models.extract import Facts, add_extract_head
from genai_hf.models.fresh import require_whole
from genai_hf.models.label_names import label_order
from genai_hf.models.loading import load
from genai_hf.models.packing import require_causal, require_own_mask, require_packing
from genai_hf.models.thinning import require_layers, thin
from genai_hf.models.virtual import free_positions, reads_pairs
from genai_hf.weightless import weightless

__all__ = [
    "Facts",
    "adapt",
    "add_extract_head",
    "decoder_start",
    "free_positions",
    "has_segments",
    "label_order",
    "linear_layers",
    "load",
    "load_classifier",
    "positions",
    "reads_pairs",
    "require_causal",
    "require_layers",
    "require_own_mask",
    "require_packing",
    "require_padding_first",
    "require_room",
    "require_whole",
    "stop_at",
    "thin",
    "weightless",
]
