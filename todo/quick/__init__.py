"""Quick entry: one line of English becomes a task. Pure functions of the text and a moment."""
