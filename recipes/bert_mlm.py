"""Pretrain or adapt an encoder by masked language modelling, with BERT's 80/10/10 rule."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.blanks import fill_blanks
from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.two_texts import TwoTextsCollator
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
        encoding.lm_blocks,
        {},
        at="sequence_length",
        tokens=tokens,
        tokenizer=tokenizer,
        length=cfg.sequence_length,
        words=cfg.masking.unit != "token",
    )
    masking = config.build(MaskedLMCollator, cfg.masking, at="masking", tokenizer=tokenizer, seed=cfg.seed)
    two_texts = config.build(TwoTextsCollator, {}, at="second_text", masking=masking, share=cfg.second_text)
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

    objective = LanguageModelling(
        text=TextTally(tokens["train"].frequencies(model.config.vocab_size)),
        term="masked_lm",
        head_on_labels=cfg.head_on_labels,
    )
    model = models.adapt(model, config.adapter(cfg))
    given = {"tokenizer": tokenizer, "positions": models.free_positions(model)}
    return Trainer(
        model=model,
        args=arguments,
        objective=objective,
        processing_class=tokenizer,
        data_collator=two_texts if models.reads_pairs(model) else masking,
        train_dataset=blocks["train"],
        eval_dataset=blocks["validation"],
        callbacks=[config.build(fill_blanks, cfg.blanks, at="blanks", **given)],
    )
