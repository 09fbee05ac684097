"""The same small service as others would write it: each file as the documentation it follows says.

Each file has its tables, `fill`, which makes them and the data in the database of DATABASE_URL, and
the application. All know four requests, with `Authorization: Bearer` and a token:
GET and POST /tasks, GET and PATCH /tasks/<id>.
"""
