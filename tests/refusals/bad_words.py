"""Verbs and sweeps: what is typed beside settings."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

CASES: Sequence[Case] = (
    case(
        "Batches where nothing is trained",
        "inspect train_tokenizer",
        "train_tokenizer trains nothing, so it has no batches to look at; run it",
    ),
    case("A sweep without several values", "bert_mlm -m", "-m needs a setting with several values, such as seed=1,2"),
    case("A sweep of one value", "bert_mlm -m seed=1", "-m needs a setting with several values, such as seed=1,2"),
    case(
        "A sweep with a name for one run",
        "bert_mlm -m run=mine seed=1,2",
        "'run' names one run; the runs of a sweep name themselves",
    ),
    case(
        "A sweep over what changes no result",
        "bert_mlm -m data=text data.path=a.txt root=a,b",
        "'root' changes no result, so every job would do the same; give it one value",
    ),
    case("A sweep of which one value is wrong", "bert_mlm -m seed=1,x", "'seed' must be int, got 'x'"),
    case(
        "A sweep of which one value is out of range",
        "bert_mlm -m masking.probability=0.15,1.5",
        "masking: probability must be in (0, 1], got 1.5",
    ),
    case(
        "A sweep over an option that is not there",
        "bert_mlm -m model=bert_tiny,bert_minni",
        "'model=bert_minni' is not an option; did you mean 'bert_mini'? (bert_base, bert_mini, bert_tiny, g…",
    ),
    case(
        "A sweep by a launcher that is not there",
        "bert_mlm -m hydra/launcher=jobli seed=1,2",
        "'hydra/launcher=jobli' is not an option; choose from basic",
    ),
    case(
        "A sweep of what is only looked at",
        "check bert_mlm -m seed=1,2",
        "-m is of running; this looks at one run: leave it out, and give each setting one value",
    ),
    case(
        "A root of runs that is a file, where a run is only looked at",
        "check bert_mlm data=text data.path=a.txt root=a.txt run=mine",
        "a.txt/bert_mlm/mine cannot be made (Not a directory); choose another place with root=…",
    ),
    case(
        "A name of a run that is too long",
        f"bert_mlm run={'a' * 300}",
        "'run': a folder's name has at most 255 bytes, and this has 300; shorten it",
    ),
    case("Several values while writing", "generate gpt hello seed=1,2", "'seed=1,2' names several values; give one"),
    case(
        "A setting of drawing while the most probable token is taken",
        "generate gpt hello generation.temperature=0.5",
        "'generation.temperature' is of drawing the next token; say generation=top_p or generation=top_k",
    ),
    case(
        "More new tokens at least than at most",
        "generate gpt hello generation.min_new_tokens=200",
        "'generation.min_new_tokens': 200 are more than max_new_tokens=100; raise that",
    ),
    case(
        "A method that transformers has as code on the Hub",
        "generate gpt hello generation.penalty_alpha=0.6",
        "'generation.penalty_alpha' is not for setting; transformers has it as code on the Hub only, and no…",
    ),
    case(
        "A system's words outside a conversation",
        "generate gpt hello --system kindly",
        "--system is of a conversation; say --chat too",
    ),
    case(
        "An instruction to a model that was tuned on none",
        "generate gpt hello --instruction translate",
        "--instruction is for runs of instruct, by their folder; write all that is asked as one prompt",
    ),
    case(
        "A model to write with that is not there",
        "generate ./nowhere hello",
        "./nowhere: no such folder; ./ holds a.csv, a.txt, empty/, gpt/, runs/",
    ),
    case(
        "A folder to write with that holds no model",
        "generate empty hello",
        "empty holds no model; name a run's folder, or one with a config.json",
    ),
    case("A prompt without a letter", "generate gpt ''", "a text is empty; give one"),
    case(
        "No prompt",
        "generate gpt",
        'name a run or a model, and a prompt: genai-hf generate outputs/gpt_lm/… "a prompt"',
    ),
    case("A copy under a recipe's name", "cp bert_mlm glue", "'glue' is a shipped recipe's name; choose another"),
    case(
        "A copy under a module's name",
        "cp bert_mlm torch",
        "an installed module is called 'torch' too; choose another name",
    ),
    case(
        "A copy with a dash",
        "cp bert_mlm my-own",
        "'my-own' cannot be a module's name; use letters, digits and underscores",
    ),
    case("A copy without a name", "cp bert_mlm", "it takes a recipe and a new name: genai-hf cp RECIPE NAME"),
    case(
        "A run to ask that is not there",
        "predict runs/2 hello",
        "runs/2 is not a run; name its folder, such as outputs/glue/…",
    ),
    case(
        "Nothing to ask",
        "predict runs/1",
        'name a run and a text: genai-hf predict outputs/glue/… "a sentence" ["a second one"]',
    ),
    case(
        "A run to merge without an adapter",
        "merge runs/1",
        "runs/1 holds no adapter; name a run of peft=lora or the like that has finished",
    ),
    case(
        "A type of merged weights that is not there",
        "merge runs/1 --dtype float8",
        "--dtype must be bfloat16, float16, float32, got float8",
    ),
    case("A run to report that is not there", "report runs/2", "runs/2: no such folder; give the folder of a run"),
    case(
        "A folder to report that is no run's",
        "report empty",
        "empty: not a run's folder (it has none of config.yaml, command.txt, fingerprint.json, metrics.json…",
    ),
    case(
        "A run to check that is not there",
        "verify runs/2",
        "runs/2 is not a run; name its folder, such as outputs/bert_mlm/…",
    ),
)
