"""Reads across tables for the pages: the inbox, one ticket, the people around it. Called by helpdesk.views."""
