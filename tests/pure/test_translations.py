"""The catalogues under `locale/` are whole: each message translated, its placeholders, edges and tags kept.

Read from the .po files themselves, so that the test needs no gettext.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LOCALE = Path(__file__).resolve().parents[2] / "locale"
LANGUAGES = ("ar", "fa", "zh_Hans")
#: The sign that ends a sentence, by language.
ENDS = {
    "ar": {".": ".", "?": "؟"},
    "fa": {".": ".", "?": "؟"},
    "zh_Hans": {".": "。", "?": "？", ":": "：", ";": "；"},
}
#: Punctuation of English behind a letter of the language.
FOREIGN = {
    "ar": re.compile(r"[\u0621-\u064a][,;?]"),
    "fa": re.compile(r"[\u0621-\u06cc][,;?]"),
    "zh_Hans": re.compile(r"[\u4e00-\u9fff][,;:?!]"),
}
FORMS = {"ar": 6, "fa": 2, "zh_Hans": 1}

_FIELD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) "(.*)"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t"}
_PLACE = re.compile(r"%\(\w+\)[sdfr]|%%\w|(?<!%)%[sd]|\{\w*\}")
_TAG = re.compile(r"</?[a-z]\w*[^<>]*>")


@dataclass
class Entry:
    """One message of a catalogue."""

    context: str = ""
    source: str = ""
    plural: str = ""
    flags: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)


def entries(text: str) -> Iterator[Entry]:
    """The messages of a .po file, without its header."""
    for block in re.split(r"\n{2,}", text):
        found: dict[str, str] = {}
        flags: set[str] = set()
        name = ""
        for line in block.splitlines():
            if line.startswith("#,"):
                flags |= {flag.strip() for flag in line[2:].split(",")}
            elif start := _FIELD.fullmatch(line):
                name = start[1]
                found[name] = _unescaped(start[2])
            elif line.startswith('"') and name:
                found[name] += _unescaped(line[1:-1])
        if found.get("msgid"):
            yield Entry(
                found.get("msgctxt", ""),
                found["msgid"],
                found.get("msgid_plural", ""),
                flags,
                [words for name, words in found.items() if name.startswith("msgstr")],
            )


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda sign: _ESCAPED.get(sign[1], sign[1]), text)


def faults(entry: Entry, language: str) -> list[str]:
    """What is wrong with a translation, in words; empty when nothing is."""
    found = []
    if "fuzzy" in entry.flags:
        found.append("fuzzy")
    if not all(words.strip() for words in entry.words):
        return [*found, "not translated"]
    if len(entry.words) != (FORMS[language] if entry.plural else 1):
        found.append("wrong number of plural forms")
    sources = [entry.source, entry.plural] if entry.plural else [entry.source]
    for words in entry.words:
        if sorted(_PLACE.findall(words)) not in [sorted(_PLACE.findall(source)) for source in sources]:
            found.append("other placeholders")
        if entry.plural and not set(_PLACE.findall(words)) <= set(_PLACE.findall(entry.plural)):
            found.append("a placeholder the plural does not have")
        if sorted(_TAG.findall(words)) != sorted(_TAG.findall(entry.source)):
            found.append("other tags")
        if _edges(words) != _edges(entry.source):
            found.append("other white space at the edges")
        if (end := ENDS[language].get(entry.source[-1:])) and not words.endswith(end):
            found.append(f"does not end with {end}")
        if FOREIGN[language].search(words):
            found.append("English punctuation")
    return found


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def catalogue(language: str) -> list[Entry]:
    """All messages of a language."""
    return list(entries((LOCALE / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_with_its_placeholders_and_edges(language: str) -> None:
    messages = catalogue(language)

    wrong = {f"{entry.source[:80]!r}: {fault}" for entry in messages for fault in faults(entry, language)}

    assert len(messages) > 500
    assert wrong == set()


def test_all_languages_have_the_same_messages() -> None:
    arabic, persian, chinese = ({(e.context, e.source) for e in catalogue(language)} for language in LANGUAGES)

    assert arabic == persian == chinese


@pytest.mark.parametrize(
    ("block", "language", "expected"),
    [
        ('msgid "Send"\nmsgstr "ارسال"', "fa", []),
        ('msgid "Send"\nmsgstr ""', "fa", ["not translated"]),
        ('#, fuzzy\nmsgid "Send"\nmsgstr "ارسال"', "fa", ["fuzzy"]),
        ('#, python-format\nmsgid "to %(name)s"\nmsgstr "به %(nam)s"', "fa", ["other placeholders"]),
        ('msgid "to {name}"\nmsgstr "به"', "fa", ["other placeholders"]),
        ('msgid "%%n selected"\nmsgstr "已选择"', "zh_Hans", ["other placeholders"]),
        ('msgid "Say <b>it</b>"\nmsgstr "说 <i>它</i>"', "zh_Hans", ["other tags"]),
        ('msgid "Owner: "\nmsgstr "مسئول:"', "fa", ["other white space at the edges"]),
        ('msgid "Really?"\nmsgstr "حقًا?"', "ar", ["does not end with ؟", "English punctuation"]),
        ('msgid "tags, priority"\nmsgstr "برچسب‌ها, اولویت"', "fa", ["English punctuation"]),
        ('msgid "Done."\nmsgstr "完成."', "zh_Hans", ["does not end with 。"]),
        (
            'msgid "%(n)s day"\nmsgid_plural "%(n)s days"\nmsgstr[0] "%(n)s يوم"',
            "ar",
            ["wrong number of plural forms"],
        ),
        (
            'msgid "#%(one)s goes"\nmsgid_plural "%(n)s go"\nmsgstr[0] "#%(one)s می‌رود"\nmsgstr[1] "%(n)s می‌روند"',
            "fa",
            ["a placeholder the plural does not have"],
        ),
        ('msgid "a "\n"long one"\nmsgstr "یک "\n"بلند"', "fa", []),
    ],
)
def test_a_fault_in_a_translation_is_found(block: str, language: str, expected: list[str]) -> None:
    (entry,) = entries(block)

    assert faults(entry, language) == expected
