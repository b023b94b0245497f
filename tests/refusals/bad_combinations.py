"""Settings that exclude each other, and what is not there."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

CASES: Sequence[Case] = (
    case(
        "A name of weights beside sizes of an untrained model",
        "bert_mlm model.name=bert-base-uncased",
        "'model.name' names pretrained weights; say model=pretrained besides",
    ),
    case(
        "Pretrained weights without a name",
        "bert_mlm model=pretrained",
        "'model.name' must be given: model.name=…, a Hub id or a folder, such as the model/ that a run of g…",
    ),
    case(
        "Neither a name nor an architecture",
        "bert_mlm model.architecture=null",
        "model: give either model.name (pretrained weights) or model.architecture with model.config",
    ),
    case(
        "Another kind of architecture with the sizes of the first",
        "bert_mlm model.architecture=gpt2",
        "'model.architecture': gpt2 has no hidden_size, which model=bert_tiny sets; begin with model=gpt2_s…",
    ),
    case(
        "An architecture for which no model has sizes",
        "bert_mlm 'model={architecture: distilbert, config: {n_layers: 2}}'",
        "'model.architecture': distilbert has no hidden_size, which model=bert_tiny sets; begin with a model…",
    ),
    case(
        "A decoder that is to read no padding",
        "gpt_lm speed.unpadded=always",
        "'speed.unpadded': the layers of gpt2 cannot do without padding; leave it out",
    ),
    case(
        "A decoder for masked language modelling",
        "bert_mlm model=gpt2_tiny",
        "'model': gpt2 is no model for masked_lm; take an encoder, such as model=bert_tiny",
    ),
    case(
        "An encoder for causal language modelling",
        "gpt_lm model=bert_tiny",
        "'model': bert sees the tokens that it should predict; take a decoder, such as model=gpt2_tiny",
    ),
    case(
        "A decoder for text to text",
        "t5_spans model=gpt2_tiny",
        "'model': gpt2 is no model for text_to_text; take an encoder-decoder, such as model=t5_tiny",
    ),
    case(
        "A folder of a decoder for text to text",
        "t5_qa model=pretrained model.name=gpt",
        "'model': gpt2 is no model for text_to_text; take an encoder-decoder, such as model=t5_tiny",
    ),
    case(
        "An encoder for instructions",
        "instruct model=bert_tiny",
        "'model': bert sees the tokens that it should predict; take a decoder, such as model=gpt2_tiny",
    ),
    case(
        "An encoder without a head for the next sentence",
        "bert_nsp model=roberta_tiny",
        "'model': roberta has no head for next-sentence prediction; take a BERT, such as model=bert_tiny",
    ),
    case(
        "A run's model and another",
        "t5_qa init_from=runs/1 model=t5_small",
        "'init_from' begins with that run's model; leave model=t5_small out, or say model=pretrained",
    ),
    case(
        "A run's model and other weights",
        "glue init_from=runs/1 model=pretrained model.name=gpt",
        "'init_from': model.name=gpt is another model to begin with; give one of them",
    ),
    case(
        "A run that is not there to begin with",
        "glue init_from=runs/2",
        "'init_from': runs/2 holds no model; name the folder of a run that has finished",
    ),
    case(
        "A folder of a model that is not there",
        "bert_mlm model=pretrained model.name=./nowhere",
        "'model.name': ./nowhere does not exist; give a folder made by save_pretrained, or a Hub id",
    ),
    case(
        "A folder without a model",
        "bert_mlm model=pretrained model.name=empty",
        "'model.name': empty holds no config.json; give a folder made by save_pretrained, or a Hub id",
    ),
    case(
        "A file that is not there",
        "bert_mlm data=text data.path=nowhere.txt",
        "nowhere.txt: no such file; ./ holds a.csv, a.txt, empty/, gpt/, runs/",
    ),
    case(
        "A glob that matches nothing",
        "bert_mlm data=text 'data.path=*.md'",
        "*.md: no file matches; ./ holds a.csv, a.txt, empty/, gpt/, runs/",
    ),
    case("No path", "bert_mlm data=json", "'data.path' must be given: data.path=…"),
    case(
        "A set of examples that is not there",
        "t5_spans supervised.qa.path=nowhere.csv",
        "nowhere.csv: no such file; ./ holds a.csv, a.txt, empty/, gpt/, runs/",
    ),
    case(
        "A set of examples that is called as the corpus is",
        "t5_spans supervised.text.path=a.csv",
        "'supervised.text': the corpus itself is called so; name the set otherwise",
    ),
    case(
        "A folder of settings that is not there",
        "bert_mlm --config-dir nowhere",
        "--config-dir nowhere is not a folder",
    ),
    case(
        "A task of one's own without data",
        "glue task=local",
        "'data.path' must be given for task=local: a file, or a folder with its files",
    ),
    case("A task without a training set", "glue task=ax", "'task': ax has no training set; task=mnli answers it"),
    case(
        "Data for a task that brings its own",
        "glue data.path=a.csv",
        "'data.path': task=python_docs brings its own text; name your task: task=local",
    ),
    case(
        "A teacher that is not there",
        "distill teacher.name=runs/2/model/",
        "'teacher.name': runs/2/model/ holds no model; name a finished run, a model's folder, or a Hub id",
    ),
    case(
        "A teacher's layers and another student",
        "distill layers=[0] model=bert_mini",
        "'layers' makes the student of its teacher's own; leave them out, or model=bert_mini",
    ),
    case(
        "A setting of files for data without any",
        "bert_mlm data=csv data.path=a.csv data.document=line",
        "no key 'data.document' here; it goes with data=text",
    ),
    case(
        "Bits without an adapter",
        "glue quantization=nf4",
        "'quantization': weights of so few bits cannot be trained; add an adapter, such as peft=lora",
    ),
    case(
        "Bits of an untrained model",
        "glue quantization=nf4 peft=lora",
        "'quantization' is for pretrained weights; say model=pretrained model.name=…",
    ),
    case(
        "Layers of few bits to draw anew",
        "glue model=pretrained model.name=gpt peft=lora quantization=nf4 model.reinitialized_layers=1",
        "'model.reinitialized_layers': layers of few bits cannot be drawn anew; leave quantization out",
    ),
    case(
        "Neither 4 bits nor 8",
        "glue model=pretrained model.name=gpt peft=lora quantization=nf4 quantization.load_in_4bit=false",
        "'quantization': neither load_in_4bit nor load_in_8bit is true; say quantization=none",
    ),
    case(
        "4 bits and 8",
        "glue model=pretrained model.name=gpt peft=lora quantization=nf4 quantization.load_in_8bit=true",
        "'quantization': load_in_4bit and load_in_8bit are both true; leave one out",
    ),
    case(
        "An adapter on an untrained model",
        "glue peft=lora",
        "'peft': an adapter is for pretrained weights, and these are new; say model=pretrained model.name=…",
    ),
    case(
        "An adapter that begins from data",
        "glue model=pretrained model.name=gpt peft=lora peft.init_lora_weights=eva",
        "'peft.init_lora_weights': this one is made from data, which nobody gives; take another",
    ),
    case(
        "A prompt that begins with a text, and none",
        "glue model=pretrained model.name=gpt peft=prompt peft.prompt_tuning_init=TEXT",
        "'peft.prompt_tuning_init': TEXT is given by peft.prompt_tuning_init_text=…; say it too",
    ),
    case(
        "Settings of a run that the adapter follows from",
        "glue peft=lora peft.task_type=SEQ_CLS",
        "'peft.task_type' is not for setting; it follows from the run; leave it out",
    ),
    case(
        "An adapter where nothing is trained",
        "quantize model.name=gpt peft=lora",
        "'peft': quantize trains no model; leave it out",
    ),
    case(
        "Bits where nothing is trained",
        "train_tokenizer quantization=nf4",
        "'quantization': train_tokenizer trains no model; leave it out",
    ),
    case(
        "Steps where nothing is trained",
        "train_tokenizer trainer.max_steps=3",
        "'trainer.max_steps': train_tokenizer trains no model; leave it out",
    ),
    case(
        "Ranks where nothing is trained",
        "quantize model.name=gpt launch=cpu2",
        "'launch': quantize trains no model, so one process does it; leave it out",
    ),
    case(
        "Spans chosen one by one",
        "spanbert masking.selection=bernoulli",
        "masking: unit=span chooses an exact number of tokens, so it needs selection=exact",
    ),
    case(
        "No loss at all",
        "spanbert objective.masked_lm=0 objective.span_boundary=0",
        "objective: masked_lm and span_boundary are both 0, so nothing would be learned",
    ),
    case(
        "Names of labels for a head that is new",
        "glue head_labels=[no,yes]",
        "'head_labels' are for the head of pretrained weights; leave them out",
    ),
    case(
        "The best checkpoint without evaluation",
        "bert_mlm trainer.load_best_model_at_end=true trainer.eval_strategy=no",
        "'trainer.load_best_model_at_end': nothing is evaluated; say trainer.eval_strategy=steps",
    ),
    case(
        "The best checkpoint of those that nobody evaluates",
        "bert_mlm trainer.load_best_model_at_end=true trainer.save_strategy=epoch",
        "'trainer.load_best_model_at_end': every checkpoint must be evaluated; say trainer.save_strategy=steps",
    ),
    case(
        "The best checkpoint between two evaluations",
        "bert_mlm trainer.load_best_model_at_end=true trainer.save_steps=450",
        "'trainer.load_best_model_at_end': trainer.save_steps=450 must be a multiple of trainer.eval_steps=300",
    ),
    case(
        "Batches fetched ahead by no worker",
        "bert_mlm trainer.dataloader_prefetch_factor=2",
        "'trainer.dataloader_prefetch_factor' is for workers; say trainer.dataloader_num_workers=1",
    ),
    case(
        "Two seeds that contradict each other",
        "bert_mlm seed=4 trainer.seed=3",
        "'trainer.seed' is the run's; set seed=3",
    ),
    case(
        "A change of a run that has not begun",
        "bert_mlm resume.allow=[seed]",
        "resume.allow is for a run that has begun, and …",
    ),
    case(
        "A tracker that transformers does not know",
        "bert_mlm trainer.report_to=trackio_of_mine",
        "'trainer.report_to': transformers knows no 'trackio_of_mine'; take one of clearml, …",
    ),
    case(
        "A job of a cluster outside it",
        "bert_mlm launch=slurm",
        "launch=slurm works inside an allocation; put the line that 'check' shows into an sbatch script",
    ),
    case(
        "A sweep by words of Hydra's without -m",
        "bert_mlm seed=range(1,3)",
        "'seed=range(1,3)' names several values, which takes a sweep: genai-hf bert_mlm -m seed=range(1,3)",
    ),
)
