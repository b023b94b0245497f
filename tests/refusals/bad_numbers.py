"""Settings: numbers with which nothing can be computed, or not what was meant."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

SCHEDULE = "bert_mlm trainer.lr_scheduler_type"
OF_SCHEDULE = "trainer.lr_scheduler_kwargs"
CASES: Sequence[Case] = (
    case(
        "A power below 0, which the last step divides by",
        f"{SCHEDULE}=polynomial {OF_SCHEDULE}.power=-1",
        f"'{OF_SCHEDULE}.power' must be above 0, got -1",
    ),
    case(
        "A scale of time of no steps",
        f"{SCHEDULE}=inverse_sqrt {OF_SCHEDULE}.timescale=0",
        f"'{OF_SCHEDULE}.timescale' must be at least 1, got 0",
    ),
    case(
        "A decay of no steps",
        f"{SCHEDULE}=warmup_stable_decay {OF_SCHEDULE}.num_decay_steps=0",
        f"'{OF_SCHEDULE}.num_decay_steps' must be at least 1, got 0",
    ),
    case(
        "Restarts, and none",
        f"{SCHEDULE}=cosine_with_restarts {OF_SCHEDULE}.num_cycles=0",
        f"'{OF_SCHEDULE}.num_cycles' must be above 0, got 0",
    ),
    case(
        "A schedule that ends below 0",
        f"{SCHEDULE}=polynomial {OF_SCHEDULE}.lr_end=-1",
        f"'{OF_SCHEDULE}.lr_end' must be at least 0, got -1",
    ),
    case(
        "A schedule that begins below 0",
        f"{SCHEDULE}=cosine_warmup_with_min_lr '{OF_SCHEDULE}={{min_lr: 1e-5, warmup_lr_rate: -1}}'",
        f"'{OF_SCHEDULE}.warmup_lr_rate' must be at least 0, got -1",
    ),
    case(
        "A model that gives no names to what it computes",
        "bert_mlm model.config.return_dict=false",
        "'model.config.return_dict' is not for setting; training reads what a model gives",
    ),
    case(
        "A model that gives its attention too",
        "gpt_lm model.config.output_attentions=true",
        "'model.config.output_attentions' is not for setting; training reads what a model gives",
    ),
    case(
        "An encoder-decoder that is said to be none",
        "t5_spans model.config.is_encoder_decoder=false",
        "'model.config.is_encoder_decoder' is not for setting; it follows from the architecture; leave it out",
    ),
    case(
        "An encoder that is said to be a decoder, for masked language modelling",
        "bert_mlm model.config.is_decoder=true",
        "'model': bert with is_decoder=true sees no token behind the hidden ones; say model.config.is_decode…",
    ),
    case(
        "Pairs of sentences for one kind of segment",
        "bert_nsp model.config.type_vocab_size=1",
        "'model.config.type_vocab_size' must be at least 2, one for each sentence of a pair",
    ),
    case("An inner width of 0", "gpt_lm model.config.n_inner=0", "'model.config.n_inner' must be at least 1, got 0"),
    case(
        "More layers than any model has",
        "bert_mlm model.config.num_hidden_layers=100000",
        "'model.config.num_hidden_layers' must be at most 2500, got 100000",
    ),
    case(
        "More processes than any machine has",
        "bert_mlm launch=cpu2 launch.processes=100000",
        "'launch.processes' must be at most 1024, got 100000",
    ),
    case(
        "More texts at once than any search follows",
        "generate gpt hello generation=beam generation.num_beams=100000",
        "'generation.num_beams' must be at most 1024, got 100000",
    ),
)
