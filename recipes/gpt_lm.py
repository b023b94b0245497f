"""Pretrain or fine-tune a decoder by causal language modelling, on packed documents."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.samples import samples
from genai_hf.collators.causal import CausalLMCollator
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.training import Trainer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting stops here, before any corpus or weight is read."""
    arguments = config.training_arguments(cfg)

    with arguments.main_process_first():  # the other ranks find in the cache what it made
        corpus = config.build(data.documents, cfg.data, at="data")
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=corpus)
        tokens = encoding.tokenise(corpus, tokenizer)
    blocks = config.build(
        encoding.lm_blocks, {}, at="sequence_length", tokens=tokens, tokenizer=tokenizer, length=cfg.sequence_length
    )
    collator = CausalLMCollator(end_of_text=tokenization.end_of_text(tokenizer), packing=cfg.packing)
    model = config.build(
        models.load,
        cfg.model,
        at="model",
        head="causal_lm",
        tokenizer=tokenizer,
        sequence_length=cfg.sequence_length,
        seed=cfg.seed,
        quantization=config.quantization(cfg),
    )
    models.require_causal(model)
    if cfg.packing == "documents":
        models.require_packing(model)

    text = TextTally(
        frequencies=tokens["train"].frequencies(model.config.vocab_size),
        special=tokenizer.all_special_ids,
        lengths=tokenization.byte_lengths(tokenizer),
    )
    model = models.adapt(model, config.adapter(cfg))
    given = {"tokenizer": tokenizer, "positions": models.free_positions(model)}
    return Trainer(
        model=model,
        args=arguments,
        objective=config.build(
            LanguageModelling, {}, at="head_rows", text=text, term="causal_lm", head_rows=cfg.head_rows
        ),
        processing_class=tokenizer,
        data_collator=collator,
        train_dataset=blocks["train"],
        eval_dataset=blocks["validation"],
        callbacks=[config.build(samples, cfg.samples, at="samples", seed=cfg.seed, **given)],
    )
