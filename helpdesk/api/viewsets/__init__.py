"""The nouns of the API. Each handler decodes, calls one action or read, and answers."""
