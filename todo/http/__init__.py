"""Generic HTTP code: transactions, typed views, bodies, errors, header fields; nothing of tasks."""
