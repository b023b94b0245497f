"""Tune a decoder on instructions or conversations: it learns the responses, and is tried on other kinds of tasks."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.instructing import InstructReport, answers_before_and_after
from genai_hf.collators.instruct import InstructCollator
from genai_hf.objectives.answering import Answering, Decoding, filler
from genai_hf.objectives.language import TextTally
from genai_hf.training import Trainer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting or row stops here, before any weight is read."""
    arguments = config.training_arguments(cfg)
    decoding = config.build(Decoding, cfg.decoding, at="decoding")
    wording = config.build(data.Wording, cfg.prompt, at="prompt")

    with arguments.main_process_first():  # the others find what it made or downloaded, and its tokenizer
        examples = config.build(data.instructions, cfg.data, at="data")
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=examples.corpus())
    pad, given = filler(tokenizer), {"examples": examples, "tokenizer": tokenizer, "wording": wording}
    rows = config.build(
        encoding.encode_instructions, {}, at="sequence_length", sequence_length=cfg.sequence_length, **given
    )
    given = {"head": "causal_lm", "tokenizer": tokenizer, "sequence_length": cfg.sequence_length, "seed": cfg.seed}
    given["quantization"] = config.quantization(cfg)
    model = config.build(models.load, cfg.model, at="model", **given)
    models.require_causal(model)
    if cfg.packing:
        models.require_packing(model, instead="false")
    model = models.adapt(model, config.adapter(cfg))
    models.require_room(model, cfg.sequence_length, cfg.decoding.max_new_tokens)
    models.stop_at(model, rows["train"].end, pad)

    train, validation = rows["train"], rows["validation"]
    objective = config.build(
        Answering,
        {},
        at="scores",
        tokenizer=tokenizer,
        decoding=decoding,
        scores=cfg.scores,
        references=validation.references,
        majority=train.commonest(),
        groups=validation.categories if any(validation.categories) else (),
        text=TextTally(train.frequencies(model.config.vocab_size), special=tokenizer.all_special_ids),
    )
    padding = {"pad_token_id": pad, "pad_to_multiple_of": cfg.pad_to_multiple_of}
    collator = InstructCollator(**padding, length=cfg.sequence_length, packing=cfg.packing, share=train.share)
    return Trainer(
        model=model,
        args=arguments,
        objective=objective,
        processing_class=tokenizer,
        data_collator=collator,
        train_dataset=train,
        eval_dataset=validation,
        **config.batching(cfg),
        callbacks=[answers_before_and_after(validation, collator, objective, cfg.samples)],
        afterwards=[InstructReport(examples=examples, rows=rows, samples=cfg.samples)],
    )
