"""How instructions are put into words: byte for byte as published."""

import pytest

from genai_hf.data.wording import Instruction, Shown, Wording

CITY = Instruction(
    "task1",
    "Classification",
    {"definition": "Name the city"},
    positive=[Shown("It has the Eiffel Tower", "Paris", "The tower stands there"), Shown("Big Ben?", "London", "")],
    negative=[Shown("It has the Colosseum.", "Athens", "That is in Rome")],
)
MC_TACO = Instruction(  # the course's example, with the names that Natural Instructions v1 has
    "subtask003",
    "question generation",
    {
        "title": 'Writing questions that involve commonsense understanding of "event duration".',
        "definition": 'In this task, we ask you to write a question that involves "event duration".',
        "prompt": 'Ask a question on "event duration" based on the provided sentence.',
        "avoid": "Don't create questions which have explicit mentions of answers in text.",
        "emphasis": "The written questions are not required to have a single correct answer.",
    },
    positive=[
        Shown(
            "Sentence: Jack played basketball after school, after which he was very tired.",
            "How long did Jack play basketball?",
            "the question asks about the duration of an event.",
        )
    ],
    negative=[
        Shown(
            "Sentence: He spent two hours on his homework.",
            "How long did he do his homework?",
            "We DO NOT want this question as the answer is directly mentioned in the text.",
        )
    ],
)


def written(wording: Wording, instruction: Instruction, given: str) -> str:
    return "".join(part.text for part in wording(instruction, given))


def test_tk_instruct_sets_good_examples_before_bad_ones_and_ends_what_nothing_ends_with_a_full_stop():
    wording = Wording(wording="tk_instruct", positive=2, negative=1, explanations=True)
    assert written(wording, CITY, "It has the Kremlin ") == (
        "Definition: Name the city.\n\n"
        " Positive Example 1 -\nInput: It has the Eiffel Tower.\n Output: Paris.\n"
        " Explanation: The tower stands there.\n\n"
        " Positive Example 2 -\nInput: Big Ben?\n Output: London.\n\n"
        " Negative Example 1 -\nInput: It has the Colosseum.\n Output: Athens.\n Explanation: That is in Rome.\n\n"
        "Now complete the following example -\nInput: It has the Kremlin.\nOutput: "
    )


def test_examples_and_their_explanations_are_values():
    bare = "Definition: Name the city.\n\nNow complete the following example -\nInput: Where?\nOutput: "
    assert written(Wording(wording="tk_instruct"), CITY, "Where?") == bare
    one = written(Wording(wording="tk_instruct", positive=1), CITY, "Where?")
    assert one == bare.replace("Now", " Positive Example 1 -\nInput: It has the Eiffel Tower.\n Output: Paris.\n\nNow")
    assert written(Wording(wording="tk_instruct", positive=9), CITY, "Where?").count("Positive") == 2  # all there are


def test_natural_instructions_v1_sets_bad_examples_before_good_ones():
    wording = Wording(wording="natural_instructions_v1", positive=1, negative=1, explanations=True)
    assert written(wording, MC_TACO, "Sentence: It's hail crackled across the comm.") == (
        'Definition: In this task, we ask you to write a question that involves "event duration".\n'
        'Prompt: Ask a question on "event duration" based on the provided sentence.\n'
        "Things to Avoid: Don't create questions which have explicit mentions of answers in text.\n"
        "Emphasis & Caution: The written questions are not required to have a single correct answer.\n"
        "Negative Example1- \n"
        "input: Sentence: He spent two hours on his homework.\n"
        "output: How long did he do his homework?\n"
        "reason: We DO NOT want this question as the answer is directly mentioned in the text.\n"
        "Positive Example1- \n"
        "input: Sentence: Jack played basketball after school, after which he was very tired.\n"
        "output: How long did Jack play basketball?\n"
        "reason: the question asks about the duration of an event.\n"
        "input: Sentence: It's hail crackled across the comm.\n"
        "output: "
    )


def test_the_courses_order_is_a_value():
    order = ["title", "definition", "emphasis", "avoid", "positive", "negative", "prompt"]
    wording = Wording(wording="natural_instructions_v1", positive=1, negative=1, explanations=True, order=order)
    lines = [line.partition(":")[0] for line in written(wording, MC_TACO, "x").splitlines()]
    assert lines == [
        "Title", "Definition", "Emphasis & Caution", "Things to Avoid",
        "Positive Example1- ", "input", "output", "reason",
        "Negative Example1- ", "input", "output", "reason",
        "Prompt", "input", "output",
    ]  # fmt: skip


def test_a_suggestion_has_a_line_and_nothing_is_said_of_what_is_missing():
    task = Instruction("t", fields={"definition": "d"}, negative=[Shown("a", "b", "why", "better"), Shown("c", "e")])
    told = written(Wording(wording="natural_instructions_v1", negative=2, explanations=True), task, "x")
    assert told == (
        "Definition: d\nNegative Example1- \ninput: a\noutput: b\nreason: why\nsuggestion: better\n"
        "Negative Example2- \ninput: c\noutput: e\ninput: x\noutput: "
    )


def test_alpaca_has_one_prompt_with_an_input_and_one_without():
    task, wording = Instruction("t", fields={"definition": "Add them."}), Wording(wording="alpaca")
    assert written(wording, task, "1 and 2") == (
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nAdd them.\n\n### Input:\n1 and 2\n\n### Response:"
    )
    assert written(wording, task, "") == (
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nAdd them.\n\n### Response:"
    )


def test_an_instruction_that_says_it_all_has_no_input():
    task = Instruction("t", fields={"definition": "Name a colour."})
    assert written(Wording(wording="tk_instruct"), task, "") == "Definition: Name a colour.\n\nOutput: "


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"wording": "alpaca", "positive": 2}, "positive must be 0 where Alpaca's wording shows no examples"),
        ({"positive": -1}, "positive must be at least 0, got -1"),
        ({"order": ["definition", "definition"]}, "order must be different ones of title, definition"),
        ({"order": ["reason"]}, "order must be different ones of title, definition, .*, got reason"),
    ],
)
def test_a_wrong_value_is_refused(settings, said):
    wording = settings.pop("wording", "tk_instruct")
    with pytest.raises(ValueError, match=said):
        Wording(wording=wording, **settings)
