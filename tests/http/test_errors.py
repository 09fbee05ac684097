from todo.http.errors import Problem, problem_body


def test_problem_extensions_become_members_of_body() -> None:
    problem = Problem("too_many", "12345 match.", extensions={"count": 12345})
    assert problem_body(problem, "f") == problem_body(Problem("too_many", "12345 match."), "f") | {
        "count": 12345
    }


def test_problem_extensions_cannot_replace_standard_members() -> None:
    standard = problem_body(Problem("internal_error", "Failed."), "f")
    problem = Problem("internal_error", "Failed.", extensions=dict.fromkeys(standard, "x"))
    assert problem_body(problem, "f") == standard
