"""One page for one run: what came out, how it went, what the recipe shows, and how to have it again."""

from pathlib import Path

from genai_hf import files
from genai_hf.reports import pages, story
from genai_hf.reports.canvas import NARROW, WIDE
from genai_hf.reports.curves import draw, embed
from genai_hf.reports.run_folder import Run, read_run
from genai_hf.reports.sections import Figure
from genai_hf.reports.settings import groups


def write_report(folder: Path) -> Path:
    """Write ``report.html`` and ``report.md`` from the files of a run's folder, finished or not.

    Missing and damaged files are named on the page. The same files give the same bytes.

    Returns:
        Path of ``report.html``.

    Raises:
        UserError: There is no such folder, or it is not a run's.
    """
    run = read_run(folder)
    files.write_text(folder / "report.md", _markdown(run))
    path = folder / "report.html"
    files.write_text(path, _html(run))
    return path


def _html(run: Run) -> str:
    asked = [str(override) for override in run.config.get("overrides") or []]
    return pages.html(
        "report.html.jinja",
        run=run,
        sentence=story.sentence(run),
        cards=story.cards(run),
        numbers=story.final_numbers(run),
        curves=_curves(story.figures(run)),
        sections=[(part, embed(draw(part)) if isinstance(part, Figure) else None) for part in run.sections],
        settings=groups(run.config, asked),
        asked=asked,
        environment=groups(run.fingerprint),
    )


def _curves(figures: list[Figure]) -> list[tuple[Figure, str, bool]]:
    """Two to a row; where their number is odd the first has a row of its own."""
    wide = [index == 0 and len(figures) % 2 == 1 for index in range(len(figures))]
    pairs = zip(figures, wide, strict=True)
    return [(figure, embed(draw(figure, WIDE if alone else NARROW)), alone) for figure, alone in pairs]


def _markdown(run: Run) -> str:
    return pages.markdown(
        "report.md.jinja",
        run=run,
        sentence=story.sentence(run),
        numbers=story.final_numbers(run),
        curves=story.figures(run),
        sections=run.sections,
        environment=groups(run.fingerprint),
    )
