"""What a writer is asked before his words leave: a file spoken of and not there, a place not filled in, nobody named. Pure.

Called by views/composer.py; the API does not ask.
"""

from __future__ import annotations

import re

from helpdesk import canned

# Words by which people announce a file, by language. "Please attach" asks the other side and is no announcement.
_ANNOUNCED = re.compile(
    r"""
    (?<!\w)(?:
      attached | attaching | attachments? | (?:i|we)(?:['’]ve|\ have|['’]ll|\ will)?\ (?:just\ )?attach | enclosed
    | im\ anhang | anbei | angehängt(?:en|e|es)? | beigefügt(?:en|e|es)? | anhänge?
    | ci-joint(?:e|s|es)? | en\ pièces?\ jointes? | pièces?\ jointes?
    | adjunt(?:o|a|os|as|amos)
    )(?!\w)
    | (?<!\w)(?:و|ال|وال|بال|لل)?(?:مرفق(?:ا|ة|ات|ه|کم|ین)?|ارفقت|ارفقنا|نرفق|ارفق)(?:\s|$|[^\w])
    | (?<!\w)(?:پیوست|ضمیمه|پیوستها|پیوست‌ها)(?!\w)
    | 附件 | 附上 | 随附 | 隨附 | 附檔 | 附档 | 附图 | 附圖
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ASKED_OF_THE_OTHER = re.compile(
    r"""
      (?<!\w)(?:your|the\ customer['’]s)\ attach | (?<!\w)(?:no|without)\ (?:an?\ )?attachment
    | (?<!\w)(?:ihr|ihre|ihrem|ihren)\ (?:anhang|anhänge)
    | پیوست\ (?:کنید|بفرمایید|شما) | ضمیمه\ (?:کنید|بفرمایید) | مرفقك | مرفقاتك
    | (?:您|你)的附件 | 没有附件 | 沒有附件
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCE = re.compile(r"[.!?؟]+(?=\s|$)|[。！？\n]+")
_FOLDED = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "أ": "ا", "إ": "ا", "آ": "ا", "ـ": ""})
_HARAKAT = re.compile("[\u064b-\u0652\u0670]")


def announces_a_file(text: str) -> str:
    """The sentence that speaks of a file the writer sends, or "". Quoted lines are somebody else's words."""
    own = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(">"))
    for sentence in _SENTENCE.split(own):
        folded = _HARAKAT.sub("", sentence).translate(_FOLDED)
        if _ANNOUNCED.search(folded) and not _ASKED_OF_THE_OTHER.search(folded):
            return " ".join(sentence.split())
    return ""


def unfilled(text: str) -> tuple[str, ...]:
    """The names of places such as {{customer.name}} that still stand in the text, but for quoted lines."""
    return canned.places("\n".join(line for line in text.splitlines() if not line.lstrip().startswith(">")))
