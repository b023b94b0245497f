"""Pretrain an encoder on spans: hidden whole, and predicted from the two tokens beside them too (SpanBERT)."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.blanks import fill_blanks
from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.span_boundary import SpanBoundaryCollator
from genai_hf.models.span_boundary import NAME, attach_span_boundary
from genai_hf.objectives.language import TextTally
from genai_hf.objectives.span_boundary import SpanBoundary
from genai_hf.training import Trainer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting stops here, before any corpus or weight is read."""
    arguments = config.training_arguments(cfg)

    with arguments.main_process_first():  # the other ranks find in the cache what it made
        corpus = config.build(data.documents, cfg.data, at="data")
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=corpus)
        tokens = encoding.tokenise(corpus, tokenizer)
    blocks = config.build(
        encoding.lm_blocks,
        {},
        at="sequence_length",
        tokens=tokens,
        tokenizer=tokenizer,
        length=cfg.sequence_length,
        words=cfg.masking.unit != "token",
    )
    masking = config.build(MaskedLMCollator, cfg.masking, at="masking", tokenizer=tokenizer, seed=cfg.seed)
    collator = config.build(SpanBoundaryCollator, cfg.boundary, at="boundary", masking=masking)
    model = config.build(
        models.load,
        cfg.model,
        at="model",
        head="masked_lm",
        tokenizer=tokenizer,
        sequence_length=cfg.sequence_length,
        seed=cfg.seed,
        quantization=config.quantization(cfg),
    )
    config.build(attach_span_boundary, cfg.boundary, at="boundary", model=model, seed=cfg.seed)

    text = TextTally(tokens["train"].frequencies(model.config.vocab_size))
    model = models.adapt(model, config.adapter(cfg))
    given = {"tokenizer": tokenizer, "positions": models.free_positions(model)}
    return Trainer(
        model=model,
        args=arguments,
        objective=config.build(SpanBoundary, cfg.objective, at="objective", text=text),
        processing_class=tokenizer,
        data_collator=collator,
        train_dataset=blocks["train"],
        eval_dataset=blocks["validation"],
        callbacks=[config.build(fill_blanks, cfg.blanks, at="blanks", **given)],
        training_heads=[NAME],
    )
