"""Chat templates are programs of others: hostile ones end in a line, of honest ones exactly the answers are learnt."""

import threading
import time

import pytest
from instruct_tiny import conversation, make_decoder_tokenizer
from tokenizers import AddedToken

from genai_hf import rendering
from genai_hf.encoding import templates
from genai_hf.encoding.chat import ChatEncoder
from genai_hf.errors import ConfigError, DataError

MESSAGES = [{"role": "user", "content": "the cat?"}, {"role": "assistant", "content": "meow"}]
GROWING = (
    "{%% set all = namespace(x='aaaaaaaaaa') %%}{%% for i in range(60) %%}"
    "{%% set all.x = all.x %s all.x %%}{%% endfor %%}"
)

ENDLESS = {
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "work in a loop": "{% set x = range(99999) | list %}{% for i in x %}{{ x | sort | length }}{% endfor %}",
    "a filter that loops": "{{ ('x' * 9000000) | wordwrap(1) }}",
    "a function that loops": "{{ lipsum(n=100000000) }}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a tower of brackets": "{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}",
    "a long text": "{{ 'a' * 10 ** 12 }}",
    "a text that doubles": GROWING % "+",
    "a text that doubles by ~": GROWING % "~",
    "a width": "{{ '%999999999d' % 1 }}",
    "a wide field": "{{ '{:999999999}'.format(1) }}",
    "filling up": "{{ 'a'.ljust(10 ** 10) }}",
    "letters for letters": "{{ ('a' * 99999).replace('a', 'a' * 99999) }}",
    "many wide texts": "{{ range(99999) | map('string') | map('center', 99999) | join }}",
    "a power": "{{ 10 ** (10 ** 9) }}",
    "powers of powers": "{{ 9 ** 64 ** 64 ** 64 ** 64 ** 64 }}",
    "a search from the right": "{{ ('a' * 50000000).rfind('b' + 'a' * 25000000) }}",
    "a search from the right, among parts": "{{ ('a' * 50000000).rsplit('b' + 'a' * 25000000) }}",
    "a sum of lists": "{{ ([range(100) | list] * 99999) | sum(start=[]) | length }}",
    "lists that hold each other": (
        "{% set all = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set all.x = [all.x, all.x] %}"
        "{% set all.y = [all.y, all.y] %}{% endfor %}{{ all.x == all.y }}"
    ),
    "a number that squares itself": (
        "{% set all = namespace(x=3) %}{% for i in range(60) %}{% set all.x = all.x * all.x %}{% endfor %}"
    ),
}
ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__()[0] }}",
    "{{ ''['__class__']['__mro__'][1] }}",
    "{{ cycler.__init__.__globals__.os.system('touch canary') }}",
    "{{ joiner['__init__']['__globals__'] }}",
    "{{ namespace.__init__.__globals__['__builtins__']['open']('canary', 'w') }}",
    "{{ lipsum.__globals__['os'].popen('touch canary').read() }}",
    "{{ (messages | attr('__class__')).__base__.__subclasses__() }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(cycler) }}",
    "{{ raise_exception.__globals__['jinja2'] }}",
    "{% set messages.append = 1 %}{{ messages.append({'role': 'user'}) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.system('touch canary') }}",
    "{{ self.__init__.__globals__.os }}",
    "{% for x in range(10 ** 12) %}x{% endfor %}",
    "{{ unknown.attribute.of.nothing }}",
    "{{ 1 / 0 }}",
    "{{ messages[99].content }}",
    "{% if %}",
]


def encoder(template: str, *special: str) -> ChatEncoder:
    tokenizer = make_decoder_tokenizer.__wrapped__()
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in special], special_tokens=True)
    tokenizer.bos_token, tokenizer.eos_token = "<s>", special[0] if special else "</s>"
    tokenizer.chat_template = template
    return ChatEncoder(tokenizer=tokenizer, length=1000)


def refusal(template: str) -> str:
    tokenizer = make_decoder_tokenizer.__wrapped__()
    tokenizer.chat_template = template
    with pytest.raises(ConfigError) as caught:
        templates.rendered(tokenizer, MESSAGES)
    return str(caught.value)


@pytest.fixture
def _short_time(monkeypatch):
    monkeypatch.setattr(rendering, "SECONDS", 0.3)


@pytest.mark.usefixtures("_short_time")
@pytest.mark.parametrize("template", ENDLESS.values(), ids=ENDLESS)
def test_a_template_without_an_end_is_stopped(template):
    rendering.RENDERER("", 0, {})  # the process is there
    began = time.monotonic()
    assert refusal(template) == templates.ENDLESS
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("template", ESCAPES)
def test_a_template_that_would_leave_its_sandbox_is_refused_in_a_line(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = refusal(template)
    assert said.startswith("the tokenizer's chat template takes no such conversation (")
    assert "\n" not in said
    assert not list(tmp_path.iterdir())


def test_a_template_that_writes_without_measure_is_refused():
    said = "the tokenizer's chat template makes 7,000,000 letters of 12; take another tokenizer"
    assert refusal("{{ 'abcdefg' * 1000000 }}") == said


@pytest.mark.usefixtures("_short_time")
def test_a_template_is_stopped_in_any_thread_and_leaves_no_limit_behind():
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(refusal(ENDLESS["loops in loops"])))
    thread.start()
    thread.join()
    assert found == [templates.ENDLESS]
    assert len(bytearray(2**29)) == 2**29


def test_templates_of_chats_may_round_and_multiply_small_numbers():
    tokenizer = make_decoder_tokenizer.__wrapped__()
    tokenizer.chat_template = "{{ 2 ** 3 * 4 }} {{ 'ab' * 2 }} {{ 2.345 | round(1) }} {{ 7.0 ** 2 }} {{ [1] * 2 }}"
    assert templates.rendered(tokenizer, MESSAGES)[0] == "32 abab 2.3 49.0 [1, 1]"


# In the style of each family: its marks, where its spaces and lines are, what ends a turn.
STYLES = {
    "ChatML": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        ("<|im_end|>", "<|im_start|>"),
    ),
    "Llama-2": (
        "{% set head = namespace(s='') %}{% for m in messages %}{% if m.role == 'system' %}"
        "{% set head.s = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' %}{% elif m.role == 'user' %}"
        "<s>[INST] {{ head.s }}{{ m.content }} [/INST]{% set head.s = '' %}"
        "{% else %} {{ m.content }}</s>{% endif %}{% endfor %}",
        ("</s>", "<s>"),
    ),
    "Llama-3": (
        "<s>{% for m in messages %}<|head|>{{ m.role }}<|/head|>\n\n{{ m.content | trim }}<|eot|>{% endfor %}"
        "{% if add_generation_prompt %}<|head|>assistant<|/head|>\n\n{% endif %}",
        ("<|eot|>", "<s>", "<|head|>", "<|/head|>"),
    ),
    "Zephyr": (
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        ("</s>",),
    ),
    "Mistral": (
        "<s>{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content }}</s>{% elif m.role == 'user' %}"
        "[INST] {{ m.content }} [/INST]{% else %}{{ m.content }}\n{% endif %}{% endfor %}",
        ("</s>", "<s>", "[INST]", "[/INST]"),
    ),
    "Gemma": (
        "<s>{% for m in messages %}<turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
        "{{ m.content | trim }}</turn>\n{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}",
        ("</turn>", "<s>", "<turn>"),
    ),
    "Phi": (
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}",
        ("<|end|>", "<|user|>", "<|assistant|>", "<|system|>"),
    ),
    "Alpaca": (
        "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n{% elif m.role == 'user' %}"
        "### Instruction:\n{{ m.content }}\n\n### Response:\n{% else %}{{ m.content }}{{ eos_token }}\n\n"
        "{% endif %}{% endfor %}",
        ("</s>",),
    ),
    "Vicuna": (
        "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }} {% elif m.role == 'user' %}"
        "USER: {{ m.content }} ASSISTANT:"
        "{% else %} {{ m.content }}</s>{% endif %}{% endfor %}",
        ("</s>",),
    ),
    "marked": (
        "{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|end|>"
        "{% endgeneration %}{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}",
        ("<|end|>", "<|user|>", "<|assistant|>", "<|system|>"),
    ),
}  # fmt: skip
TALK = conversation("the cat?", "meow, meow", "and the dog?", "it says woof, I say", system="say what it says")


@pytest.mark.parametrize(("template", "special"), STYLES.values(), ids=STYLES)
def test_exactly_what_the_assistant_says_is_learnt_and_what_ends_its_turn(template, special):
    one = encoder(template, *special)
    found = one(TALK)
    learnt, spelt = [[]], one.tokenizer.decode(found.ids)
    for token, known in zip(found.ids, found.learnt, strict=True):
        if known:
            learnt[-1].append(token)
        elif learnt[-1]:
            learnt.append([])
    assert [one.tokenizer.decode(ids).strip() for ids in learnt] == [
        f"meow, meow{special[0]}",
        f"it says woof, I say{special[0]}",
    ]
    whole, _ = templates.rendered(one.tokenizer, TALK.messages)
    assert whole.startswith(spelt) and not whole[len(spelt) :].strip()


@pytest.mark.parametrize(
    "change",
    [
        ("{{ m.content }}", "{{ m.content if m.role == 'user' else m.content | title }}"),
        ("{{ m.content }}", "{{ m.content.split(',')[-1] }}"),
        ("{{ m.content }}", "{{ m.content if m.role != 'system' else '' }}"),
        ("in messages %}", "in messages if m.role != 'system' %}"),
        ("in messages %}", "in messages[-2:] %}"),
        ("in messages %}", "in messages | reverse %}"),
        ("in messages %}", "in messages | sort(attribute='role') %}"),
        ("in messages %}", "in messages[:-1] %}"),
        ("{{ m.content }}", "{{ m.content }} (and so on)"),
    ],
)
def test_a_template_that_drops_moves_strips_or_rewrites_turns_is_refused(change):
    template, special = STYLES["ChatML"]
    said = r"^chats.jsonl:1: the chat template (changes|leaves out)|its chat template ends no turn with a special token"
    with pytest.raises((ConfigError, DataError), match=said):
        encoder(template.replace(*change), *special)(TALK)
