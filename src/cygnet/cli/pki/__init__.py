"""`cygnet pki`: one command per file; ``table`` lists them."""
