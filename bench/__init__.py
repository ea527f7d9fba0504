"""Benches: one script per figure that the README quotes, run by `make bench`. Modules beginning with _ serve the others."""
