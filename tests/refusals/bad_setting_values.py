"""Settings: values of the wrong kind."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

CASES: Sequence[Case] = (
    case(
        "Words for a number", "bert_mlm trainer.learning_rate=fast", "'trainer.learning_rate' must be float, got 'fast'"
    ),
    case(
        "A number that is misspelt",
        "bert_mlm trainer.learning_rate=1e-3.",
        "'trainer.learning_rate' must be float, got '1e-3.'",
    ),
    case(
        "A thousand with a space", "bert_mlm 'trainer.max_steps=1 000'", "'trainer.max_steps' must be int, got '1 000'"
    ),
    case(
        "A thousand with a comma",
        "bert_mlm trainer.max_steps=1,000",
        "'trainer.max_steps=1,000' names several values, which takes a sweep: genai-hf bert_mlm -m trainer.…",
    ),
    case(
        "A number in quotation marks",
        "bert_mlm 'trainer.learning_rate=\"1e-3\"'",
        "'trainer.learning_rate' must be float, got '1e-3'",
    ),
    case(
        "A truth value for a number",
        "bert_mlm masking.probability=true",
        "'masking.probability' must be float, got True",
    ),
    case("Null for a number", "bert_mlm masking.probability=null", "'masking.probability' must be float, got None"),
    case(
        "A list for a number",
        "bert_mlm trainer.learning_rate=[1e-3,1e-4]",
        "'trainer.learning_rate' must be float, got [0.001, 0.0001]",
    ),
    case(
        "Settings for a number",
        "bert_mlm trainer.learning_rate={a:1}",
        "'trainer.learning_rate' must be float, got {'a': 1}",
    ),
    case("A fraction for a whole number", "bert_mlm sequence_length=64.5", "'sequence_length' must be int, got 64.5"),
    case("A word for a whole number", "instruct prompt.positive=two", "'prompt.positive' must be int, got 'two'"),
    case("A word for a truth value", "bert_mlm overwrite=yes", "'overwrite' must be bool, got 'yes'"),
    case(
        "A number for a truth value",
        "bert_mlm trainer.logging_first_step=1",
        "'trainer.logging_first_step' must be bool, got 1",
    ),
    case(
        "A text for a list of texts",
        "gpt_lm samples.prompts=hello",
        "'samples.prompts' must be Sequence[str], got 'hello'",
    ),
    case(
        "Numbers for a list of texts", "gpt_lm samples.prompts=[3]", "'samples.prompts' must be Sequence[str], got [3]"
    ),
    case("A number for a list", "glue head_labels=3", "'head_labels' must be Sequence[str] or None, got 3"),
    case(
        "A list for names by name",
        "glue data.rename=[question]",
        "'data.rename' holds settings by name, such as data.rename={name: value}; give some",
    ),
    case("A number for a file", "glue task=local data.files.train=3", "'data.files.train' must be str or None, got 3"),
    case("A number for a folder", "bert_mlm root=3", "'root' must be str, got 3"),
    case(
        "A list for a path",
        "bert_mlm data=text data.path=[a.txt,b.txt]",
        "'data.path' must be str or None, got ['a.txt', 'b.txt']",
    ),
    case("A number for a run's folder", "glue init_from=3", "'init_from' must be a run's folder, got 3"),
    case(
        "A number for an architecture",
        "bert_mlm model.architecture=3",
        "'model.architecture' must be str or None, got 3",
    ),
    case(
        "A number for an architecture's sizes",
        "bert_mlm model.config=3",
        "'model.config' holds several settings; set one of them, such as model.config.vocab_size=…",
    ),
    case(
        "A word for an architecture's size",
        "bert_mlm model.config.hidden_size=wide",
        "'model.config.hidden_size' must be int, got 'wide'",
    ),
    case(
        "One value for settings of their own",
        "bert_nsp segments=3",
        "'segments' holds several settings; set one of them: segments.passes=…",
    ),
    case(
        "One value for the teacher",
        "distill teacher=bert",
        "'teacher' holds several settings; set one of them, such as teacher.name=…",
    ),
    case(
        "One value for sets of examples",
        "t5_spans supervised=3",
        "'supervised' holds several settings; set one of them, such as supervised.NAME.path=…",
    ),
    case(
        "Not a number",
        "bert_mlm model.config.layer_norm_eps=nan",
        "'model.config.layer_norm_eps' must be a finite number, got nan",
    ),
    case("Infinity", "bert_mlm trainer.max_grad_norm=inf", "'trainer.max_grad_norm' must be a finite number, got inf"),
    case("A seed that is a fraction", "bert_mlm seed=1.5", "'seed' must be int, got 1.5"),
    case("A seed that is null", "bert_mlm seed=null", "'seed' must be int, got None"),
    case(
        "Two seeds without -m",
        "bert_mlm seed=1,2",
        "'seed=1,2' names several values, which takes a sweep: genai-hf bert_mlm -m seed=1,2",
    ),
    case(
        "A value that stands for another that is not there",
        "bert_mlm 'seed=${number}'",
        "'seed': Interpolation key 'number' not found; a value may name another setting, ${seed}, or a variable of t…",
    ),
    case(
        "Two values that stand for each other",
        "bert_mlm 'seed=${sequence_length}' 'sequence_length=${seed}'",
        "'seed': Recursive interpolation detected; a value may name another setting, ${seed}, or a variable of the e…",
    ),
    case(
        "No equals sign",
        "bert_mlm seed",
        "'seed' is not of the form key=value (no spaces around '='; a verb comes before the recipe)",
    ),
    case(
        "A space beside the equals sign",
        "bert_mlm seed= 3",
        "'3' is not of the form key=value (no spaces around '='; a verb comes before the recipe)",
    ),
    case(
        "A slash in a run's name",
        "bert_mlm run=a/b",
        "'run': 'a/b' cannot name a folder; run=a_b can",
    ),
    case(
        "No folder of all runs",
        "bert_mlm root=",
        "'root' is empty; name a folder, such as root=outputs, or leave GENAI_HF_ROOT unset",
    ),
    case(
        "A secret as a run has written it down",
        "bert_mlm 'trainer.hub_token=<redacted>'",
        "'trainer.hub_token': <redacted> stands for a secret that was left out; give it, or name a variable …",
    ),
    case(
        "A comma behind a number",
        "gpt_lm trainer.learning_rate=1e-3,",
        "'trainer.learning_rate=1e-3,' has a comma too many; write trainer.learning_rate=1e-3",
    ),
    case(
        "A comma in the place of a point",
        "gpt_lm trainer.learning_rate=0,001",
        "'trainer.learning_rate=0,001' names several values, which takes a sweep: genai-hf gpt_lm -m trainer.…",
    ),
    case(
        "A page of the Hub for a model",
        "gpt_lm model=pretrained model.name=https://huggingface.co/openai-community/gpt2/tree/main",
        "'model.name': https://huggingface.co/openai-community/gpt2/tree/main is a page of the Hub; give its…",
    ),
    case(
        "A file of weights for a model",
        "gpt_lm model=pretrained model.name=gpt/model.safetensors",
        "'model.name': gpt/model.safetensors is a file; give the folder in which it lies",
    ),
    case(
        "A bracket in the name of a file that is not there",
        "bert_mlm data=text 'data.path=a[1.txt'",
        "'data.path=a[1.txt' cannot be read; put quotes around its value: \"data.path='a[1.txt'\"",
    ),
    case(
        "An apostrophe in a list",
        'bert_mlm "blanks.texts=[it\'s ___]"',
        "'blanks.texts=[it's ___]' cannot be read; close its brackets, and a text in it that has quotes, bra…",
    ),
    case(
        "A strategy of saving that is not there",
        "bert_mlm trainer.save_strategy=sometimes",
        "'trainer.save_strategy' must be one of ['no', 'steps', 'epoch', 'best'], got 'sometimes'",
    ),
    case(
        "A schedule that is not there",
        "bert_mlm trainer.lr_scheduler_type=cosin",
        "'trainer.lr_scheduler_type' must be one of ['linear', 'cosine', 'cosine_with_restarts', 'polynomia…",
    ),
    case(
        "An optimizer that is misspelt",
        "bert_mlm trainer.optim=adamw_torhc",
        "'trainer.optim' cannot be 'adamw_torhc'; did you mean 'adamw_torch'?",
    ),
    case(
        "An optimizer that keeps what it learns where no checkpoint does",
        "bert_mlm trainer.optim=schedule_free_adamw",
        "'trainer.optim': schedule_free_adamw keeps what it learns where no checkpoint does; take another",
    ),
    case(
        "Numbers of 17 bits",
        "bert_mlm precision=fp17",
        "'precision' must be one of ['auto', 'fp32', 'bf16', 'fp16'], got 'fp17'",
    ),
    case(
        "A choice of masked tokens that is not there",
        "bert_mlm masking.selection=all",
        "'masking.selection' must be one of ['exact', 'bernoulli'], got 'all'",
    ),
    case(
        "A tokenizer's algorithm that is not there",
        "train_tokenizer tokenizer.algorithm=bpee",
        "'tokenizer.algorithm' must be one of ['wordpiece', 'bpe', 'byte_bpe', 'unigram'], got 'bpee'",
    ),
    case(
        "A launcher that is not there",
        "bert_mlm launch.starter=torchrunner",
        "'launch.starter' must be one of ['none', 'accelerate', 'torchrun', 'srun'], got 'torchrunner'",
    ),
    case(
        "Packing of another recipe", "gpt_lm packing=true", "'packing' must be one of ['documents', 'stream'], got True"
    ),
    case(
        "Packing of another recipe, the other way round",
        "instruct packing=documents",
        "'packing' must be bool, got 'documents'",
    ),
    case(
        "A transformation that is not there",
        "gpt_extract input=pairs",
        "'input' must be one of ['auto', 'classification', 'entailment', 'similarity', 'multiple_choice'], …",
    ),
    case(
        "A score that is not there",
        "t5_qa scores=[rogue1]",
        "scores: scores must be different ones of exact_match, exact_match_with_articles, f1, rouge1, rouge…",
    ),
    case(
        "A part of a prompt that is not there",
        "instruct prompt.order=[reason]",
        "prompt: order must be different ones of title, definition, prompt, avoid, emphasis, positive, nega…",
    ),
    case(
        "A method of quantising that is not there",
        "quantize model.name=gpt methods=[nf5]",
        "methods: there is no method 'nf5'; it takes affine4_group64, affine8_channel, fp4, fp4_double, int…",
    ),
    case(
        "Layers that are no numbers",
        "distill layers=every",
        "'layers' must be every_other, or different layers (the first is 0, the last 1), got every",
    ),
    case(
        "4 bits of a kind that is not there",
        "glue model=pretrained model.name=gpt peft=lora quantization=nf4 quantization.bnb_4bit_quant_type=nf5",
        "'quantization.bnb_4bit_quant_type' must be one of ['fp4', 'nf4'], got 'nf5'",
    ),
    case(
        "A type to compute in that is not there",
        "glue model=pretrained model.name=gpt peft=lora quantization=nf4 quantization.bnb_4bit_compute_dtype=float17",
        "'quantization.bnb_4bit_compute_dtype' must be one of ['float32', 'float16', 'bfloat16', 'float64']…",
    ),
    case(
        "A word for a threshold",
        "glue model=pretrained model.name=gpt peft=lora quantization=int8 quantization.llm_int8_threshold=high",
        "'quantization.llm_int8_threshold' must be float, got 'high'",
    ),
    case(
        "A beginning of LoRA that is not there",
        "glue model=pretrained model.name=gpt peft=lora peft.init_lora_weights=gausian",
        "'peft.init_lora_weights' must be bool or one of ['gaussian', 'eva', 'olora', 'pissa', 'pissa_niter…",
    ),
    case(
        "A beginning of a prompt that is not there",
        "glue model=pretrained model.name=gpt peft=prompt peft.prompt_tuning_init=RANDM",
        "'peft.prompt_tuning_init' must be one of ['TEXT', 'SAMPLE_VOCAB', 'RANDOM'], got 'RANDM'",
    ),
    case(
        "An activation that is not there",
        "bert_mlm model.config.hidden_act=geluu",
        "'model.config.hidden_act': there is no activation 'geluu'; did you mean 'gelu'?",
    ),
    case(
        "A stop of beams that is not there",
        "generate gpt hello generation=beam generation.early_stopping=perhaps",
        "'generation.early_stopping' must be bool or one of ['never'], got 'perhaps'",
    ),
    case(
        "A number for texts that stop",
        "generate gpt hello generation.stop_strings=3",
        "'generation.stop_strings' must be str or list[str], got 3",
    ),
    case(
        "A number of examples that is none",
        "inspect bert_mlm --n few",
        "argument --n/-n: invalid int value: 'few'; 'genai-hf RECIPE --help' shows what can be set",
    ),
    case(
        "A number of steps that is none",
        "verify runs/1 --steps few",
        "argument --steps: invalid int value: 'few'; 'genai-hf RECIPE --help' shows what can be set",
    ),
)
