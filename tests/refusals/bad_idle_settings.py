"""Settings: what would do nothing, or the contrary of what is meant."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

LORA = "glue model=pretrained model.name=gpt peft=lora"
CASES: Sequence[Case] = (
    case(
        "Steps that may be left out, and none is",
        "bert_mlm max_skipped=3",
        "'max_skipped' does nothing with on_nan=stop; say on_nan=skip besides",
    ),
    case(
        "Second texts for a model that tells none apart",
        "bert_mlm experiment=roberta second_text=0.3",
        "'second_text' does nothing with a model of one token type; leave it out",
    ),
    case(
        "The longest span, where single tokens are hidden",
        "bert_mlm masking.longest_span=3",
        "'masking.longest_span' does nothing with masking.unit=token; say masking.unit=span besides",
    ),
    case(
        "The size of a vocabulary beside weights that have one",
        "gpt_lm model=pretrained model.name=gpt tokenizer.vocab_size=500",
        "'tokenizer.vocab_size' does nothing with tokenizer.name=gpt; leave it out",
    ),
    case(
        "A place on the Hub, where nothing is sent",
        "bert_mlm trainer.hub_model_id=me/mine",
        "'trainer.hub_model_id' is not for setting; nothing is sent while a model trains; afterwards: hf up…",
    ),
    case(
        "No bf16, and bf16",
        "bert_mlm trainer.bf16=false precision=bf16",
        "'trainer.bf16' is not for setting; precision=bf16 says it; leave it out",
    ),
    case(
        "A model in shards said twice",
        "bert_mlm trainer.fsdp=full_shard launch=fsdp",
        "'trainer.fsdp' is not for setting; the launcher says it; leave it out",
    ),
    case(
        "The greatest loss as the best",
        "bert_mlm trainer.load_best_model_at_end=true trainer.greater_is_better=true",
        "'trainer.greater_is_better': the lowest loss is the best; say trainer.greater_is_better=false",
    ),
    case(
        "The best by perplexity, of which transformers takes the greatest",
        "bert_mlm trainer.load_best_model_at_end=true trainer.metric_for_best_model=perplexity",
        "'trainer.greater_is_better': the lowest perplexity is the best; say trainer.greater_is_better=false",
    ),
    case(
        "The smallest accuracy as the best",
        "bert_mlm trainer.metric_for_best_model=eval_token_accuracy trainer.greater_is_better=false",
        "'trainer.greater_is_better': the highest token_accuracy is the best; say trainer.greater_is_better=…",
    ),
    case(
        "A head to train that the model has not",
        f"{LORA} peft.modules_to_save=[lm_hed]",
        "'peft.modules_to_save': gpt2 has no layer 'lm_hed'; did you mean 'lm_head'?",
    ),
    case(
        "A layer to leave out that the model has not",
        f"{LORA} peft.exclude_modules=[c_atn]",
        "'peft.exclude_modules': gpt2 has no layer 'c_atn'; did you mean 'c_attn'?",
    ),
    case(
        "The rank of a layer that the model has not",
        f"{LORA} 'peft.rank_pattern={{q_proj: 4}}'",
        "'peft.rank_pattern': gpt2 has no layer 'q_proj'; did you mean 'c_proj'?",
    ),
    case(
        "The scale of a layer that the model has not",
        f"{LORA} 'peft.alpha_pattern={{c_atn: 4}}'",
        "'peft.alpha_pattern': gpt2 has no layer 'c_atn'; did you mean 'c_attn'?",
    ),
    case(
        "A beam of one text",
        "generate gpt hello generation=beam generation.num_beams=1",
        "'generation.length_penalty' is of following several texts at once; raise generation.num_beams",
    ),
)
