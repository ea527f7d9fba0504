"""The surveys app: questions, invitations, answers, incentives."""
