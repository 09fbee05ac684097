"""The examples of RFC 5545, section 3.8.5.3, that concern days."""

from datetime import date

import pytest

from tests.recurrence.examples import days, some_dates

RFC_EXAMPLES = [
    (
        "FREQ=DAILY;COUNT=10",
        date(1997, 9, 2),
        "1997-09 2 3 4 5 6 7 8 9 10 11",
    ),
    ("FREQ=DAILY;INTERVAL=2", date(1997, 9, 2), "1997-09 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", date(1997, 9, 2), "1997-09 2 12 22\n1997-10 2 12"),
    (
        "FREQ=YEARLY;UNTIL=20000131;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        date(1998, 1, 1),
        "\n".join(f"{year}-01 " + " ".join(map(str, range(1, 32))) for year in range(1998, 2001)),
    ),
    (
        "FREQ=DAILY;UNTIL=20000131;BYMONTH=1",
        date(1998, 1, 1),
        "\n".join(f"{year}-01 " + " ".join(map(str, range(1, 32))) for year in range(1998, 2001)),
    ),
    (
        "FREQ=WEEKLY;COUNT=10",
        date(1997, 9, 2),
        "1997-09 2 9 16 23 30\n1997-10 7 14 21 28\n1997-11 4",
    ),
    (
        "FREQ=WEEKLY;UNTIL=19971224",
        date(1997, 9, 2),
        """1997-09 2 9 16 23 30
        1997-10 7 14 21 28
        1997-11 4 11 18 25
        1997-12 2 9 16 23""",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        date(1997, 9, 2),
        "1997-09 2 16 30\n1997-10 14 28\n1997-11 11 25\n1997-12 9 23\n1998-01 6 20\n1998-02 3 17",
    ),
    (
        "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        date(1997, 9, 2),
        "1997-09 2 4 9 11 16 18 23 25 30\n1997-10 2",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224;WKST=SU;BYDAY=MO,WE,FR",
        date(1997, 9, 1),
        """1997-09 1 3 5 15 17 19 29
        1997-10 1 3 13 15 17 27 29 31
        1997-11 10 12 14 24 26 28
        1997-12 8 10 12 22 24""",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        date(1997, 9, 2),
        "1997-09 2 4 16 18 30\n1997-10 2 14 16",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        date(1997, 9, 5),
        """1997-09 5
        1997-10 3
        1997-11 7
        1997-12 5
        1998-01 2
        1998-02 6
        1998-03 6
        1998-04 3
        1998-05 1
        1998-06 5""",
    ),
    (
        "FREQ=MONTHLY;UNTIL=19971224;BYDAY=1FR",
        date(1997, 9, 5),
        "1997-09 5\n1997-10 3\n1997-11 7\n1997-12 5",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        date(1997, 9, 7),
        "1997-09 7 28\n1997-11 2 30\n1998-01 4 25\n1998-03 1 29\n1998-05 3 31",
    ),
    (
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        date(1997, 9, 22),
        "1997-09 22\n1997-10 20\n1997-11 17\n1997-12 22\n1998-01 19\n1998-02 16",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        date(1997, 9, 28),
        "1997-09 28\n1997-10 29\n1997-11 28\n1997-12 29\n1998-01 29\n1998-02 26",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        date(1997, 9, 2),
        "1997-09 2 15\n1997-10 2 15\n1997-11 2 15\n1997-12 2 15\n1998-01 2 15",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        date(1997, 9, 30),
        "1997-09 30\n1997-10 1 31\n1997-11 1 30\n1997-12 1 31\n1998-01 1 31\n1998-02 1",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        date(1997, 9, 10),
        "1997-09 10 11 12 13 14 15\n1999-03 10 11 12 13",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        date(1997, 9, 2),
        "1997-09 2 9 16 23 30\n1997-11 4 11 18 25\n1998-01 6 13 20 27\n1998-03 3 10 17 24 31",
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        date(1997, 6, 10),
        "\n".join(f"{year}-06 10\n{year}-07 10" for year in range(1997, 2002)),
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        date(1997, 3, 10),
        "1997-03 10\n"
        + "\n".join(
            f"{year}-{month} 10" for year in (1999, 2001, 2003) for month in ("01", "02", "03")
        ),
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        date(1997, 1, 1),
        """1997-01 1
        1997-04 10
        1997-07 19
        2000-01 1
        2000-04 9
        2000-07 18
        2003-01 1
        2003-04 10
        2003-07 19
        2006-01 1""",
    ),
    ("FREQ=YEARLY;BYDAY=20MO", date(1997, 5, 19), "1997-05 19\n1998-05 18\n1999-05 17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", date(1997, 5, 12), "1997-05 12\n1998-05 11\n1999-05 17"),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        date(1997, 3, 13),
        "1997-03 13 20 27\n1998-03 5 12 19 26\n1999-03 4 11 18 25",
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        date(1997, 6, 5),
        "1997-06 5 12 19 26\n1997-07 3 10 17 24 31\n1997-08 7 14 21 28\n1998-06 4 11 18 25",
    ),
    (
        # The example excludes its first date, which does not fit.
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        date(1997, 9, 2),
        "1997-09 2\n1998-02 13\n1998-03 13\n1998-11 13\n1999-08 13\n2000-10 13",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        date(1997, 9, 13),
        "1997-09 13\n1997-10 11\n1997-11 8\n1997-12 13\n1998-01 10\n1998-02 7\n1998-03 7",
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        date(1996, 11, 5),
        "1996-11 5\n2000-11 7\n2004-11 2",
    ),
    (
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        date(1997, 9, 4),
        "1997-09 4\n1997-10 7\n1997-11 6",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        date(1997, 9, 29),
        "1997-09 29\n1997-10 30\n1997-11 27\n1997-12 30\n1998-01 29\n1998-02 26\n1998-03 30",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        date(1997, 8, 5),
        "1997-08 5 10 19 24",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        date(1997, 8, 5),
        "1997-08 5 17 19 31",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        date(2007, 1, 15),
        "2007-01 15 30\n2007-02 15\n2007-03 15 30",
    ),
]


@pytest.mark.parametrize(("rule", "first", "expected"), RFC_EXAMPLES)
def test_example_of_rfc_5545_has_its_dates(rule: str, first: date, expected: str) -> None:
    found = days(expected)
    # Rules with an end have exactly these dates.
    ended = "COUNT" in rule or "UNTIL" in rule
    assert some_dates(rule, first, 1_000 if ended else len(found)) == found
