"""A teacher's speed is measured with the same left out as the student's."""

import pytest
from tiny_models import CLASSIFIES, model_of

from genai_hf.analysis.distilled import leave_out_alike
from genai_hf.models.last_layer import shorten, shortened
from genai_hf.models.unpadded import unpad


@pytest.mark.parametrize("unpadded", [False, True])
@pytest.mark.parametrize("short", [False, True])
def test_a_teacher_leaves_out_what_its_student_does(unpadded, short):
    teacher, student = model_of("roberta", CLASSIFIES), model_of("distilbert", CLASSIFIES)
    if unpadded:
        unpad(student)
    if short:
        shorten(student)
    leave_out_alike(teacher, student)
    assert (teacher.config._attn_implementation == "unpadded") == unpadded
    assert (shortened(teacher) is not None) == short
