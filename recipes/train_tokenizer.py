"""Train a tokenizer on text, measure it, and show step by step how byte pair encoding merges."""

from omegaconf import DictConfig

from genai_hf import config, data, runs, tokenization
from genai_hf.reports import sections


def main(cfg: DictConfig) -> dict[str, float]:
    """Leave the tokenizer in the run's ``model/``, ready for any other recipe's ``tokenizer.name``."""
    folder = runs.folder(cfg)
    merges = config.build(tokenization.merges_table, cfg.passage, at="passage")

    corpus = config.build(data.documents, cfg.data, at="data")
    tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=corpus)
    tokenizer.save_pretrained(folder / "model")

    usage = tokenization.measure(tokenizer, tokenization.held_out(corpus))
    sections.save(folder, merges)
    sections.save(folder, tokenization.merges_figure(cfg.passage.text))
    sections.save(folder, tokenization.samples_table(tokenizer, list(cfg.samples)))
    sections.save(folder, tokenization.special_tokens_table(tokenizer))
    sections.save(folder, tokenization.ranks_figure(usage))
    return usage.metrics()
