"""The page for people: its files, which are a client of the API, and the views that serve them."""
