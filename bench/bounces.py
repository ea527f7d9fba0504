"""How many failure notices are recognised, understood and judged right? Counts against the public expectations.

Run: `python -m bench.bounces [--show]`; `--show` prints what was missed or judged otherwise. A bounce counts as found
when `find_bounce` gives one, its address as found when it names at least one recipient (sisimai's set) or exactly the
expected ones (flufl's set). Hard and soft are compared recipient by recipient where both sides name as many, else once
for the mail. Every mail of the other folders, and every vacation reply and abuse report, must give none unless it is
a failure notice by its form.
"""

from __future__ import annotations

import argparse
import email
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from statistics import median

from helpdesk.mail.bounce import find_bounce
from helpdesk.mail.bounce_signs import read_signs
from tests.corpora import CORPORA

MAIL = CORPORA / "mail"
NO_BOUNCE = frozenset({"feedback", "vacation", "delivered"})
NO_MAIL = frozenset({".json", ".md", ".html", ".tnef", ".list", ".upstream"})
BARS = {"found": 0.989, "address": 0.92, "hard or soft": 0.90}


@dataclass
class Score:
    """`good` of `total`, and a line for each of the others."""

    good: int = 0
    total: int = 0
    misses: list[str] = field(default_factory=list)

    def count(self, good: bool, miss: str) -> None:
        self.total += 1
        self.good += good
        if not good:
            self.misses.append(miss)


def read(path: Path) -> Message:
    return email.message_from_bytes(path.read_bytes())


def sisimai(scores: dict[str, Score]) -> None:
    folder = MAIL / "sisimai-set-of-emails"
    expectations = json.loads((folder / "expectations.json").read_text())
    for path in sorted(folder.glob("data/maildir/*/*")):
        expected = [one for one in expectations.get(path.name, []) if one["reason"] not in NO_BOUNCE]
        no_bounce = path.parent.name == "not" or path.name.startswith(("arf-", "rfc3834-")) or path.name in expectations
        bounce = find_bounce(read(path), "")
        if not expected:
            if no_bounce:
                scores["no false alarm"].count(bounce is None, f"{path.name} {bounce}")
            else:
                scores["found, verdict unknown"].count(bounce is not None, path.name)
            continue
        scores["found"].count(bounce is not None, path.name)
        scores["address"].count(bounce is not None and bool(bounce.recipients), path.name)
        if bounce is None:
            continue
        if len(bounce.recipients) == len(expected):
            for recipient, one in zip(bounce.recipients, expected, strict=True):
                told = f"{path.name}: {one['reason']}, ours {recipient.status} {recipient.diagnostic[:120]}"
                scores["hard or soft"].count(recipient.permanent == one["hard_bounce"], told)
        else:
            hard = any(one["hard_bounce"] for one in expected)
            scores["hard or soft"].count(bounce.permanent == hard, f"{path.name}: {len(expected)} expected")


def flufl(scores: dict[str, Score]) -> None:
    folder = MAIL / "flufl.bounce"
    for one in json.loads((folder / "expectations.json").read_text()):
        path = folder / "data/tests/data" / one["file"]
        bounce = find_bounce(read(path), "")
        found = sorted(recipient.email.lower() for recipient in bounce.recipients) if bounce else []
        scores["found"].count(bounce is not None, path.name)
        if one["addresses"]:
            expected = sorted(address.lower() for address in one["addresses"])
            scores["address"].count(found == expected, f"{path.name}: {found} expected {expected}")
            delayed = bounce is not None and bounce.delayed
            scores["delayed"].count(delayed == one["temporary"], f"{path.name}: delayed {delayed}")


def other_mails() -> Iterator[tuple[str, Message]]:
    for path in sorted(MAIL.glob("*/data/**/*")):
        source = path.relative_to(MAIL).parts[0]
        if source in ("sisimai-set-of-emails", "flufl.bounce") or not path.is_file() or path.suffix in NO_MAIL:
            continue
        message = read(path)
        if len(message.keys()) >= 2:  # the reply corpora are bodies without headers
            yield f"{source}/{path.name}", message


def is_notice_by_form(message: Message) -> bool:
    """Told without our reader: a delivery-status part, or sent in the name of a mail system."""
    sender = str(message.get("From", "")).lower()
    kinds = {part.get_content_type() for part in message.walk()}
    return "message/delivery-status" in kinds or "mailer-daemon" in sender or "postmaster" in sender


def others(scores: dict[str, Score]) -> None:
    gates: list[float] = []
    for name, message in other_mails():
        begin = time.perf_counter()
        read_signs(message)
        gates.append((time.perf_counter() - begin) * 1e6)
        bounce = find_bounce(message, "")
        if is_notice_by_form(message):
            scores["found, verdict unknown"].count(bounce is not None, name)
        else:
            scores["no false alarm"].count(bounce is None, f"{name} {bounce}")
    print(f"gate: median {median(gates):.0f} µs, slowest {max(gates):.0f} µs over {len(gates)} ordinary mails")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print the misses")
    show = parser.parse_args().show
    if not MAIL.is_dir():
        print("no data: the third-party corpora are absent (set HELPDESK_CORPORA)")
        return
    names = ("found", "address", "hard or soft", "delayed", "no false alarm", "found, verdict unknown")
    scores = {name: Score() for name in names}
    sisimai(scores)
    flufl(scores)
    others(scores)
    for name, score in scores.items():
        bar = BARS.get(name)
        wanted = f"  bar {bar:.1%}" if bar else ""
        print(f"{name:24} {score.good:4} of {score.total:4}  {score.good / max(1, score.total):6.1%}{wanted}")
        if show:
            for miss in score.misses:
                print(f"    {miss}")


if __name__ == "__main__":
    main()
