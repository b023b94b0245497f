"""Fine-tune a model that reads and writes text: questions answered without a document, or texts summed up."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.answering import AnsweringReport
from genai_hf.collators.text_to_text import TextToTextCollator
from genai_hf.objectives.answering import Answering, Decoding
from genai_hf.objectives.language import TextTally
from genai_hf.training import Trainer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting or row stops here, before any weight is read."""
    arguments = config.training_arguments(cfg)
    decoding = config.build(Decoding, cfg.decoding, at="decoding")

    with arguments.main_process_first():  # the others find what it made of the documentation, and its tokenizer
        examples = config.build(data.text_pairs, cfg.data, at="data")
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=examples.corpus())
    lengths = {"sequence_length": cfg.sequence_length, "target_length": cfg.target_length, "target": cfg.target}
    rows = config.build(encoding.encode_pairs, lengths, at="settings", examples=examples, tokenizer=tokenizer)
    model = config.build(
        models.load,
        cfg.model,
        at="model",
        head="text_to_text",
        tokenizer=tokenizer,
        sequence_length=max(cfg.sequence_length, cfg.target_length),
        seed=cfg.seed,
        quantization=config.quantization(cfg),
    )
    objective = config.build(
        Answering,
        {},
        at="scores",
        tokenizer=tokenizer,
        decoding=decoding,
        scores=cfg.scores,
        references=examples.splits["validation"].answers,
        majority=examples.splits["train"].commonest(),
        text=TextTally(rows["train"].frequencies(model.config.vocab_size), special=tokenizer.all_special_ids),
        head_on_labels=cfg.head_on_labels,
    )
    return Trainer(
        model=models.adapt(model, config.adapter(cfg)),
        args=arguments,
        objective=objective,
        processing_class=tokenizer,
        data_collator=TextToTextCollator(
            pad_token_id=tokenizer.pad_token_id,
            pad_to_multiple_of=cfg.pad_to_multiple_of,
            decoder_start_token_id=models.decoder_start(model),
            target=cfg.target,
            seed=cfg.seed,
            room=rows["train"].room,
            shares=rows["train"].shares(),
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        **config.batching(cfg),
        afterwards=[AnsweringReport(examples=examples, rows=rows, samples=cfg.samples)],
    )
