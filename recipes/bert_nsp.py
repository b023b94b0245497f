"""Pretrain an encoder as BERT was: hidden tokens, and whether the second of two segments follows the first."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.blanks import fill_blanks
from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.next_sentence import NextSentenceCollator
from genai_hf.objectives.language import TextTally
from genai_hf.objectives.next_sentence import MaskedLMAndNextSentence
from genai_hf.training import Trainer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting stops here, before any corpus or weight is read."""
    arguments = config.training_arguments(cfg)

    with arguments.main_process_first():  # the other ranks find in the cache what it made
        corpus = config.build(data.documents, cfg.data, at="data")
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=corpus)
        tokens = encoding.tokenise(corpus, tokenizer, sentences=True)
    masking = config.build(MaskedLMCollator, cfg.masking, at="masking", tokenizer=tokenizer, seed=cfg.seed)
    pairs = config.build(
        encoding.segment_pairs,
        cfg.segments,
        at="segments",
        tokens=tokens,
        tokenizer=tokenizer,
        length=cfg.sequence_length,
        seed=cfg.seed,
        words=cfg.masking.unit != "token",
    )
    model = config.build(
        models.load,
        cfg.model,
        at="model",
        head="masked_lm_and_next_sentence",
        tokenizer=tokenizer,
        sequence_length=cfg.sequence_length,
        seed=cfg.seed,
        quantization=config.quantization(cfg),
    )

    model = models.adapt(model, config.adapter(cfg))
    given = {"tokenizer": tokenizer, "positions": models.free_positions(model)}
    return Trainer(
        model=model,
        args=arguments,
        objective=MaskedLMAndNextSentence(
            text=TextTally(tokens["train"].frequencies(model.config.vocab_size)), head_on_labels=cfg.head_on_labels
        ),
        processing_class=tokenizer,
        data_collator=NextSentenceCollator(masking=masking, random_share=cfg.segments.random_share),
        train_dataset=pairs["train"],
        eval_dataset=pairs["validation"],
        callbacks=[config.build(fill_blanks, cfg.blanks, at="blanks", **given)],
    )
