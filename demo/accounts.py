"""Who works at Halden, the demo company: teams, queues, mailboxes and staff accounts with their printed passwords.

Read by `seed_demo` (which creates the users), by the launcher (which prints the accounts), by the demo mail server
(which needs the mailboxes) and by browser tests. The passwords are public on purpose: they open a demo on loopback.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["light_agent", "agent", "lead", "manager", "admin"]

DOMAIN = "halden.example"
COMPANY = "Halden"
#: What the demo's receiving mail server calls itself in Authentication-Results (RFC 8601).
AUTHSERV_ID = f"demo.{DOMAIN}"
HOME_TIME_ZONE = "Europe/Berlin"
MAILBOX_PASSWORD = "demo"  # noqa: S105 - the printed password of a server that listens on loopback only


@dataclass(frozen=True)
class DemoTeam:
    """A team and the queues it works; queue names are those of `demo.week`."""

    name: str
    queues: tuple[str, ...]


@dataclass(frozen=True)
class DemoMailbox:
    """An address of the helpdesk that the demo mail server offers over IMAP; `user` logs in with MAILBOX_PASSWORD."""

    address: str
    name: str
    queue: str
    language: str

    @property
    def user(self) -> str:
        return self.address


@dataclass(frozen=True)
class Account:
    """One member of staff. `languages` are BCP 47 codes, best first; `skills` are names of skills of the demo."""

    email: str
    password: str
    name: str
    role: Role
    languages: tuple[str, ...]
    teams: tuple[str, ...]
    leads: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    time_zone: str = HOME_TIME_ZONE

    @property
    def first_name(self) -> str:
        return self.name.split()[0]


QUEUES: tuple[str, ...] = ("Hardware", "Billing", "Orders and delivery", "Returns")

TEAMS: list[DemoTeam] = [
    DemoTeam("Hardware desk", ("Hardware",)),
    DemoTeam("Billing desk", ("Billing",)),
    DemoTeam("Orders desk", ("Orders and delivery", "Returns")),
]

MAILBOXES: list[DemoMailbox] = [
    DemoMailbox(f"support@{DOMAIN}", "Halden Support", "Hardware", "en"),
    DemoMailbox(f"billing@{DOMAIN}", "Halden Billing", "Billing", "en"),
    DemoMailbox(f"hilfe@{DOMAIN}", "Halden Hilfe", "Orders and delivery", "de"),
]

ACCOUNTS: list[Account] = [
    Account(
        f"sara.lindqvist@{DOMAIN}",
        "demo-agent-7",
        "Sara Lindqvist",
        "agent",
        ("en", "sv", "de"),
        ("Hardware desk", "Orders desk"),
        skills=("docks", "laptops"),
    ),
    Account(
        f"youssef.haddad@{DOMAIN}",
        "demo-agent-8",
        "Youssef Haddad",
        "agent",
        ("ar", "fr", "en"),
        ("Hardware desk",),
        skills=("docks", "earphones"),
    ),
    Account(
        f"shirin.azadi@{DOMAIN}",
        "demo-agent-9",
        "Shirin Azadi",
        "agent",
        ("fa", "en"),
        ("Orders desk", "Hardware desk"),
        skills=("delivery", "returns"),
    ),
    Account(
        f"meiling.zhou@{DOMAIN}",
        "demo-agent-10",
        "Mei-Ling Zhou",
        "agent",
        ("zh", "en"),
        ("Billing desk", "Orders desk", "Hardware desk"),
        skills=("invoices", "delivery"),
    ),
    Account(
        f"tomasz.wrona@{DOMAIN}",
        "demo-agent-11",
        "Tomasz Wrona",
        "agent",
        ("pl", "de", "en"),
        ("Billing desk",),
        skills=("invoices", "payments"),
    ),
    Account(
        f"amal.nasser@{DOMAIN}",
        "demo-agent-12",
        "Amal Nasser",
        "agent",
        ("ar", "en"),
        ("Orders desk", "Billing desk"),
        skills=("delivery", "invoices"),
    ),
    Account(
        f"priya.nair@{DOMAIN}",
        "demo-lead-4",
        "Priya Nair",
        "lead",
        ("en", "hi"),
        ("Hardware desk", "Orders desk"),
        leads=("Hardware desk",),
        skills=("docks", "laptops", "returns"),
    ),
    Account(
        f"lena.brandt@{DOMAIN}",
        "demo-light-3",
        "Lena Brandt",
        "light_agent",
        ("de", "en"),
        ("Hardware desk",),
        skills=("firmware",),
    ),
    Account(
        f"farid.mansouri@{DOMAIN}",
        "demo-manager-2",
        "Farid Mansouri",
        "manager",
        ("en", "fa", "ar"),
        ("Hardware desk", "Billing desk", "Orders desk"),
        leads=("Billing desk", "Orders desk"),
    ),
    Account(
        f"ingrid.solberg@{DOMAIN}",
        "demo-admin-1",
        "Ingrid Solberg",
        "admin",
        ("en", "no"),
        ("Hardware desk", "Billing desk", "Orders desk"),
    ),
]


def account_named(name: str) -> Account:
    """The account whose full or first name is `name`. Raises KeyError when nobody at Halden is called so."""
    for account in ACCOUNTS:
        if name in (account.name, account.first_name):
            return account
    raise KeyError(name)
