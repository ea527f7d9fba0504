"""The escalation app: service level clocks and the escalation matrix."""
