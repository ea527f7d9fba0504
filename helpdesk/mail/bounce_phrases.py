"""What a server's refusal means: phrases -> RFC 3463 status and hard or soft. Used by `bounce.py`.

Hard ("permanent") means that the ADDRESS is dead: no such user, no such host, moved away, takes no mail at all.
Everything that is wrong with this one message, with us or with the hour (full, blocked, spam, policy, expired, too
big) is soft, whatever digit the server put in front. Servers give 5.1.1 for full mailboxes and 5.0.0 for unknown
users, so the words are heard before the number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from helpdesk.mail.bounce_dsn import find_status


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status`: RFC 3463 code, the reported one if specific, else the one the words stand for; `known`: words said
    it."""

    status: str
    permanent: bool
    known: bool


@dataclass(frozen=True, slots=True)
class _Cause:
    detail: str  # subject.detail of RFC 3463
    permanent: bool
    words: re.Pattern[str]
    transient: bool = False  # its class is 4 unless the server says 5
    weak: bool = False  # a bare refusal: a code among the words that blames the address is believed instead


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_SMTP_CODE = re.compile(r"(?<![\d.:\[-])([45][0-5]\d)(?=[\s\-#:;,.)\]<]|$)(?!\.\d)")
_NOISE = re.compile(r"https?://\S+|<[^<>\s]{1,200}>|\bin reply to (?:end of )?(?:RCPT TO|DATA) command", re.IGNORECASE)

# Order is meaning: an earlier row wins. Refusals of the sender stand before those of the recipient, because they name
# "address" and "domain" too.
_CAUSES: tuple[_Cause, ...] = (
    _Cause(  # the sender's own address or domain is refused
        "1.8",
        False,
        _any(
            r"sender (?:e-?mail )?(?:address|domain|verif\w+|id|is|denied|rejected|not|unknown|invalid|does)",
            r"domain of sender",
            r"(?:invalid|unknown|bad|unresolvable|unverified) (?:sender|return|from|envelope)",
            r"verif(?:y|ication) .{0,20}sender",
            r"(?:mail|e-?mail|message)s? from .{0,80}(?:rejected|not (?:allowed|accepted|permitted)|denied|refused)",
            r"from address .{0,40}(?:invalid|not|rejected|does)",
            r"return(?:-| )path",
            r"(?:after|in reply to|response to) mail from\b",
            r"backscatter|bounce (?:message )?not allowed|null sender",
        ),
    ),
    _Cause(
        "7.26",
        False,
        _any(
            r"\b(?:spf|dkim|dmarc|sender ?id|domainkeys)\b",
            r"not (?:pass|authenticat)\w* .{0,40}authenticat",
            r"unauthenticated (?:e-?mail|mail|sender|messages?)",
            r"authentication (?:checks?|requirements?|results?|failure|information)",
        ),
    ),
    _Cause(
        "7.25",
        False,
        _any(
            r"\b(?:ptr|rdns|fcrdns)\b",
            r"reverse[- ](?:dns|lookup|hostname|address|name|mapping|resolution|map)",
            r"(?:cannot|can't|could not|unable to) (?:find|resolve) your (?:reverse )?(?:host|ip)",
            r"(?:client|sending|your) (?:ip|host|server|address).{0,60}(?:does not resolve|no (?:dns"
            r"|reverse|name|matching)|hostname)",
            r"(?:hostname|host name|name) .{0,30}does not match .{0,20}(?:ip|address)",
            r"\b(?:helo|ehlo)\b.{0,40}(?:reject|invalid|denied|refus|fqdn|resolv|not (?:a|an|allowed|found)|syntax)",
        ),
    ),
    _Cause(
        "7.0",
        False,
        _any(
            r"\bvirus", r"malware", r"infected", r"trojan", r"phish", r"executable|attachment (?:type|name|extension)"
        ),
    ),
    _Cause(
        "2.2",
        False,
        _any(
            r"(?:mail ?box|mail folder|inbox|account|mail ?drop|postbox|maildir|user'?s?) .{0,30}\bfull\b",
            r"(?:over|exceed\w*|out of|above|beyond|not enough|insufficient|no) .{0,30}(?:quota|storage"
            r"|disk|space|allotted)",
            r"quota .{0,30}(?:exceed|full|reached|violat|limit)|quota\b.{0,5}$|\bquota (?:is|has)",
            r"(?:storage|mailbox|disk|space) .{0,40}(?:exceed|limit|not enough|insufficient|too large)",
            r"too much mail|too many messages (?:in|on)|mail ?box (?:would|is too large)|disc? full",
            r"容量|(?:いっぱい|一杯)|已满|空间不足|配额|переполнен"
            r"|voll\b|est plein|pleine\b|llen[oa]\b|cheia\b|pien[oa]\b"
            r"|przepełnion|dolu\b|ممتلئ|پر است",
        ),
    ),
    _Cause(
        "3.4",
        False,
        _any(
            r"(?:message|mail|content|letter|header|attachment|size) .{0,40}too (?:big|large)|(?:header"
            r"|line)s? .{0,20}too long",
            r"(?:message|mail|maximum|max|content) ?(?:file )?size.{0,40}(?:exceed|limit|over|too)",
            r"exceed\w* .{0,40}(?:message size|size limit|maximum .{0,20}size|fixed limit)",
            r"too (?:big|large) (?:message|mail|for)|大きすぎ|太大|zu gro(?:ß|ss)|слишком больш",
        ),
    ),
    _Cause(
        "1.6",
        True,
        _any(
            r"\b(?:has|have) moved\b|mailbox (?:has )?moved|moved to (?:a )?new|user (?:has )?moved",
            r"no longer (?:on (?:this )?server|with us|works?|employed|in use|valid|used|available at)",
            r"address (?:has been |has |was )?changed|new (?:e-?mail )?address is",
        ),
    ),
    _Cause(  # a group may be closed to us rather than gone
        "7.1",
        False,
        _any(r"\bgoogle[- ](?:groups?|gruppe)|may not exist,? or|not .{0,20}permission to (?:post|send)"),
    ),
    _Cause(
        "4.3",
        False,
        _any(r"host not found, try again|name server (?:temporary|timeout)|dns .{0,20}(?:temporary|timed? ?out)"),
        transient=True,
    ),
    _Cause(  # the whole domain takes no mail
        "1.10",
        True,
        _any(
            r"null ?mx|(?:host|domain|server|machine|system) (?:does not|doesn't|never) (?:accept|receive"
            r"|handle)s? (?:any )?(?:e-?)?mail",
            r"no mail (?:service|server) (?:here|at)|not accepting (?:any )?mail\b(?! from)"
            r"|smtp service .{0,10}not available here",
        ),
    ),
    _Cause(  # the user is unknown
        "1.1",
        True,
        _any(
            r"(?:no such|unknown|invalid|non-?existent|nonexistant|bad|undefined|unrecogni[sz]ed|illegal"
            r"|unresolvable|incorrect) "
            r"(?:local |virtual |mail ?box |e-?mail |recipient |user |destination )?(?:user|recipient"
            r"|mail ?box|account|address|mailing list|alias|local[- ]part|person|name)",
            r"(?:user|recipient|mail ?box|account|address|alias|addressee|login"
            r"|customer)[\w'@. <>()\"/:-]{0,80}?(?:is |was )?"
            r"(?:unknown|does(?:n'?t| not) (?:\w+ )?(?:exist|match)|not (?:be )?(?:found|exist|known|listed"
            r"|recogni[sz]ed|valid|a valid|local|registered|an? known|present)|"
            r"is (?:not )?(?:in)?valid|couldn'?t be found|could not be found|no longer exist"
            r"|not in (?:directory|our|the)|non-?existent|unrecogni[sz]ed)",
            r"(?:no|not a|isn'?t an?) (?:valid |local )?(?:user|mailbox|recipient|account|address"
            r"|mail ?drop)s? (?:here|by that|named|with|found|on|in|at|for|by this)",
            r"not (?:our|a) (?:valid )?(?:customer|user|recipient)\b|this user doesn'?t have"
            r"|no valid recipients?|no mailbox\b|no recipients? (?:found|matching)",
            r"(?:unroute?able|undeliverable|unknown local) (?:address|recipient|user|part)"
            r"|unknown[- ](?:or illegal )?(?:alias|user|recipient)|user[- ]?unknown",
            r"recipient address(?:es)? rejected: access denied"
            r"|requested action not taken: mailbox (?:name )?(?:unavailable|not)",
            r"recipient name is not recogni[sz]ed|not listed in|user doesn'?t exist|can'?t find (?:user|recipient)",
            r"unable to (?:find|locate|validate) (?:the )?(?:recipient|user|mailbox|address)|no matches to"
            r"|no matching (?:user|recipient)",
            r"address(?:es)? (?:couldn'?t|wasn'?t|not|could not) (?:be )?(?:found|exist)|no such (?:person"
            r"|alias|list|address|recipient)|not a known user",
            r"recipient (?:not|unknown|invalid)|all recipients? (?:were |are )?(?:invalid|rejected: user)"
            r"|(?:550|551|553) (?:invalid|unknown)\b",
            r"存在しない|存在しません|見つかりません|宛先不明|ユーザ.{0,20}ありません"
            r"|不存在|未找到|無此|无此|查無|нет такого|не существует|не найден"
            r"|неизвестн",
            r"unbekannt|existiert nicht|nicht (?:gefunden|bekannt|vorhanden)|n'existe pas|introuvable"
            r"|inconnu|no existe|desconocid|não existe|non esiste|inesistente|sconosciut|bestaat niet"
            r"|onbekend|nie istnieje|neexistuje|bulunamadı|finns inte|findes ikke|finnes ikke",
            r"غير (?:موجود|معروف)|لا يوجد|وجود ندارد|یافت نشد|찾을 수 없|존재하지",
        ),
    ),
    _Cause(
        "1.2",
        True,
        _any(
            r"(?:host|domain|system|server)(?:name| name)?[\w'@. <>()\"/:-]{0,60}?(?:unknown|not found"
            r"|does(?:n'?t| not) exist|couldn'?t be found|could not be found|not known|non-?existent)",
            r"(?:unknown|no such|invalid|bad|illegal|non-?existent"
            r"|unrout(?:e)?able) (?:destination )?(?:mail )?(?:host|domain|system)",
            r"couldn'?t find (?:any host|a mail exchanger)|name or service not known|nxdomain"
            r"|domain (?:isn'?t|is not) (?:valid|registered)",
            r"(?:no|cannot find|can'?t find|unable to (?:find|resolve|look ?up)) .{0,20}(?:mx|a|dns"
            r"|mail exchanger?)[ /]?(?:or a )?(?:records?|hosts?)?\b.{0,30}(?:for|of|domain|host|found)",
            r"dns (?:name|domain|lookup).{0,40}(?:not exist|fail|not found|error)|nameserver error"
            r"|name server: .{0,40}host not found",
        ),
    ),
    _Cause(
        "2.1",
        False,
        _any(
            r"(?:mail ?box|account|user|recipient|address|domain)[\w'@. <>()\"/:-]{0,60}?(?:disabled"
            r"|suspended|inactive|deactivated|locked|closed|frozen|expired|not active|unavailable|over ?due"
            r"|not accepting)",
            r"(?:disabled|suspended|inactive|deactivated|locked|frozen|dormant) (?:mail ?box|account|user|recipient)",
            r"停止|заблокирован|deaktiviert|désactivé|desactivad|gesperrt",
        ),
    ),
    _Cause(
        "7.1",
        False,
        _any(
            r"relay(?:ing)?\b.{0,30}(?:denied|prohibit|not (?:allowed|permitted)|access|rejected|disallow|refus)",
            r"(?:not (?:allowed|permitted)|unable|refus\w+|denied|cannot|can'?t|do(?:es)? not"
            r"|won'?t) (?:to )?relay|open relay|rcpthosts|not a gateway|must authenticate"
            r"|authentication (?:is )?required",
        ),
    ),
    _Cause(
        "7.1",
        False,
        _any(
            r"\bspam|unsolicited|\bbulk\b|junk|content (?:filter|reject)|message content|black ?list"
            r"|block ?list|deny ?list|dnsbl|\brbl\b|spamhaus|reputation",
            r"\bblocked\b|banned|prohibited|forbidden|access (?:is )?denied|not authori[sz]ed|permission"
            r"|policy|policies|security|restricted|restriction",
            r"administrative prohibition|confidential|unacceptable",
        ),
    ),
    _Cause(
        "7.1",
        False,
        _any(
            r"(?:client|connection|host|ip|address|message|mail|recipient)\w* .{0,60}(?:rejected|refused"
            r"|denied|not allowed|not permitted|not accepted)",
            r"rejected by|拒否|拒绝|拒絕|отклонен|abgelehnt|rejeté|rechazad|rejeitad|rifiutat|geweigerd|رفض|رد شد",
        ),
        weak=True,
    ),
    _Cause(
        "4.5",
        False,
        _any(
            r"too many|rate ?limit|throttl|greylist|try again later|temporarily|excessive|frequen|too (?:fast"
            r"|busy)|concurren"
        ),
        transient=True,
    ),
    _Cause(
        "4.6",
        False,
        _any(r"\bloop\b|\bhops?\b|hop count|too many received|routing loop"),
    ),
    _Cause(
        "4.7",
        False,
        _any(
            r"expired|retry time|time(?:d)? ?out|(?:delivered|message) (?:for|within"
            r"|in) .{0,10}\d+ ?(?:seconds?|minutes?|hours?|days?)|give up|giving up|not going to try again"
            r"|in (?:the )?queue too long",
            r"connection (?:refused|reset|closed|lost|dropped|failed)|connect to|no route|unreachable"
            r"|not respond|network|unable to connect|could not connect|interrupted",
            r"delayed|deferred|not yet been delivered|応答|延迟|задерж|verzögert",
        ),
        transient=True,
    ),
)

_PERMANENT_STATUS = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.10"})
_NO_MAIL_CODES = frozenset({"521", "556"})  # RFC 7504: this host, this domain never takes mail
_VAGUE_STATUS = frozenset({"", "0.0", "3.0", "5.0", "1.0", "2.0", "4.0", "7.0"})


def smtp_code(text: str) -> str:
    """The first SMTP refusal code (RFC 5321, 4.2) in `text`: three digits that stand alone and begin with 4 or 5."""
    found = _SMTP_CODE.search(text)
    return found[1] if found else ""


def judge(diagnostic: str, status: str = "", *, delayed: bool = False, after_data: bool = False) -> Verdict:
    """What `diagnostic` (the server's words) and the reported `status` say about the address.

    `after_data`: the server took the recipient and refused once it had seen the message. "User unknown" is then a
    filter's way of saying no, as mobile carriers do, and the address may live, unless the status names the address
    (x.1.x). Words win over numbers; with neither the failure counts as soft, because taking a living
    address for dead costs a customer.
    """
    text = " ".join(_NOISE.sub(" <> ", diagnostic).split())[:2000]
    code = smtp_code(text)
    status = status or find_status(text)
    cause = _cause_of(text)
    if code in _NO_MAIL_CODES and (status in ("", "5.3.2") or status.endswith(".1.10")):
        return Verdict(status or "5.1.10", not delayed, True)
    level = _level(status, code, delayed=delayed, transient=cause.transient if cause else False)
    detail = status.partition(".")[2]
    lasting = level == "5" or (
        cause is not None and cause.detail == "1.2" and not delayed
    )  # NXDOMAIN is final; some report it as 4.1.2
    if cause is None:
        return Verdict(
            status or (f"{level}.0.0" if code or delayed else ""),
            lasting and detail in _PERMANENT_STATUS - {"1.0"},
            False,
        )
    spoken = find_status(text)
    if cause.weak and (spoken or status).partition(".")[2] in _PERMANENT_STATUS - {"1.0"}:
        return Verdict(spoken or status, lasting, True)
    if cause.permanent and after_data and not detail.startswith("1.") and ".1." not in spoken:
        return Verdict(status if detail not in _VAGUE_STATUS else f"{level}.7.1", False, True)
    if detail in _VAGUE_STATUS or cause.permanent != (detail in _PERMANENT_STATUS):
        # The words disagree with the field: a code among them is the better one.
        fits = (
            spoken
            and spoken.partition(".")[2] not in _VAGUE_STATUS
            and cause.permanent == (spoken.partition(".")[2] in _PERMANENT_STATUS)
        )
        status = spoken if fits else f"{level}.{cause.detail}"
    return Verdict(status, cause.permanent and lasting, True)


@lru_cache(maxsize=256)
def _cause_of(text: str) -> _Cause | None:
    return next((cause for cause in _CAUSES if cause.words.search(text)), None)


def _level(status: str, code: str, *, delayed: bool, transient: bool) -> str:
    if delayed:
        return "4"
    if status[:1] in ("4", "5"):
        return status[0]
    if code:
        return code[0]
    return "4" if transient else "5"
