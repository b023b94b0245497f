"""Pretrain or adapt a prefix language model: read a text's beginning in both directions, predict the rest."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.samples import held_out_samples
from genai_hf.collators.prefix_lm import PrefixLMCollator
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
    model = config.build(
        models.load,
        cfg.model,
        at="model",
        head="prefix_lm",
        tokenizer=tokenizer,
        sequence_length=cfg.sequence_length,
        seed=cfg.seed,
        quantization=config.quantization(cfg),
    )
    two_stacks = model.config.is_encoder_decoder
    if not two_stacks:
        models.require_own_mask(model, cfg.sequence_length)
    collator = config.build(
        PrefixLMCollator,
        cfg.prefix,
        at="prefix",
        seed=cfg.seed,
        end_of_text=tokenization.end_of_text(tokenizer),
        decoder_start=models.decoder_start(model) if two_stacks else None,
    )

    text = TextTally(
        frequencies=tokens["train"].frequencies(model.config.vocab_size),
        special=tokenizer.all_special_ids,
        lengths=tokenization.byte_lengths(tokenizer),
    )
    model = models.adapt(model, config.adapter(cfg))
    given = {"tokens": tokens["validation"], "tokenizer": tokenizer, "positions": models.free_positions(model)}
    return Trainer(
        model=model,
        args=arguments,
        objective=LanguageModelling(text=text, term="prefix_lm"),
        processing_class=tokenizer,
        data_collator=collator,
        train_dataset=blocks["train"],
        eval_dataset=blocks["validation"],
        callbacks=[config.build(held_out_samples, cfg.samples, at="samples", seed=cfg.seed, **given)],
    )
