"""The rows that do not change during the demo week: staff, teams, queues, hours, skills, labels, customers, mailboxes.

Called by `demo.seed` with Django set up. Everything is found by its natural key first, so that a second run finds all
of it, makes nothing and overwrites no correction somebody made meanwhile; only the ports of the mail server follow it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher, make_password
from django.db import models
from django.utils.translation import gettext_noop as _

from demo.accounts import ACCOUNTS, HOME_TIME_ZONE, MAILBOX_PASSWORD, MAILBOXES, QUEUES, TEAMS, Account
from demo.cast import CAST, CastMember
from demo.conversation import TAGS
from demo.seed_tools import MACROS, RESPONSES, steps_of
from helpdesk.models import (
    AddressKind,
    AgentSkill,
    BusinessCalendar,
    CannedResponse,
    Customer,
    CustomerAddress,
    CustomField,
    FieldKind,
    IssueType,
    Macro,
    Mailbox,
    Organisation,
    Priority,
    Queue,
    Role,
    SavedView,
    Security,
    Site,
    Skill,
    SkillGroup,
    Status,
    StatusLabel,
    Tag,
    Team,
    TeamMembership,
    TeamRole,
    User,
)
from helpdesk.now import now

MAIL_HOST = "127.0.0.1"
#: A few rounds only: the words are printed on the first page, and ten full hashes would take most of the start's time.
#: Django hashes again in full strength at the first sign-in.
_PASSWORD_ROUNDS = 5_000
_ROLES = {
    "light_agent": Role.LIGHT,
    "lead": Role.AGENT,
    "agent": Role.AGENT,
    "manager": Role.MANAGER,
    "admin": Role.ADMIN,
}
_ICONS = {"Hardware": "screen", "Billing": "file", "Orders and delivery": "truck", "Returns": "box"}
_LANGUAGES = {
    "en": "English", "de": "German", "ar": "Arabic", "fa": "Persian", "zh": "Chinese", "fr": "French", "sv": "Swedish",
    "pl": "Polish", "hi": "Hindi", "no": "Norwegian",
}  # fmt: skip
ISSUE_TYPES = {
    "Hardware": ("Device does not work", "How to use it", "Warranty"),
    "Billing": ("Invoice", "Payment", "Refund"),
    "Orders and delivery": ("Late delivery", "Change of order", "Wrong or damaged goods"),
    "Returns": ("Return", "Exchange"),
}
_LABELS = {
    Status.NEW: (_("New"), _("Received")),
    Status.OPEN: (_("Open"), _("In progress")),
    Status.PENDING: (_("With customer"), _("Waiting for your answer")),
    Status.ON_HOLD: (_("On hold"), _("In progress")),
    Status.SNOOZED: (_("Snoozed"), _("In progress")),
    Status.RESOLVED: (_("Resolved"), _("Answered")),
    Status.CLOSED: (_("Closed"), _("Closed")),
    Status.SPAM: (_("Spam"), _("Closed")),
}
_SIGNATURES = {
    "en": "{agent_name}\n{mailbox_name} · ticket {ticket_number}\nHalden GmbH, Kastanienallee 12, 10435 Berlin",
    "de": "{agent_name}\n{mailbox_name} · Vorgang {ticket_number}\nHalden GmbH, Kastanienallee 12, 10435 Berlin",
}
_ACKNOWLEDGEMENT = (
    "Guten Tag,\n\nIhre Nachricht ist bei uns angekommen. Ihre Vorgangsnummer ist {ticket_number}. Wir antworten werktags "
    "innerhalb von vier Stunden.\n\n{mailbox_name}"
)
_FIELDS: tuple[tuple[str, str, str, str, list[str]], ...] = (
    (CustomField.On.CUSTOMER, "since", "Customer since", FieldKind.NUMBER, []),
    (CustomField.On.CUSTOMER, "invoice_by", "Invoice by", FieldKind.CHOICE, ["mail", "post"]),
    (CustomField.On.TICKET, "order_number", "Order number", FieldKind.TEXT, []),
    (CustomField.On.TICKET, "serial_number", "Serial number", FieldKind.TEXT, []),
)
BLOCKED_ADDRESS = "offers@rank-boost.example"


def seed_house() -> int:
    """Makes what is missing; returns the number of rows made."""
    made = _Made()
    hours = _calendars(made)
    site = made.get(Site, {"name": "Berlin"}, country="DE", calendar=hours)
    teams = {team.name: made.get(Team, {"name": team.name}, site=site) for team in TEAMS}
    queues: dict[str, Queue] = {}
    for team in TEAMS:
        for name in team.queues:
            place = QUEUES.index(name)
            queues[name] = made.get(
                Queue, {"name": name}, team=teams[team.name], calendar=hours, icon=_ICONS[name], position=place
            )
    made.missing(membership for account in ACCOUNTS for membership in _person(account, teams, made))
    _words(made)
    _skills(made)
    _mailboxes(queues, hours, made)
    _customers(made)
    _views(queues, made)
    _tools(made)
    return made.count


def point_mailboxes() -> int:
    """Points the demo mailboxes at the ports the mail server has this time; returns how many were elsewhere."""
    moved = 0
    for box in Mailbox.objects.filter(address__in=[m.address for m in MAILBOXES], imap_host=MAIL_HOST):
        ports = (settings.DEMO_IMAP_PORT, settings.DEMO_SMTP_PORT)
        if (box.imap_port, box.smtp_port) != ports:
            box.imap_port, box.smtp_port = ports
            box.failure_count, box.last_error, box.alerted_at, box.next_poll_at = 0, "", None, None
            box.save(
                update_fields=["imap_port", "smtp_port", "failure_count", "last_error", "alerted_at", "next_poll_at"]
            )
            moved += 1
    return moved


class _Made:
    """Finds or makes rows, and counts those made."""

    def __init__(self) -> None:
        self.count = 0

    def get(self, model: type[models.Model], key: dict[str, Any], **rest: Any) -> Any:
        row, new = model._default_manager.get_or_create(**key, defaults=rest)
        self.count += new
        return row

    def missing(self, rows: Iterable[models.Model]) -> None:
        """Makes several rows in one statement; those that are there (by a unique key) stay as they are."""
        by_model: dict[type[models.Model], list[models.Model]] = {}
        for row in rows:
            by_model.setdefault(type(row), []).append(row)
        for model, several in by_model.items():
            before = model._default_manager.count()
            model._default_manager.bulk_create(several, ignore_conflicts=True)
            self.count += model._default_manager.count() - before


def _person(account: Account, teams: dict[str, Team], made: _Made) -> list[TeamMembership]:
    user = User.objects.filter(email=account.email).first()
    if user is None:
        pages = [("zh-hans" if code == "zh" else code) for code in account.languages]
        user = User(
            email=account.email,
            name=account.name,
            role=_ROLES[account.role],
            language=next(code for code in pages if code in dict(settings.LANGUAGES)),
            time_zone=account.time_zone,
            password=_hashed(account.password),
        )
        user.save()
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        made.count += 2
    return [
        TeamMembership(team=teams[name], user=user, role=TeamRole.LEAD if name in account.leads else TeamRole.MEMBER)
        for name in account.teams
    ]


def _hashed(password: str) -> str:
    hasher = get_hasher()
    if isinstance(hasher, PBKDF2PasswordHasher):
        return hasher.encode(password, hasher.salt(), iterations=_PASSWORD_ROUNDS)
    return make_password(password)


def _calendars(made: _Made) -> BusinessCalendar:
    today = now().date()
    holidays = [
        day.isoformat() for year in (today.year - 1, today.year, today.year + 1) for day in berlin_holidays(year)
    ]
    half_days = {f"{year}-12-{day}": [["09:00", "13:00"]] for year in (today.year, today.year + 1) for day in (24, 31)}
    week: dict[str, list[list[str]]] = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    shared = {"time_zone": HOME_TIME_ZONE, "holidays": holidays, "overrides": half_days}
    made.get(
        BusinessCalendar,
        {"name": "Berlin, Saturdays too"},
        weekly={**week, "sat": [["10:00", "14:00"]]},
        **shared,
    )
    office: BusinessCalendar = made.get(BusinessCalendar, {"name": "Berlin office hours"}, weekly=week, **shared)
    return office


def berlin_holidays(year: int) -> list[date]:
    """The public holidays of Berlin, fixed ones and those that hang on Easter (Gauss's rule in the form of Butcher)."""
    century, rest = divmod(year, 100)
    moon = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (year % 19 + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    easter = date(year, month, day + 1)
    moving = [easter + timedelta(days=n) for n in (-2, 1, 39, 50)]
    fixed = [date(year, m, d) for m, d in ((1, 1), (3, 8), (5, 1), (10, 3), (12, 25), (12, 26))]
    return sorted([*moving, *fixed])


def _words(made: _Made) -> None:
    have = {name.lower() for name in Tag.objects.values_list("name", flat=True)}
    made.missing(Tag(name=name) for name in TAGS if name not in have)
    labelled = set(StatusLabel.objects.filter(is_default=True).values_list("category", flat=True))
    made.missing(
        StatusLabel(category=status, label_agent=agent, label_customer=customer, is_default=True, position=place)
        for place, (status, (agent, customer)) in enumerate(_LABELS.items())
        if status not in labelled
    )
    for parent, children in ISSUE_TYPES.items():
        above = made.get(IssueType, {"name": parent, "parent": None})
        made.missing(IssueType(name=name, parent=above) for name in children)
    made.missing(
        CustomField(on=on, key=key, label=label, kind=kind, choices=choices, position=place)
        for place, (on, key, label, kind, choices) in enumerate(_FIELDS)
    )


def _skills(made: _Made) -> None:
    spoken = made.get(SkillGroup, {"name": "Languages"})
    topics = made.get(SkillGroup, {"name": "Products and topics"})
    made.missing(Skill(group=spoken, name=name, language=code) for code, name in _LANGUAGES.items())
    made.missing(Skill(group=topics, name=name) for name in sorted({s for a in ACCOUNTS for s in a.skills}))
    by_name = {skill.name: skill for skill in Skill.objects.filter(group__in=[spoken, topics])}
    people = {user.email: user for user in User.objects.filter(email__in=[a.email for a in ACCOUNTS])}
    rows = [
        AgentSkill(user=people[account.email], skill=by_name[_LANGUAGES[code]], level=max(5 - place, 3))
        for account in ACCOUNTS
        for place, code in enumerate(account.languages)
    ]
    rows += [
        AgentSkill(user=people[account.email], skill=by_name[name], level=4 if account.role == "agent" else 5)
        for account in ACCOUNTS
        for name in account.skills
    ]
    made.missing(rows)


def _mailboxes(queues: dict[str, Queue], hours: BusinessCalendar, made: _Made) -> None:
    for demo in MAILBOXES:
        made.get(
            Mailbox,
            {"address": demo.address},
            name=demo.name,
            from_name=demo.name,
            queue=queues[demo.queue],
            language=demo.language,
            calendar=hours,
            signature=_SIGNATURES[demo.language],
            imap_host=MAIL_HOST,
            imap_port=settings.DEMO_IMAP_PORT,
            imap_security=Security.PLAIN,
            username=demo.user,
            password=MAILBOX_PASSWORD,
            watch=Mailbox.Watch.IDLE,
            poll_seconds=5,
            after_fetch=Mailbox.AfterFetch.LEAVE,
            import_existing=Mailbox.ImportExisting.EVERYTHING,
            smtp_host=MAIL_HOST,
            smtp_port=settings.DEMO_SMTP_PORT,
            smtp_security=Security.PLAIN,
            auto_acknowledge=demo.language == "de",
            acknowledgement=_ACKNOWLEDGEMENT if demo.language == "de" else "",
        )


def _customers(made: _Made) -> None:
    known = set(
        CustomerAddress.objects.filter(value__in=[m.email for m in CAST] + [BLOCKED_ADDRESS]).values_list(
            "value", flat=True
        )
    )
    fresh = [member for member in CAST if member.email not in known]
    tiers = {"standard": 0, "silver": 1, "gold": 2}
    for person in sorted(fresh, key=lambda p: tiers[p.tier]):
        if person.organisation:
            made.get(
                Organisation, {"name": person.organisation}, domains=[person.email.partition("@")[2]], tier=person.tier
            )
    companies = {o.name: o for o in Organisation.objects.all()} if fresh else {}
    rows = {person.key: _customer(person, companies) for person in fresh}
    Customer.objects.bulk_create(rows.values())
    made.count += len(rows)
    made.missing(address for person in fresh for address in _addresses(person, rows[person.key]))
    if BLOCKED_ADDRESS not in known:
        nuisance = Customer.objects.create(name="Rank Boost", is_blocked=True, created_at=now() - timedelta(days=40))
        CustomerAddress.objects.create(customer=nuisance, value=BLOCKED_ADDRESS, is_primary=True)
        made.count += 2


def _customer(person: CastMember, companies: dict[str, Organisation]) -> Customer:
    return Customer(
        name=person.name,
        organisation=companies.get(person.organisation),
        tier=person.tier,
        language=person.language,
        time_zone=person.time_zone,
        country=person.country,
        fields={"since": person.since, "invoice_by": "mail"},
        created_at=min(datetime(person.since, 3, 1, 9, tzinfo=UTC) + timedelta(days=len(person.key) * 11), now()),
    )


def _addresses(person: CastMember, customer: Customer) -> list[CustomerAddress]:
    mails = [
        CustomerAddress(customer=customer, kind=AddressKind.EMAIL, value=email, is_primary=place == 0)
        for place, email in enumerate((person.email, *person.other_emails))
    ]
    if not person.phone:
        return mails
    number = "+" + "".join(char for char in person.phone if char.isdigit())
    return [*mails, CustomerAddress(customer=customer, kind=AddressKind.PHONE, value=number, is_primary=True)]


def _views(queues: dict[str, Queue], made: _Made) -> None:
    made.get(
        SavedView,
        {"owner": None, "name": "Urgent"},
        filters={"statuses": ["new", "open"], "priority": Priority.URGENT.value},
        position=0,
    )
    made.get(
        SavedView,
        {"owner": None, "name": "Charging trouble"},
        filters={"statuses": ["new", "open", "pending", "snoozed"], "tag": "charging", "queue": queues["Hardware"].pk},
        position=1,
    )


def _tools(made: _Made) -> None:
    for shortcut, language, folder, name, text in RESPONSES:
        key = {"shortcut": shortcut, "language": language, "team": None, "owner": None}
        made.get(CannedResponse, key, name=name, folder=folder, text=text)
    for folder, name, steps in MACROS:
        made.get(Macro, {"name": name, "team": None, "owner": None}, folder=folder, steps=steps_of(steps))
