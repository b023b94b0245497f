"""Settings: numbers out of their range."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

CASES: Sequence[Case] = (
    case("A seed below 0", "bert_mlm seed=-1", "'seed' must be at least 0, got -1"),
    case("A seed that is huge", "bert_mlm seed=5000000000", "'seed' must be at most 4294967295, got 5000000000"),
    case(
        "A learning rate below 0",
        "bert_mlm trainer.learning_rate=-1",
        "'trainer.learning_rate' must be at least 0, got -1",
    ),
    case(
        "A batch of no rows",
        "bert_mlm trainer.per_device_train_batch_size=0",
        "'trainer.per_device_train_batch_size' must be at least 1, got 0",
    ),
    case(
        "No accumulation at all",
        "glue trainer.gradient_accumulation_steps=0",
        "'trainer.gradient_accumulation_steps' must be at least 1, got 0",
    ),
    case(
        "No steps",
        "bert_mlm trainer.max_steps=0",
        "'trainer.max_steps' must be positive, or -1 to count in epochs, got 0",
    ),
    case(
        "Steps below -1",
        "bert_mlm trainer.max_steps=-2",
        "'trainer.max_steps' must be positive, or -1 to count in epochs, got -2",
    ),
    case("Epochs below 0", "glue trainer.num_train_epochs=-1", "'trainer.num_train_epochs' must be at least 0, got -1"),
    case(
        "A warmup below 0", "bert_mlm trainer.warmup_steps=-0.1", "'trainer.warmup_steps' must be at least 0, got -0.1"
    ),
    case(
        "A decay of the optimizer's memory above 1",
        "bert_mlm trainer.adam_beta2=1.5",
        "'trainer.adam_beta2' must be in [0, 1), got 1.5",
    ),
    case("Checkpoints every 0 steps", "bert_mlm trainer.save_steps=0", "'trainer.save_steps' must be above 0, got 0"),
    case(
        "Workers below 0",
        "bert_mlm trainer.dataloader_num_workers=-1",
        "'trainer.dataloader_num_workers' must be at least 0, got -1",
    ),
    case("A share above 1", "bert_mlm masking.probability=1.5", "masking: probability must be in (0, 1], got 1.5"),
    case("A share of 0", "bert_mlm masking.probability=0", "masking: probability must be in (0, 1], got 0"),
    case(
        "Two shares above 1 together",
        "bert_mlm masking.mask_share=0.9 masking.random_share=0.2",
        "masking: mask_share + random_share must be at most 1, got 0.9 + 0.2",
    ),
    case(
        "No prediction",
        "bert_mlm masking.max_predictions=0",
        "masking: max_predictions must be at least 1, and needs selection=exact; got 0",
    ),
    case("A span of no words", "spanbert masking.longest_span=0", "masking: longest_span must be at least 1, got 0"),
    case(
        "Spans of no tokens",
        "t5_spans corruption.mean_span_length=0",
        "corruption: mean_span_length must be at least 1, got 0",
    ),
    case(
        "Most tokens hidden",
        "t5_spans corruption.density=0.9",
        "corruption: density must be in (0, 0.5], or there is a span for no kept token; got 0.9",
    ),
    case("A length of 0", "bert_mlm sequence_length=0", "'sequence_length' must be at least 1, got 0"),
    case("A length below 0", "glue sequence_length=-1", "'sequence_length' must be at least 1, got -1"),
    case(
        "A length beyond the model's positions",
        "bert_mlm sequence_length=100000",
        "'sequence_length': 100000 exceeds the model's 512 positions; lower it",
    ),
    case(
        "A prefix that is all of the text",
        "prefix_lm prefix.share=1",
        "prefix: share must lie between 0 and 1, or null to draw it, got 1",
    ),
    case(
        "No tokens of a span from its boundary",
        "spanbert boundary.positions=0",
        "boundary: positions must be at least 1, got 0",
    ),
    case("A weight below 0", "spanbert objective.masked_lm=-1", "objective: masked_lm must be at least 0, got -1"),
    case("Pairs cut 0 times", "bert_nsp segments.passes=0", "segments: passes must be at least 1, got 0"),
    case(
        "A share of other documents above 1",
        "bert_nsp segments.random_share=1.5",
        "segments: random_share must be in [0, 1], got 1.5",
    ),
    case(
        "No rows of the vocabulary head",
        "gpt_lm head_rows=0",
        "head_rows: head_rows must be at least 1, or null for all at once, got 0",
    ),
    case("A temperature below 0", "gpt_lm samples.temperature=-1", "samples: temperature must not be negative, got -1"),
    case("No beams", "t5_qa decoding.beams=0", "decoding: beams must be at least 1, got 0"),
    case("An answer of no tokens", "t5_qa target_length=0", "'target_length' must be at least 1, got 0"),
    case("Examples below 0", "instruct prompt.positive=-1", "prompt: positive must be at least 0, got -1"),
    case("Samples below 0", "glue hardest=-1", "'hardest' must be at least 0, got -1"),
    case("A head that drops all", "gpt_extract head.dropout=1", "head: dropout must be in [0, 1), got 1"),
    case(
        "A weight of language modelling below 0",
        "gpt_extract auxiliary.weight=-1",
        "auxiliary: weight must be at least 0 and finite, got -1",
    ),
    case("A teacher's temperature of 0", "distill loss.temperature=0", "loss: temperature must be above 0, got 0"),
    case("A teacher's weight above 1", "distill loss.alpha=1.5", "loss: alpha must be in [0, 1], got 1.5"),
    case(
        "A layer twice",
        "distill layers=[0,0]",
        "'layers' must be every_other, or different layers (the first is 0, the last 1), got [0, 0]",
    ),
    case(
        "A layer that the teacher has not",
        "distill of=gpt_lm teacher.name=gpt layers=[0,1]",
        "'layers' must be every_other, or different layers (the first is 0, the last 0), got [0, 1]",
    ),
    case("A cache of no tokens", "distill teacher.top_k=0", "'teacher.top_k' must be at least 1, got 0"),
    case(
        "No merges", "train_tokenizer passage.merges=-1", "passage: the number of merges must not be negative, got -1"
    ),
    case("A passage without words", "train_tokenizer passage.text=", "passage: the passage has no words"),
    case(
        "Pairs that are never seen",
        "train_tokenizer tokenizer.min_frequency=0",
        "tokenizer: min_frequency must be at least 1, got 0",
    ),
    case("No rows to measure on", "quantize model.name=gpt measure.rows=0", "measure: rows must be at least 1, got 0"),
    case(
        "A share of validation of all",
        "bert_mlm data.validation_share=1",
        "data: validation_share must lie between 0 and 1, got 1",
    ),
    case(
        "No documents",
        "gpt_lm data.max_documents=0",
        "data: max_documents must be at least 1, or null for no limit, got 0",
    ),
    case(
        "No training rows",
        "glue data.max_train_rows=0",
        "data: max_train_rows must be at least 1, or null for all, got 0",
    ),
    case(
        "A model of no width",
        "bert_mlm model.config.hidden_size=0",
        "'model.config.hidden_size' must be at least 1, got 0",
    ),
    case("A width below 0", "gpt_lm model.config.n_embd=-8", "'model.config.n_embd' must be at least 1, got -8"),
    case("No layers", "t5_spans model.config.num_layers=0", "'model.config.num_layers' must be at least 1, got 0"),
    case(
        "A share of dropout above 1",
        "bert_mlm model.config.hidden_dropout_prob=1.5",
        "'model.config.hidden_dropout_prob' must be in [0, 1], got 1.5",
    ),
    case(
        "Heads that do not divide the width",
        "gpt_lm model.config.n_head=3",
        "'model.config.n_head': 3 of them cannot share model.config.n_embd=128; take a divisor of it",
    ),
    case(
        "Heads of keys that do not divide the heads",
        "gpt_lm model=llama_tiny model.config.num_key_value_heads=3",
        "'model.config.num_key_value_heads': 3 of them cannot share model.config.num_attention_heads=2; tak…",
    ),
    case(
        "A rank of 0", "glue model=pretrained model.name=gpt peft=lora peft.r=0", "'peft.r' must be at least 1, got 0"
    ),
    case(
        "An adapter's dropout above 1",
        "glue model=pretrained model.name=gpt peft=lora peft.lora_dropout=1.5",
        "'peft.lora_dropout' must be in [0, 1], got 1.5",
    ),
    case(
        "An adapter of no width",
        "glue model=pretrained model.name=gpt peft=bottleneck peft.width=0",
        "'peft.width' must be at least 1, got 0",
    ),
    case("No processes", "bert_mlm launch.processes=0", "'launch.processes' must be at least 1, got 0"),
    case("Steps left out below 0", "bert_mlm max_skipped=-1", "'max_skipped' must be at least 0, got -1"),
    case(
        "No new tokens",
        "generate gpt hello generation.max_new_tokens=0",
        "'generation.max_new_tokens' must be at least 1, got 0",
    ),
    case(
        "New tokens below 0",
        "generate gpt hello generation.max_new_tokens=-3",
        "'generation.max_new_tokens' must be at least 1, got -3",
    ),
    case(
        "A temperature of 0 while writing",
        "generate gpt hello generation=top_p generation.temperature=0",
        "'generation.temperature' must be above 0, got 0",
    ),
    case(
        "A share of probability above 1",
        "generate gpt hello generation=top_p generation.top_p=1.5",
        "'generation.top_p' must be in (0, 1], got 1.5",
    ),
    case(
        "A penalty of 0",
        "generate gpt hello generation.repetition_penalty=0",
        "'generation.repetition_penalty' must be above 0, got 0",
    ),
    case("A seed below 0 while writing", "generate gpt hello seed=-1", "'seed' must be at least 0, got -1"),
    case("No examples to look at", "inspect bert_mlm --n 0", "--n must be at least 1, got 0"),
    case("Steps to replay below 0", "verify runs/1 --steps -1", "--steps must be at least 0, got -1"),
)
