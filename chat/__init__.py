"""The chat app: widgets, sittings, co-browse."""
