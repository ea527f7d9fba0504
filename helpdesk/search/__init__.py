"""Search as a craft, pure: folding, words, the language of the search box, the literals PostgreSQL reads, marks in texts."""
