"""The routing engine's app: plans, work items, offers, assignments, agent states and shifts will stand here."""
