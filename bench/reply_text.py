"""How often is the reply found exactly? Our splitting against the expectations of the public corpora, as a table.

Run: `python -m bench.reply_text [--show]`; `--show` prints the misses. Where a corpus has no expectations as data,
the expected reply is told by how many lines from the top of the mail it has, as the tests of the corpus assert it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpdesk.mail.quotes import split_text
from tests.corpora import CORPORA

MAIL = CORPORA / "mail"

# Lines of the reply from the top; a reply that is the whole mail is WHOLE.
WHOLE = -1
_LINES: dict[str, dict[str, int]] = {
    "email-reply-parser-crisp": {
        "correct_sig.txt": 1,
        "email_2_1.txt": 1,
        "email_4.txt": 1,
        "email_5.txt": WHOLE,
        "email_6.txt": 3,
        "email_blackberry.txt": 1,
        "email_customer_quote_header_2.txt": 1,
        "email_not_a_signature_2.txt": WHOLE,
        "email_one_is_not_on.txt": 5,
        "email_sent_from_my_not_signature.txt": WHOLE,
        "email_thread.txt": 1,
        "email_tricky_11_double_signature.txt": 4,
        "email_tricky_17_forward_header.txt": 1,
        "email_tricky_2_url_with_wrote.txt": WHOLE,
        "email_tricky_3_code_block.txt": WHOLE,
        "email_tricky_9_nested_quotes.txt": 1,
        "email_unquoted_reply.txt": 1,
        "email_zoho.txt": 2,
        "sig_no_empty_line.txt": 1,
    },
    "email_reply_parser-github": {
        "correct_sig.txt": 1,
        "email_1_6.txt": 3,
        "email_2_1.txt": 1,
        "email_2_2.txt": 1,
        "email_multi_word_sent_from_my_mobile_device.txt": 1,
        "email_one_is_not_on.txt": 5,
        "email_sent_from_my_not_signature.txt": WHOLE,
        "email_sig_delimiter_in_middle_of_line.txt": WHOLE,
        "greedy_on.txt": 6,
        "pathological.txt": 2,
    },
    "mail-parser-reply": {
        "email_1_7.txt": 1,
        "email_2_1.txt": 1,
        "email_danish_1.txt": 6,
        "email_danish_2.txt": 6,
        "email_danish_5.txt": WHOLE,
        "email_gmail.txt": 1,
        "email_ja_1_2.txt": 8,
        "email_sent_from_iPhone.txt": 1,
        "email_sent_from_not_signature.txt": WHOLE,
        "email_sig_delimiter_in_middle_of_line.txt": WHOLE,
        "email_sv_anon_1.txt": 8,
        "email_swedish_2.txt": 8,
    },
    "email-reply-parser-zapier": {
        "email_headers_no_delimiter.txt": 1,
        "email_multi_word_sent_from_my_mobile_device.txt": 1,
        "correct_sig.txt": 1,
    },
}
_PARAGRAPH_START = "Fusce bibendum"
_PARAGRAPH_LINES = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One mail text with the reply that is expected of it."""

    corpus: str
    name: str
    text: str
    reply: str


def cases() -> Iterator[Case]:
    """Every case of the corpora that has or implies an exact expectation."""
    folder = MAIL / "email_reply_trimmer-discourse"
    for name, paths in sorted(json.loads((folder / "expectations.json").read_text()).items()):
        base = folder / "data" / "test"
        text = (base / paths["in"]).read_text("utf-8", "replace")
        yield Case("email_reply_trimmer-discourse", name, text, (base / paths["reply"]).read_text("utf-8", "replace"))
    for corpus, counts in _LINES.items():
        for path in sorted((MAIL / corpus / "data").rglob("*.txt")):
            text = path.read_text("utf-8", "replace")
            lines = text.splitlines()
            if text.startswith(_PARAGRAPH_START):
                yield Case(corpus, path.name, text, "\n".join(lines[:_PARAGRAPH_LINES]))
            elif path.name in counts:
                count = counts[path.name]
                yield Case(corpus, path.name, text, text if count == WHOLE else "\n".join(lines[:count]))


def scores() -> dict[str, tuple[int, int, list[tuple[Case, str]]]]:
    """Exact hits, cases and misses with what we gave instead, by corpus."""
    table: dict[str, tuple[int, int, list[tuple[Case, str]]]] = {}
    for case in cases():
        hits, count, misses = table.get(case.corpus, (0, 0, []))
        given = split_text(case.text).reply
        exact = given.strip() == case.reply.strip()
        table[case.corpus] = (hits + exact, count + 1, misses if exact else [*misses, (case, given)])
    return table


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--show", action="store_true", help="print the misses")
    shown = arguments.parse_args().show
    if not Path(MAIL).is_dir():
        print("the corpora are absent")
        return
    started = time.process_time()
    table = scores()
    spent = time.process_time() - started
    total = sum(count for _, count, _ in table.values())
    for corpus, (hits, count, misses) in table.items():
        print(f"{corpus:34} {hits:3} of {count:3} exact  {hits / count:4.0%}")
        if shown:
            for case, given in misses:
                print(f"--- {case.name}: expected\n{case.reply.strip()}\n--- given\n{given}\n")
    print(f"{total} mails, {spent / total * 1000:.2f} ms CPU each")


if __name__ == "__main__":
    main()
