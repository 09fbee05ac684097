from todo.http.errors import Problem, problem_body


def test_extensions_are_members_of_the_answer() -> None:
    problem = Problem("too_many", "12345 match.", extensions={"count": 12345})
    assert problem_body(problem, "f") == problem_body(Problem("too_many", "12345 match."), "f") | {
        "count": 12345
    }


def test_extensions_replace_no_other_member() -> None:
    standard = problem_body(Problem("internal_error", "Ours."), "f")
    problem = Problem("internal_error", "Ours.", extensions=dict.fromkeys(standard, "x"))
    assert problem_body(problem, "f") == standard
