"""Reads of routing. Nothing here writes."""
