"""The demo company Halden: its staff, its customers, a week of its mail, and a mail server to try the helpdesk with.

Nothing here runs in production and nothing in the helpdesk imports it at module level: `seed_demo` reads the data,
`make run` starts `python -m demo.mailserver`. No module of this package imports Django.
"""
