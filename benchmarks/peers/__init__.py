"""The same small service in other frameworks, each as its documentation recommends.

Each module has the tables, the application, and `fill`, which creates the tables and the data in
the database of DATABASE_URL. All support GET and POST /tasks, and GET and PATCH /tasks/<id>, with
`Authorization: Bearer` and a token.
"""
