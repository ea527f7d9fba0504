"""The demo company Halden: its staff, its customers, a week of its mail, and a mail server to try the helpdesk with.

Nothing here runs in production and nothing in the helpdesk imports it at module level: `seed_demo` calls `demo.seed`,
`make run` starts `python -m demo.mailserver`. The `seed*` modules alone import Django.
"""
