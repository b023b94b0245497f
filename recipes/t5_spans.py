"""Pretrain or adapt an encoder-decoder by span corruption, as T5: hidden spans of the text are written out."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.spans import fill_spans
from genai_hf.collators.mixture import MixtureCollator
from genai_hf.collators.span_corruption import SpanCorruptionCollator
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.training import Trainer
from genai_hf.training.adamw_rms import optimizer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting stops here, before any corpus or weight is read."""
    arguments = config.training_arguments(cfg)
    chosen = optimizer(name=cfg.optimizer, arguments=arguments)
    supervised = {
        name: config.build(data.text_pairs, node, at=f"supervised.{name}", key=f"supervised.{name}")
        for name, node in cfg.supervised.items()
    }

    with arguments.main_process_first():  # the other ranks find in the cache what it made
        corpus = config.build(data.documents, cfg.data, at="data")
        known = data.together(corpus, [examples.corpus() for examples in supervised.values()])
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=known)
        tokens = encoding.tokenise(corpus, tokenizer)
    given = {"tokenizer": tokenizer, "seed": cfg.seed, "inputs_length": cfg.sequence_length}
    collator = config.build(SpanCorruptionCollator, cfg.corruption, at="corruption", **given)
    blocks = encoding.lm_blocks(tokens=tokens, tokenizer=tokenizer, length=collator.text_length, bare=True)
    given = {"blocks": blocks, "supervised": supervised, "tokenizer": tokenizer}
    rows = config.build(encoding.mixed, cfg.mixture, at="mixture", sequence_length=cfg.sequence_length, **given)
    model = config.build(
        models.load,
        cfg.model,
        at="model",
        head="text_to_text",
        tokenizer=tokenizer,
        sequence_length=cfg.sequence_length,
        seed=cfg.seed,
        quantization=config.quantization(cfg),
    )
    models.require_padding_first(model, tokenizer.pad_token_id)
    return Trainer(
        model=models.adapt(model, config.adapter(cfg)),
        args=arguments,
        objective=LanguageModelling(
            text=TextTally(tokens["train"].frequencies(model.config.vocab_size), special=collator.special),
            term="text_to_text",
            head_on_labels=cfg.head_on_labels,
        ),
        processing_class=tokenizer,
        data_collator=MixtureCollator(spans=collator, share=rows.share) if supervised else collator,
        train_dataset=rows,
        eval_dataset=blocks["validation"],
        optimizer_cls_and_kwargs=chosen,
        callbacks=[config.build(fill_spans, cfg.samples, at="samples", tokenizer=tokenizer)],
    )
