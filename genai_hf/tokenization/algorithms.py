"""The four ways to cut words into pieces, each an untrained `tokenizers` pipeline and its trainer.

WordPiece: Schuster and Nakajima 2012 (trained as byte pair encoding, applied longest piece first). Byte pair encoding:
Sennrich et al. 2016, arXiv:1508.07909; on bytes: Radford et al. 2019. Unigram: Kudo 2018, arXiv:1804.10959.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from genai_hf.tokenization.families import Algorithm, Family

CONTINUING = "##"  # BERT's mark of a piece inside a word
WORD_START = "▁"  # SentencePiece's mark of a piece that begins one


@dataclass
class Pipeline:
    """An untrained tokenizer: what is done to a text before it is cut into pieces, and how pieces are joined again."""

    algorithm: Algorithm
    family: Family
    lowercase: bool
    tokenizer: Tokenizer = field(init=False)

    def __post_init__(self) -> None:
        self.tokenizer = Tokenizer(self._model())
        self.tokenizer.normalizer, self.tokenizer.pre_tokenizer, self.tokenizer.decoder = self._parts()

    @property
    def continues(self) -> bool:
        """Whether pieces inside a word are marked, rather than those that begin one."""
        return self.algorithm == "wordpiece" or (self.algorithm == "bpe" and self.family.name == "bert")

    def alphabet(self, characters: Iterable[str]) -> list[str]:
        """What becomes of the characters of a text: the pieces that the vocabulary cannot do without, in order.

        Where pieces inside a word are marked, every character that may stand there comes a second time with the mark.
        """
        if self.algorithm == "byte_bpe":
            return sorted(pre_tokenizers.ByteLevel.alphabet())
        seen = sorted({part for character in characters for word in self.words(character) for part in word})
        inside = [part for part in seen if len(self.words(f"x{part}x")) == 1] if self.continues else []
        return seen + [CONTINUING + part for part in inside]

    def words(self, text: str) -> list[str]:
        """The text as the pipeline splits it, before any word is cut into pieces."""
        normalizer, splitter = self.tokenizer.normalizer, self.tokenizer.pre_tokenizer
        return [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text) if normalizer else text)]

    def train(self, documents: Iterable[str], alphabet: list[str], *, size: int, min_frequency: int) -> None:
        """Learn at most `size` pieces, the alphabet among them."""
        self.tokenizer.train_from_iterator(documents, self._trainer(alphabet, size, min_frequency))

    def _trainer(self, alphabet: list[str], size: int, min_frequency: int) -> trainers.Trainer:
        if self.algorithm == "unigram":
            return trainers.UnigramTrainer(vocab_size=size, show_progress=False)
        # The trainers number the pieces inside words in the order of a hash table that differs from run to run, and
        # break ties by number; with the alphabet given as if special, the same text gives the same merges.
        kind = trainers.WordPieceTrainer if self.algorithm == "wordpiece" else trainers.BpeTrainer
        trainer = kind(vocab_size=size, min_frequency=min_frequency, special_tokens=alphabet, show_progress=False)
        if self.continues:
            trainer.continuing_subword_prefix = CONTINUING
        return trainer

    def _model(self) -> models.Model:
        if self.algorithm == "wordpiece":
            return models.WordPiece(unk_token=self.family.roles["unk_token"])
        if self.algorithm == "unigram":
            return models.Unigram()
        if self.algorithm == "byte_bpe":
            return models.BPE()
        model = models.BPE(unk_token=self.family.roles["unk_token"])
        if self.continues:
            model.continuing_subword_prefix = CONTINUING
        return model

    def _parts(self) -> tuple[normalizers.Normalizer | None, pre_tokenizers.PreTokenizer, decoders.Decoder]:
        if self.algorithm == "byte_bpe":
            lower = normalizers.Lowercase() if self.lowercase else None
            return lower, pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        if self.continues:
            normalizer = normalizers.BertNormalizer(lowercase=self.lowercase)
            return normalizer, pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(prefix=CONTINUING)
        steps = [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
        steps += [normalizers.Lowercase()] if self.lowercase else []
        splitters = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(WORD_START)]
        return normalizers.Sequence(steps), pre_tokenizers.Sequence(splitters), decoders.Metaspace(WORD_START)
