"""What a contact asks for: rules turn what is known of it into skills, priority and queue, and say why.

A rule's `when` names facts (answer, field, tag, page, language, country, history, channel, tier); all of them must hold,
and of several values one is enough. Each demand keeps its provenance: the rule, the evidence, and the source, which ranks

    prechat (what the customer chose) > record (what we know of him) > conversation (what he wrote, its tags and language)
    > page (where he wrote from) > geo (which country that looks like).

A rule with several conditions is as trustworthy as the weakest of its sources. Where two demands contradict each other
(two levels of one skill, two languages, two queues) the higher source wins, and the conflict is kept. Of priorities and
boosts the largest wins: weak evidence of urgency is still urgency. Called when a contact enters a queue, by the dry run
and by the tests. Pure: no Django.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from helpdesk.phrases import Phrase, Refused, gettext_noop
from routing.core import reading
from routing.core.demand_conditions import SOURCES, Facts, Finding, Source, When
from routing.core.geography import language_code, page_language

#: Groups of which a contact needs one skill at most: whoever speaks the language that won need not speak the other.
EXCLUSIVE = ("lang",)

Kind = Literal["skill", "queue", "priority", "boost"]


@dataclass(frozen=True, slots=True)
class Because:
    """One demand and where it comes from: `name` is the skill's path (else ""), `value` its level, or key, or seconds."""

    kind: Kind
    name: str
    value: float
    source: Source
    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two demands that contradict each other; the winner holds."""

    winner: Because
    loser: Because


@dataclass(frozen=True, slots=True)
class Demanded:
    """What a contact asks for. `boost` is seconds ahead in the order; `priority` 1..4 as on tickets, None: not asked.

    `unknown` are demands for skills or queues the house does not have: left out, so that the contact is not lost, and to
    be reported to whoever keeps the rules.
    """

    skills: Mapping[str, int] = field(default_factory=dict)
    queue: int | None = None
    priority: int | None = None
    boost: float = 0.0
    because: tuple[Because, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    unknown: tuple[Because, ...] = ()

    def tree(self) -> dict[str, Any]:
        """The skills as a requirement tree for `routing.core.needs.parse`; all of them are needed."""
        return {"all": [{"skill": path, "level": level} for path, level in sorted(self.skills.items())]}


@dataclass(frozen=True, slots=True)
class Rule:
    """When these facts hold, the contact needs these skills, this queue, this priority, this boost (seconds)."""

    name: str
    when: When
    skills: Mapping[str, int] = field(default_factory=dict)
    queue: int | None = None
    priority: int | None = None
    boost: float = 0.0

    @classmethod
    def from_dict(cls, data: object) -> Rule:
        """The rule of its plain form; ValueError with a sentence for what cannot be used.

        `{"name": "Bills", "when": {"answer": {"topic": ["bill", "refund"]}}, "skills": {"billing": 2}, "queue": 3,
        "priority": 3, "boost": 60}`. `skills` may be a list of paths (level 1). A rule has to ask for something.
        """
        row = reading.mapping(data, "A demand rule", ("name", "when", "skills", "queue", "priority", "boost"))
        name = reading.text(row.get("name"), "The name of a demand rule")
        where = Phrase(gettext_noop("the rule %(name)s"), name=f"{name!r}")
        rule = cls(
            name=name,
            when=When.from_dict(row.get("when"), where),
            skills=reading.levels(
                row.get("skills") or {}, Phrase(gettext_noop("The skills of %(where)s"), where=where)
            ),
            queue=_whole_or_none(
                row.get("queue"), Phrase(gettext_noop("The queue of %(where)s"), where=where), 1, None
            ),
            priority=_whole_or_none(
                row.get("priority"), Phrase(gettext_noop("The priority of %(where)s"), where=where), 1, 4
            ),
            boost=reading.seconds(row.get("boost", 0), Phrase(gettext_noop("The boost of %(where)s"), where=where)),
        )
        if not rule.skills and rule.queue is None and rule.priority is None and not rule.boost:
            raise Refused(
                gettext_noop("The rule %(name)s asks for nothing: give it skills, a queue, a priority or a boost."),
                name=f"{name!r}",
            )
        return rule

    def to_dict(self) -> dict[str, Any]:
        """The plain form, ready for JSON; `from_dict` reads it back to an equal rule."""
        rest = {"skills": dict(self.skills), "queue": self.queue, "priority": self.priority, "boost": self.boost}
        return {"name": self.name, "when": self.when.to_dict()} | {key: value for key, value in rest.items() if value}


@dataclass(frozen=True, slots=True)
class DemandRules:
    """The rules of a house. With `language_level`, whatever language a contact is found to be in is needed as lang/<code>.

    The language is the one chosen, else the record's, the conversation's, the page's; countries name none by themselves,
    since many speak several: write a rule for those that do. `language_group` is the group the languages stand in.
    """

    rules: tuple[Rule, ...] = ()
    language_level: int | None = None
    language_group: str = "lang"

    @classmethod
    def from_dict(cls, data: object) -> DemandRules:
        """`{"rules": [rule, …], "language_level": 2, "language_group": "lang"}`; ValueError with a sentence."""
        row = reading.mapping(data, "The demand rules", ("rules", "language_level", "language_group"))
        rules = tuple(Rule.from_dict(rule) for rule in reading.rows(row.get("rules"), "rules"))
        seen: set[str] = set()
        for rule in rules:
            if rule.name in seen:
                raise Refused(
                    gettext_noop("Two demand rules are called %(name)s: rename one, reasons quote the name."),
                    name=f"{rule.name!r}",
                )
            seen.add(rule.name)
        level = _whole_or_none(row.get("language_level"), "language_level", 1, 5)
        group = reading.text(row.get("language_group", "lang"), "language_group")
        return cls(rules, level, reading.skill_path(group, "language_group"))

    def to_dict(self) -> dict[str, Any]:
        """The plain form, ready for JSON."""
        plain: dict[str, Any] = {"rules": [rule.to_dict() for rule in self.rules]}
        if self.language_level is not None:
            plain["language_level"] = self.language_level
        return plain | ({"language_group": self.language_group} if self.language_group != "lang" else {})


def demand_of(
    facts: Facts,
    rules: DemandRules,
    *,
    known_skills: Collection[str] | None = None,
    known_queues: Collection[int] | None = None,
) -> Demanded:
    """What the contact asks for, by all rules that hold.

    `known_skills` are the paths the house has (a parent of one counts as known), `known_queues` the keys of its active
    queues; None: everything is taken as known. A language that the house has no skill for is no demand, but is named
    in `unknown`, unless it was only guessed from a page.
    """
    asked = [because for rule in rules.rules for because in _asked_by(rule, facts)]
    asked += _language(facts, rules)
    known: list[Because] = []
    unknown: list[Because] = []
    for because in asked:
        if _is_known(because, known_skills, known_queues):
            known.append(because)
        elif because.rule or because.source != "page":
            unknown.append(because)
    exclusive = tuple(dict.fromkeys((*EXCLUSIVE, rules.language_group)))
    return _settled(known, tuple(unknown), exclusive)


def _asked_by(rule: Rule, facts: Facts) -> Iterable[Because]:
    found = rule.when.holds(facts)
    if found is None:
        return
    source, evidence = _weakest(found), "; ".join(finding.evidence for finding in found)
    for path, level in rule.skills.items():
        yield Because("skill", path, level, source, rule.name, evidence)
    if rule.queue is not None:
        yield Because("queue", "", rule.queue, source, rule.name, evidence)
    if rule.priority is not None:
        yield Because("priority", "", rule.priority, source, rule.name, evidence)
    if rule.boost:
        yield Because("boost", "", rule.boost, source, rule.name, evidence)


def _weakest(found: tuple[Finding, ...]) -> Source:
    """The lowest source; a channel is certain, so it weakens nothing, and alone counts as the conversation's."""
    ranks = [SOURCES.index(finding.source) for finding in found if finding.source is not None]
    return SOURCES[max(ranks)] if ranks else "conversation"


def _language(facts: Facts, rules: DemandRules) -> Iterable[Because]:
    if rules.language_level is None:
        return
    evidence: tuple[tuple[Source, str], ...] = (
        ("prechat", facts.language_chosen),
        ("record", facts.language_record),
        ("conversation", facts.language_detected),
        ("page", page_language(facts.page, facts.page_lang)),
    )
    for source, tag in evidence:
        code = language_code(tag)
        if code:
            path = f"{rules.language_group}/{code}"
            yield Because(
                "skill", path, rules.language_level, source, "", tag if source != "page" else facts.page or tag
            )


def _is_known(because: Because, skills: Collection[str] | None, queues: Collection[int] | None) -> bool:
    if because.kind == "skill" and skills is not None:
        return because.name in skills or any(path.startswith(because.name + "/") for path in skills)
    if because.kind == "queue" and queues is not None:
        return because.value in queues
    return True


def _settled(asked: list[Because], unknown: tuple[Because, ...], exclusive: tuple[str, ...]) -> Demanded:
    """One winner per slot; a loser that says the same as the winner is agreement, not conflict."""
    slots: dict[tuple[str, str], list[Because]] = {}
    for because in asked:
        slots.setdefault((because.kind, _slot(because, exclusive)), []).append(because)
    held: list[Because] = []
    conflicts: list[Conflict] = []
    for rivals in slots.values():
        winner = min(rivals, key=_order)
        for rival in rivals:
            if (rival.name, rival.value) == (winner.name, winner.value):
                held.append(rival)
            else:
                conflicts.append(Conflict(winner, rival))
    queue = next((int(b.value) for b in held if b.kind == "queue"), None)
    priority = next((int(b.value) for b in held if b.kind == "priority"), None)
    return Demanded(
        skills={b.name: int(b.value) for b in held if b.kind == "skill"},
        queue=queue,
        priority=priority,
        boost=next((b.value for b in held if b.kind == "boost"), 0.0),
        because=tuple(held),
        conflicts=tuple(conflicts),
        unknown=unknown,
    )


def _slot(because: Because, exclusive: tuple[str, ...]) -> str:
    """What demands compete for: a skill, or in an exclusive group the group."""
    return next((group for group in exclusive if because.name.startswith(group + "/")), because.name)


def _order(because: Because) -> tuple[float, ...]:
    """Smallest wins; ties go to the rule written first, as `min` keeps it."""
    rank = SOURCES.index(because.source)
    if because.kind in ("priority", "boost"):
        return (-because.value, rank)
    return (rank, -because.value) if because.kind == "skill" else (rank,)


def _whole_or_none(value: object, where: str, least: int, most: int | None) -> int | None:
    return None if value is None else reading.whole(value, where, least=least, most=most)
