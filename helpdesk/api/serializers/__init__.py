"""What the API reads and shows, by noun. Explicit lists of fields: what is not named here leaves by no answer."""
