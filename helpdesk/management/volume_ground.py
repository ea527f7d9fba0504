"""What benchmark tickets stand on: teams, queues, people who own, customers who write. Called by helpdesk.management.volume.

Queues, tags and agents that are there (the demo's) are used; what is missing to a house of twelve queues and six teams
is made. Customers are made anew by each run, by COPY.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from django.db import connection, transaction

from helpdesk.management.volume_words import LANGUAGES, Words
from helpdesk.models import Mailbox, Organisation, Queue, Role, Tag, Team, TeamMembership, User
from helpdesk.now import now

_TEAMS, _QUEUES, _PEOPLE_PER_TEAM = 6, 12, 6
_CUSTOMERS_AT_MOST = 50_000
_NAMES_KEPT = 997
_NEW_QUEUES = (
    "Accounts", "Complaints", "Education", "Partners", "Press", "Repairs", "Safety", "Spare parts", "Subscriptions",
    "Trade", "Warranty", "Web shop",
)  # fmt: skip
_NEW_TAGS = ("late", "battery life", "refund asked", "second time", "thanks", "needs part", "firmware 2", "vip lane")


@dataclass(frozen=True)
class QueueFacts:
    """A queue with who may own its tickets (keys of users) and where its mail comes in."""

    key: int
    people: list[int]
    mailbox: int | None
    address: str


@dataclass(frozen=True)
class Ground:
    """Everything a ticket can point at. Customers have consecutive keys; their languages and names follow from them."""

    queues: list[QueueFacts]
    weights: list[float]
    tags: list[int]
    first_customer: int
    customers: int
    names: list[str]

    @staticmethod
    def language_of(customer: int) -> str:
        """A customer's language."""
        return LANGUAGES[customer % len(LANGUAGES)]

    def name_of(self, customer: int) -> str:
        """A customer's name."""
        return self.names[customer % len(self.names)]

    @staticmethod
    def address_of(customer: int) -> str:
        """A customer's mail address."""
        return f"c{customer}@customer{customer % 500}.example"


def make_ground(tickets: int, words: Words) -> Ground:
    """Makes what is missing and returns what there is."""
    with transaction.atomic():
        queues = _queues(words)
        for name in _NEW_TAGS:
            if not Tag.objects.filter(name__iexact=name).exists():
                Tag.objects.create(name=name)
        for start in range(20):
            Organisation.objects.get_or_create(
                name=f"Volume {start + 1}", defaults={"domains": [f"customer{start}.example"]}
            )
        count = min(_CUSTOMERS_AT_MOST, max(20, tickets // 5))
        names = [words.name(LANGUAGES[n % len(LANGUAGES)]) for n in range(_NAMES_KEPT - _NAMES_KEPT % len(LANGUAGES))]
        first = _customers(count, names, words.rng)
    weights = [1 / (place + 1.5) for place in range(len(queues))]
    return Ground(queues, weights, list(Tag.objects.values_list("pk", flat=True)), first, count, names)


def _queues(words: Words) -> list[QueueFacts]:
    teams = list(Team.objects.order_by("pk"))
    teams += [Team.objects.create(name=f"Volume team {n + 1}") for n in range(_TEAMS - len(teams))]
    taken = set(Queue.objects.values_list("name", flat=True))
    missing = _QUEUES - Queue.objects.filter(is_active=True).count()
    fresh = [name for name in _NEW_QUEUES if name not in taken][: max(missing, 0)]
    bare = [team for team in teams if not team.queues.exists()] or teams
    for place, name in enumerate(fresh):
        Queue.objects.create(name=name, team=bare[place % len(bare)], position=10 + place)
    people = {team.pk: _people(team, words) for team in teams}
    boxes = {box.queue_id: box for box in Mailbox.objects.order_by("-pk")}
    some = next(iter(boxes.values()), None)
    facts = []
    for queue in Queue.objects.filter(is_active=True).order_by("position", "pk"):
        box = boxes.get(queue.pk, some)
        owners = people.setdefault(queue.team_id, [])
        facts.append(
            QueueFacts(queue.pk, owners, box.pk if box else None, box.address if box else "support@volume.example")
        )
    return facts


def _people(team: Team, words: Words) -> list[int]:
    """Those who may own tickets of the team; agents without a password are added until there are a few."""
    found = list(
        team.memberships.filter(user__is_active=True).exclude(user__role=Role.LIGHT).values_list("user_id", flat=True)
    )
    for place in range(len(found), _PEOPLE_PER_TEAM):
        email = f"agent{place + 1}.team{team.pk}@volume.example"
        user = User.objects.filter(email=email).first()
        if user is None:
            user = User(email=email, name=words.name("en"), role=Role.AGENT)
            user.set_unusable_password()
            user.save()
        TeamMembership.objects.get_or_create(team=team, user=user)
        found.append(user.pk)
    return found


def _customers(count: int, names: list[str], rng: random.Random) -> int:
    """Makes customers with one address each; returns the first key."""
    organisations = list(Organisation.objects.filter(name__startswith="Volume ").values_list("pk", flat=True))
    at = now().isoformat()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('helpdesk_customer', 'id'))")
        first: int = cursor.fetchone()[0]
        cursor.execute("SELECT setval(pg_get_serial_sequence('helpdesk_customer', 'id'), %s)", [first + count])
        columns = (
            "id, public_id, name, tier, language, time_zone, country, fields, notes, is_blocked, created_at, "
            "organisation_id"
        )
        with cursor.copy(f"COPY helpdesk_customer ({columns}) FROM STDIN") as copy:
            for key in range(first, first + count):
                organisation = rng.choice(organisations) if rng.random() < 0.1 else "\\N"
                tier = rng.choices(("standard", "silver", "gold"), (80, 15, 5))[0]
                copy.write(
                    f"{key}\t{rng.getrandbits(128):032x}\t{names[key % len(names)]}\t{tier}\t{Ground.language_of(key)}\tUTC\t\t"
                    f"{{}}\t\tf\t{at}\t{organisation}\n".encode()
                )
        with cursor.copy(
            "COPY helpdesk_customeraddress (customer_id, kind, value, is_primary, bounce_status) FROM STDIN"
        ) as copy:
            for key in range(first, first + count):
                copy.write(f"{key}\temail\t{Ground.address_of(key)}\tt\t\n".encode())
    return first
