"""Settings: names that are not there."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

CASES: Sequence[Case] = (
    case("A misspelt group", "bert_mlm modle=bert_tiny", "no key 'modle'; did you mean 'model'?"),
    case(
        "A misspelt option of a group",
        "bert_mlm model=bert_tniy",
        "'model=bert_tniy' is not an option; did you mean 'bert_tiny'? (bert_base, bert_mini, bert_tiny, gp…",
    ),
    case(
        "An option of a group by its name elsewhere",
        "glue quantization=4bit",
        "'quantization=4bit' is not an option; choose from fp4, int8, nf4, nf4_double, none",
    ),
    case(
        "A model of the Hub, or a folder of one, for an option",
        "gpt_lm model=mod/gpt",
        "'model=mod/gpt' is not an option; model=pretrained model.name=mod/gpt takes weights of that name",
    ),
    case(
        "The beginning of an option that is a model of the Hub besides",
        "gpt_lm model=gpt2",
        "'model=gpt2' is not an option; did you mean 'gpt2_small' or 'gpt2_tiny'? (model=pretrained model.na…",
    ),
    case(
        "A run to begin with where a model of any kind may be",
        "gpt_lm init_from=runs/1",
        "no key 'init_from' here; a run's model is begun with by model=pretrained model.name=RUN/model",
    ),
    case(
        "A task by the name of its folder",
        "glue task=SST-2",
        "'task=SST-2' is not an option; did you mean 'sst2'? (ax, cola, local, local_choice, local_regressi…",
    ),
    case(
        "A number for a group",
        "bert_mlm trainer=3",
        "'trainer=3' is not an option; choose from finetune, gpt_finetune, instruct, pretrain, text_to_text",
    ),
    case(
        "Null for a group",
        "bert_mlm model=null",
        "'model=null' is not an option; choose from bert_base, bert_mini, bert_tiny, gpt1, gpt2_small, gpt2…",
    ),
    case(
        "A group that the recipe has under another name",
        "glue data=text",
        "'data' holds several settings; set one of them; it takes data.files, data.max_train_rows, data.pat…",
    ),
    case(
        "A group of another recipe",
        "gpt_lm masking=bert",
        "no key 'masking' here; it is of bert_mlm, bert_nsp, quantize, spanbert",
    ),
    case(
        "A misspelt key",
        "bert_mlm masking.probabilty=0.2",
        "no key 'masking.probabilty'; did you mean 'masking.probability'?",
    ),
    case(
        "A key of a group that has no such key",
        "bert_mlm speed.foo=1",
        "no key 'speed.foo'; it takes speed.attention, speed.documents, speed.dropout, speed.keep_memory, spe…",
    ),
    case(
        "A misspelt node above a right key",
        "bert_mlm model.confg.hidden_size=64",
        "no key 'model.confg.hidden_size'; did you mean 'model.config.hidden_size'?",
    ),
    case("A key of another recipe", "bert_mlm packing=true", "no key 'packing' here; it is of gpt_lm, instruct"),
    case(
        "A key of another kind of instructions",
        "instruct data.path=a.csv",
        "no key 'data.path' here; it goes with instructions=alpaca or instructions=messages or instructions…",
    ),
    case(
        "A key of another option of its group",
        "bert_mlm data.path=novels.txt",
        "no key 'data.path' here; it goes with data=csv or data=json or data=parquet or data=text",
    ),
    case(
        "A misspelt key of the option that is chosen",
        "bert_mlm data=csv data.path=a.csv data.colum=body",
        "no key 'data.colum'; did you mean 'data.column'?",
    ),
    case(
        "A right key in the wrong group",
        "bert_mlm trainer.sequence_length=64",
        "'trainer.sequence_length' is not a parameter of TrainingArguments; did you mean 'sequence_length'?",
    ),
    case(
        "A right key of a group without it",
        "bert_mlm hidden_size=64",
        "no key 'hidden_size'; did you mean 'model.config.hidden_size'?",
    ),
    case(
        "An architecture's size outside model.config",
        "bert_mlm model.hidden_size=64",
        "no key 'model.hidden_size'; did you mean 'model.config.hidden_size'?",
    ),
    case(
        "A misspelt size of an architecture",
        "bert_mlm model.config.num_hiden_layers=3",
        "'model.config.num_hiden_layers' is not a parameter of BertConfig; did you mean 'model.config.num_h…",
    ),
    case(
        "A size by another architecture's name",
        "bert_mlm model.config.n_embd=64",
        "'model.config.n_embd' is not a parameter of BertConfig; did you mean 'model.config.hidden_size'?",
    ),
    case(
        "A size by the name that BERT has for it",
        "gpt_lm model.config.hidden_size=64",
        "'model.config.hidden_size' is not a parameter of GPT2Config; did you mean 'model.config.n_embd'?",
    ),
    case(
        "An architecture that is not there",
        "bert_mlm model.architecture=brt",
        "'model.architecture': transformers has no 'brt'; did you mean 'bert'?",
    ),
    case(
        "A misspelt field of TrainingArguments",
        "bert_mlm trainer.learnign_rate=1e-4",
        "'trainer.learnign_rate' is not a parameter of TrainingArguments; did you mean 'trainer.learning_rate'?",
    ),
    case(
        "The learning rate as others call it", "bert_mlm lr=1e-3", "no key 'lr'; did you mean 'trainer.learning_rate'?"
    ),
    case(
        "The batch size as others call it",
        "gpt_lm trainer.batch_size=8",
        "'trainer.batch_size' is not a parameter of TrainingArguments; did you mean 'trainer.per_device_tra…",
    ),
    case(
        "The epochs as others call them", "glue epochs=3", "no key 'epochs'; did you mean 'trainer.num_train_epochs'?"
    ),
    case(
        "The steps as others call them",
        "bert_mlm trainer.steps=100",
        "'trainer.steps' is not a parameter of TrainingArguments; did you mean 'trainer.max_steps'?",
    ),
    case(
        "The share of masked tokens as transformers' script calls it",
        "bert_mlm mlm_probability=0.2",
        "no key 'mlm_probability'; did you mean 'masking.probability'?",
    ),
    case(
        "The length as transformers' script calls it",
        "gpt_lm block_size=128",
        "no key 'block_size'; did you mean 'sequence_length'?",
    ),
    case(
        "The folder of runs as transformers' script calls it",
        "bert_mlm output_dir=runs",
        "no key 'output_dir'; root=… is the folder of all runs, and run=… the name of this one",
    ),
    case(
        "A field of TrainingArguments for what the command has a key for",
        "bert_mlm trainer.overwrite_output_dir=true",
        "'trainer.overwrite_output_dir' is not a parameter of TrainingArguments; overwrite=true starts a ru…",
    ),
    case(
        "A field of TrainingArguments for what is always so",
        "bert_mlm trainer.save_safetensors=true",
        "'trainer.save_safetensors' is not a parameter of TrainingArguments; weights are always written as…",
    ),
    case(
        "A field of TrainingArguments that was renamed",
        "bert_mlm trainer.evaluation_strategy=steps",
        "'trainer.evaluation_strategy' is not a parameter of TrainingArguments; did you mean 'trainer.eval_…",
    ),
    case(
        "A field of TrainingArguments that would break a promise",
        "bert_mlm trainer.resume_from_checkpoint=runs/1",
        "'trainer.resume_from_checkpoint' is not for setting; the same command resumes by itself",
    ),
    case(
        "A misspelt field of the adapter",
        "glue peft=lora peft.lora_dropuot=0.1",
        "'peft.lora_dropuot' is not a parameter of LoraConfig; did you mean 'peft.lora_dropout'?",
    ),
    case(
        "The adapter's rank as others call it",
        "glue peft=lora peft.rank=8",
        "'peft.rank' is not a parameter of LoraConfig; did you mean 'peft.r'?",
    ),
    case("A field of another adapter", "glue peft=ia3 peft.r=8", "'peft.r' is not of peft=ia3; it goes with lora"),
    case(
        "An adapter's field without an adapter",
        "glue peft.r=8",
        "'peft.r' is for an adapter; name one, such as peft=lora",
    ),
    case(
        "A field of BitsAndBytesConfig that is not there",
        "glue quantization=nf4 quantization.load_in_4bits=true",
        "'quantization.load_in_4bits' is not a parameter of BitsAndBytesConfig; did you mean 'quantization.…",
    ),
    case(
        "A field of BitsAndBytesConfig outside its group",
        "glue load_in_4bit=true",
        "no key 'load_in_4bit'; did you mean 'quantization.load_in_4bit'?",
    ),
    case(
        "A misspelt field of GenerationConfig",
        "generate gpt hello generation.max_new_token=40",
        "'generation.max_new_token' is not a parameter of GenerationConfig; did you mean 'generation.max_ne…",
    ),
    case(
        "A field of GenerationConfig outside its group",
        "generate gpt hello temperature=0.7",
        "no key 'temperature'; did you mean 'generation.temperature'?",
    ),
    case(
        "A way of generating that is not there",
        "generate gpt hello generation=nucleus",
        "'generation=nucleus' is not an option; choose from beam, greedy, top_k, top_p",
    ),
    case(
        "Several texts of a prompt",
        "generate gpt hello generation.num_return_sequences=3",
        "'generation.num_return_sequences' is not for setting; a prompt has one text; another seed gives another",
    ),
    case("A plus before a key that is there", "bert_mlm +seed=3", "'+seed=3': write 'seed=3' without the '+'"),
    case(
        "A plus before a typo",
        "bert_mlm ++masking.typo=1",
        "'++masking.typo=1': no such key; it takes masking.geometric_probability, masking.longest_span, mas…",
    ),
    case("A key taken away", "bert_mlm ~seed", "'seed' cannot be removed; set it to another value"),
    case("A key that the command sets", "bert_mlm recipe=glue", "'recipe' is set by the command; leave it out"),
    case(
        "A misspelt key of a set of examples",
        "t5_spans supervised.qa.paht=a.csv",
        "'supervised.qa.paht' is not a parameter of text_pairs; did you mean 'supervised.qa.path'?",
    ),
    case("A misspelt recipe", "bert_mln", "no recipe 'bert_mln'; did you mean 'bert_mlm'?"),
    case("A recipe with a dash", "inspect bert-mlm", "no recipe 'bert-mlm'; did you mean 'bert_mlm'?"),
    case(
        "A verb after the recipe",
        "bert_mlm inspect",
        "'inspect' is not of the form key=value (no spaces around '='; a verb comes before the recipe)",
    ),
    case(
        "A recipe of one's own that is not there",
        "./mine.py",
        "mine.py does not exist; 'genai-hf cp RECIPE mine' makes one to start from",
    ),
    case("No recipe", "check", "name a recipe first; 'genai-hf' lists them"),
    case(
        "A flag that is not there",
        "bert_mlm --fast",
        "there is no --fast; a setting is written key=value, such as seed=3",
    ),
    case(
        "A setting written as a flag",
        "bert_mlm --seed 3",
        "there is no --seed; a setting is written key=value, such as seed=3",
    ),
)
