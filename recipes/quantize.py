"""Quantise a pretrained model's weights in several ways, and measure what each saves and what it costs."""

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, runs, tokenization
from genai_hf.analysis import quantising, quantising_tables
from genai_hf.collators.causal import CausalLMCollator
from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.models.quantising import method, methods, require_widths
from genai_hf.objectives.language import TextTally
from genai_hf.reports import sections


def main(cfg: DictConfig) -> dict[str, float]:
    """Cheap and fallible first: a wrong setting stops here, before any corpus or weight is read."""
    folder = runs.folder(cfg)
    compared = config.build(methods, {}, at="methods", names=cfg.methods, scales=cfg.scales)
    kept = config.build(method, {}, at="save", name=cfg.save, scales=cfg.scales)

    corpus = config.build(data.documents, cfg.data, at="data")
    tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=corpus)
    tokens = encoding.tokenise(corpus, tokenizer)
    blocks = config.build(
        encoding.lm_blocks, {}, at="sequence_length", tokens=tokens, tokenizer=tokenizer, length=cfg.sequence_length
    )
    is_encoder = tokenizer.mask_token_id is not None
    collator = (
        config.build(MaskedLMCollator, cfg.masking, at="masking", tokenizer=tokenizer, seed=cfg.seed)
        if is_encoder
        else CausalLMCollator(end_of_text=tokenization.end_of_text(tokenizer))
    )
    model = config.build(
        models.load,
        cfg.model,
        at="model",
        head="masked_lm" if is_encoder else "causal_lm",
        tokenizer=tokenizer,
        sequence_length=cfg.sequence_length,
        seed=cfg.seed,
    )
    models.require_whole(model, at="model.name")
    if not is_encoder:
        models.require_packing(model)
    layers = config.build(models.linear_layers, {}, at="layers", model=model, pattern=cfg.layers)
    require_widths([*compared, cfg.save], model, layers)

    yardstick = config.build(
        quantising.Yardstick,
        cfg.measure,
        at="measure",
        blocks=blocks["validation"],
        collator=collator,
        text=TextTally(tokens["train"].frequencies(model.config.vocab_size), special=tokenizer.all_special_ids),
        precision=cfg.precision,
    )
    measured = quantising.compare(model, compared, layers, yardstick)
    for section in quantising_tables.sections(measured):
        sections.save(folder, section)
    if kept is not None:
        sections.save(folder, quantising_tables.save(kept(model, layers), tokenizer, folder / "model"))
    return quantising.metrics(measured)
