"""Filters, orders, cursors, pages and search for lists."""
