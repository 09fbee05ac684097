"""Views: one module per resource. Validation, authorization and rendering happen elsewhere."""
