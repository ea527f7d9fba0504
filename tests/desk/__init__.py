"""The desk's pages: what they show, to whom, and with how many queries."""
