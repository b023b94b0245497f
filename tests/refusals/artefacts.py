"""Files that would run code where a reader is careless: each leaves a canary, a file that must never be there."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import torch
from model_parts import GOOD, NAMED, TEXTS, TRAIN, WRITER, Files, adapter, bert, gpt2, run, tokenizer, without

ONE_STEP = ("trainer.max_steps=1", "root=left")
WRITE = ("generate", "model", "w1", "generation.max_new_tokens=2")
CHAT = ("generate", "model", "w1", "--chat", "generation.max_new_tokens=2")
TRAINED = (*NAMED, *ONE_STEP)
TABLE = ("glue", "task=local", "data.path=table", "sequence_length=16", "trainer.use_cpu=true", *ONE_STEP)
ROWS = "text,label\n" + "".join(f"w{row} w1,{'no' if row % 2 else 'yes'}\n" for row in range(40))
ESCAPES = (
    "{{ cycler.__init__.__globals__.os.system('touch CANARY') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}{% for c in [].__class__.__base__.__subclasses__() %}"
    "{% if c.__name__ == 'Popen' %}{{ c('touch CANARY', shell=True) }}{% endif %}{% endfor %}",
    "{{ messages.__class__.__init__.__globals__['__builtins__']['open']('CANARY', 'w') }}",
)


@dataclass(frozen=True)
class Bomb:
    """What opens the canary when it is unpickled."""

    canary: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.canary), "w")


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """Files by the canary's path, and the commands that meet them."""

    name: str
    files: Callable[[Path], Mapping[str, str | bytes]]
    commands: Sequence[Sequence[str]]


def code(canary: Path) -> str:
    """Source that leaves the canary when it is imported, whatever is asked of it then."""
    return f"open({str(canary)!r}, 'w')\ndef __getattr__(name):\n    return object\n"


def pickled(canary: Path) -> bytes:
    """A bare pickle."""
    return pickle.dumps(Bomb(canary))


def zipped(canary: Path) -> bytes:
    """As torch saves it."""
    stream = io.BytesIO()
    torch.save({"weight": Bomb(canary)}, stream)
    return stream.getvalue()


def array(canary: Path) -> bytes:
    """As numpy saves objects."""
    stream = io.BytesIO()
    np.save(stream, np.array([Bomb(canary)], dtype=object), allow_pickle=True)
    return stream.getvalue()


def table(canary: Path) -> bytes:
    """Parquet with an extension type whose description is a pickle, and a pickle where pandas keeps its facts."""
    kind = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickled(canary)}
    fields = [pyarrow.field("text", pyarrow.string(), metadata=kind), pyarrow.field("label", pyarrow.string())]
    schema = pyarrow.schema(fields, metadata={b"pandas": pickled(canary)})
    rows = {"text": [f"w{row} w1" for row in range(40)], "label": ["no", "yes"] * 20}
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(rows, schema=schema), sink)
    return sink.getvalue()


def _kernel(canary: Path, **config: Any) -> Files:
    return bert(**config) | TEXTS | {"kernels.py": code(canary), "kernels_community/x.py": code(canary)}


OF_A_MODEL = {"bert": GOOD, "gpt2": WRITER | TEXTS}
CUSTOM = {"AutoConfig": "modeling.Mine", "AutoModel": "modeling.Mine", "AutoModelForMaskedLM": "modeling.Mine"}
CUSTOM |= {"AutoModelForCausalLM": "modeling.Mine", "AutoTokenizer": ["modeling.Mine", "modeling.Mine"]}
CASES = (
    Artefact(
        name="pytorch_model.bin alone",
        files=lambda canary: without(GOOD, "model/model.safetensors") | {"model/pytorch_model.bin": zipped(canary)},
        commands=[TRAINED, WRITE, (*TRAIN, "model.name=model", "model.from_scratch=true", *ONE_STEP)],
    ),
    Artefact(
        name="pickles beside safetensors",
        files=lambda canary: (
            WRITER
            | {
                f"model/{name}": zipped(canary)
                for name in ("pytorch_model.bin", "training_args.bin", "adapter_model.bin")
            }
            | {"model/model.pt": zipped(canary), "model/pytorch_model.bin.index.json": '{"weight_map": {}}'}
        ),
        commands=[WRITE],
    ),
    Artefact(
        name="a pickle called model.safetensors",
        files=lambda canary: GOOD | {"model/model.safetensors": zipped(canary)},
        commands=[TRAINED],
    ),
    Artefact(
        name="an index of pickles",
        files=lambda canary: (
            without(GOOD, "model/model.safetensors")
            | {"model/model.safetensors.index.json": json.dumps({"weight_map": {"bert.x": "part.bin"}, "metadata": {}})}
            | {"model/part.bin": zipped(canary)}
        ),
        commands=[TRAINED],
    ),
    Artefact(
        name="adapter_model.bin",
        files=lambda canary: (
            run(
                without(adapter("model"), "model/adapter_model.safetensors")
                | {"model/adapter_model.bin": zipped(canary)}
            )
            | WRITER
        ),
        commands=[("merge", "run"), ("generate", "run", "w1")],
    ),
    Artefact(
        name="an adapter's auto_mapping",
        files=lambda canary: (
            run(adapter("model", auto_mapping={"base_model_class": "A", "parent_library": "evil"}))
            | WRITER
            | {"evil.py": code(canary)}
        ),
        commands=[("merge", "run"), ("generate", "run", "w1", "generation.max_new_tokens=2")],
    ),
    Artefact(
        name="an adapter whose base needs code",
        files=lambda canary: (
            run(adapter("model")) | gpt2(model_type="mine", auto_map=CUSTOM) | {"model/modeling.py": code(canary)}
        ),
        commands=[("merge", "run"), ("generate", "run", "w1")],
    ),
    Artefact(
        name="a model's own code, of an unknown kind",
        files=lambda canary: bert(model_type="mine", auto_map=CUSTOM) | TEXTS | {"model/modeling.py": code(canary)},
        commands=[TRAINED, WRITE, ("inspect", *NAMED)],
    ),
    Artefact(
        name="a model's own code, of a known kind",
        files=lambda canary: gpt2(auto_map=CUSTOM) | {"model/modeling.py": code(canary)},
        commands=[WRITE],
    ),
    Artefact(
        name="a tokenizer's own code",
        files=lambda canary: (
            gpt2()
            | tokenizer(tokenizer_class="modeling.Mine", auto_map=CUSTOM)
            | {"model/modeling.py": code(canary), "model/tokenization_mine.py": code(canary)}
        ),
        commands=[WRITE],
    ),
    Artefact(
        name="a tokenizer's own code, without tokenizer.json",
        files=lambda canary: (
            without(GOOD, "model/tokenizer.json")
            | {"model/tokenizer_config.json": json.dumps({"tokenizer_class": "Mine", "auto_map": CUSTOM})}
            | {
                "model/vocab.txt": "[PAD]\n[UNK]\n",
                "model/modeling.py": code(canary),
                "model/tokenizer.model": pickled(canary),
            }
        ),
        commands=[TRAINED],
    ),
    *(
        Artefact(
            name=f"a chat template that breaks out, {number}",
            files=lambda canary, text=text: WRITER | {"model/chat_template.jinja": text.replace("CANARY", str(canary))},
            commands=[CHAT],
        )
        for number, text in enumerate(ESCAPES, 1)
    ),
    Artefact(
        name="a generation of its own",
        files=lambda canary: (
            WRITER
            | {"model/generation_config.json": json.dumps({"custom_generate": "model", "trust_remote_code": True})}
            | {"model/custom_generate/generate.py": code(canary), "model/custom_generate/requirements.txt": ""}
        ),
        commands=[WRITE],
    ),
    Artefact(
        name="attention by a kernel",
        files=lambda canary: _kernel(canary, attn_implementation="kernels-community/x"),
        commands=[TRAINED],
    ),
    Artefact(
        name="kernels asked for in config.json",
        files=lambda canary: _kernel(canary, use_kernels=True, kernel_config={"x": "a/b"}),
        commands=[("inspect", *NAMED)],
    ),
    Artefact(
        name="a data set's loading script",
        files=lambda canary: (
            {f"table/{name}.py": code(canary) for name in ("table", "dataset", "__init__")}
            | {"table/train.csv": ROWS, "table/dataset_infos.json": "{}", "table/requirements.txt": "evil"}
        ),
        commands=[("inspect", *TABLE)],
    ),
    Artefact(
        name="a folder of texts with a loading script",
        files=lambda canary: TEXTS | {"text/text.py": code(canary), "text/00.pkl": pickled(canary)},
        commands=[("inspect", *TRAIN[:-1])],
    ),
    Artefact(
        name="parquet with pickles in its facts",
        files=lambda canary: {"table/train.parquet": table(canary)},
        commands=[("inspect", *TABLE)],
    ),
    Artefact(
        name="metrics in the working directory",
        files=lambda canary: (
            {"table/train.csv": ROWS}
            | {f"{name}/{name}.py": code(canary) for name in ("accuracy", "f1", "glue", "perplexity", "rouge")}
        ),
        commands=[(*TABLE, "model.config.hidden_size=8", "model.config.num_hidden_layers=1")],
    ),
    Artefact(
        name="a run's config.yaml with objects of Python",
        files=lambda canary: (
            run(WRITER)
            | {"run/config.yaml": f"recipe: !!python/object/apply:builtins.open ['{canary}', 'w']\ntask: {{}}\n"}
        ),
        commands=[("predict", "run", "w1"), ("verify", "run"), ("generate", "run", "w1"), ("report", "run")],
    ),
    Artefact(
        name="objects of Python and targets as values",
        files=lambda canary: TEXTS,
        commands=[
            (*TRAIN[:-1], "trainer._target_=builtins.open"),
            (*TRAIN[:-1], "+masking._target_=os.system"),
            (*TRAIN[:-1], "masking.unit=${eval:1}"),
        ],
    ),
)


def unzipped(content: bytes) -> bytes:
    """The pickle in what torch saved."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
