"""The journal: record every change to an account, read the changes, and undo them."""
