"""Scores over the number of weights that are trained: a table, and one picture for each task.

genai-hf glue -m peft=none,lora,prefix,prompt task=rte,mrpc model=pretrained model.name=FOLDER data.path=GLUE
python benchmarks/adapters.py outputs/glue/RUN … --picture scores.svg
"""

import argparse
import json
from pathlib import Path

from genai_hf.reports.curves import draw
from genai_hf.reports.sections import Figure


def main() -> None:
    """Read runs of glue, each with a task and an adapter or none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args()
    points = dict[str, list[tuple[str, float, float]]]()
    for run in asked.runs:
        settings, metrics = (json.loads((run / name).read_text("utf-8")) for name in ("settings.json", "metrics.json"))
        main_score = next(name for name in metrics if name.startswith("eval_"))
        method = settings["peft.method"] or "none"
        score = 100 * metrics[main_score]
        points.setdefault(f"{settings['task.name']}, {main_score.removeprefix('eval_')}", []).append(
            (method, metrics["trained_parameters"], score)
        )
    print("| task | peft= | trained weights | score, times 100 |\n| --- | --- | ---: | ---: |")
    for task, found in points.items():
        for method, trained, score in sorted(found, key=lambda point: point[1]):
            print(f"| {task} | {method} | {trained:,.0f} | {score:.1f} |")
    if asked.picture:
        series = {task: sorted((trained, score) for _, trained, score in found) for task, found in points.items()}
        figure = Figure("adapters", "weights that are trained", "score, times 100", series, log_x=True)
        asked.picture.write_text(draw(figure), "utf-8")


if __name__ == "__main__":
    main()
