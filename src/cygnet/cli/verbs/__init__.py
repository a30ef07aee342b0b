"""One verb per file; ``table`` lists them."""
