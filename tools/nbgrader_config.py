"""How nbgrader runs a course: `make nbgrader` copies this file into the course's folder.

nbgrader reads it there, and so does its Formgrader, in .venv-nbgrader.
"""

from typing import Any

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (  # type: ignore[import-not-found]
    GetGrades,
    NbGraderPreprocessor,
)
from nbgrader.utils import is_grade, is_locked  # type: ignore[import-not-found]


class HideTests(NbGraderPreprocessor):  # type: ignore[misc]
    """Take the hidden tests out of the page that a student gets back.

    The traceback of a failed test goes, too, since it quotes them; what the test says stays.
    """

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Shorten a cell that grades code."""
        if is_grade(cell) and is_locked(cell):
            cell.source = cell.source.partition("### BEGIN HIDDEN TESTS")[0].rstrip()
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


# nbgrader gives the name to this file.
c = get_config()  # type: ignore[name-defined]  # noqa: F821
c.CourseDirectory.course_id = "reading-digits"
c.ClearSolutions.code_stub = {"python": "..."}  # counts as unanswered
c.ClearSolutions.text_stub = "*Your answer*"
c.ExecutePreprocessor.timeout = 120  # seconds for a cell; a check stops an answer long before
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]
