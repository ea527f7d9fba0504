"""Figures for Prometheus, read from the rows when asked: any web process tells the same truth. No personal data in labels."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min, Q
from django_q.models import OrmQ
from prometheus_client import CollectorRegistry, Metric, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily

from helpdesk.models import Mailbox, OutgoingMail, RawMail
from helpdesk.now import now


class Figures:
    """A collector over our own rows."""

    @classmethod
    def registry(cls) -> CollectorRegistry:
        """A fresh registry per request, so that nothing is counted twice."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(cls())
        return registry

    def collect(self) -> Iterator[Metric]:
        """One query per family."""
        yield from self._mail_in()
        yield from self._outbox()
        yield from self._jobs()

    def _mail_in(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "helpdesk_mailbox_last_success_seconds", "Seconds since the last success", labels=["mailbox"]
        )
        failures = GaugeMetricFamily("helpdesk_mailbox_failures", "Failures in a row", labels=["mailbox"])
        for box in Mailbox.objects.filter(is_active=True).exclude(imap_host=""):
            seconds = (now() - box.last_success_at).total_seconds() if box.last_success_at else float("nan")
            age.add_metric([box.name], seconds)
            failures.add_metric([box.name], box.failure_count)
        yield age
        yield failures
        pending = RawMail.objects.filter(state=RawMail.State.PENDING).aggregate(
            count=Count("pk"), oldest=Min("received_at")
        )
        yield GaugeMetricFamily("helpdesk_mail_in_pending", "Stored mails not yet parsed", value=pending["count"])
        lag = (now() - pending["oldest"]).total_seconds() if pending["oldest"] else 0.0
        yield GaugeMetricFamily(
            "helpdesk_mail_in_lag_seconds", "Age of the oldest stored mail not yet parsed", value=lag
        )
        quarantined = RawMail.objects.filter(state=RawMail.State.QUARANTINED).count()
        yield GaugeMetricFamily(
            "helpdesk_mail_quarantined", "Mails in quarantine, oversized ones included", value=quarantined
        )

    def _outbox(self) -> Iterator[Metric]:
        states = OutgoingMail.State
        waiting = Q(state__in=[states.QUEUED, states.LEASED, states.DEFERRED, states.UNCERTAIN])
        row = OutgoingMail.objects.aggregate(
            pending=Count("pk", filter=waiting),
            oldest=Min("due_at", filter=waiting),
            dead=Count("pk", filter=Q(state=states.DEAD)),
            held=Count("pk", filter=Q(state=states.HELD)),
            uncertain=Count("pk", filter=Q(state=states.UNCERTAIN)),
        )
        oldest = max(0.0, (now() - row["oldest"]).total_seconds()) if row["oldest"] else 0.0
        yield GaugeMetricFamily("helpdesk_outbox_oldest_seconds", "How long the oldest mail is overdue", value=oldest)
        for name in ("pending", "dead", "held", "uncertain"):
            yield GaugeMetricFamily(f"helpdesk_outbox_{name}", f"Outgoing mail: {name}", value=row[name])

    def _jobs(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("helpdesk_jobs_pending", "Jobs waiting for a worker", value=OrmQ.objects.count())
