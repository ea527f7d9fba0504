"""Pages of routing, and the pieces of it that the desk's pages fetch."""
