"""Lists of any kind: filters, orders, cursors, pages, search."""
