"""HTTP in general: transactions, typed views, bodies, errors, header fields. No product noun."""
