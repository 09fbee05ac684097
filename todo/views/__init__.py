"""The views: each file answers for one noun, and a view's body is the business alone."""
