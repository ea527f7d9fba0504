"""Where a contact comes from, and in which language a page is: evidence for demand rules, from small tables.

Called by `routing.core.demand`. Pure: no Django, no look-up over the network: an address of the internet is not used,
since it names the country of a network, and most mail comes through somebody else's.

Sources: country codes ISO 3166-1 alpha-2, calling codes ITU-T E.164, top-level domains of the IANA root zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Source = Literal["record", "phone", "mail"]


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Regions that rules may name; the groups a house means by them, not a statement about membership in anything else.
REGIONS: dict[str, frozenset[str]] = {
    name: _codes(codes)
    for name, codes in {
        "EU": "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE",
        "EEA": "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO",
        "DACH": "DE AT CH",
        "BENELUX": "BE NL LU",
        "NORDICS": "DK FI IS NO SE",
        "BALTICS": "EE LV LT",
        "GCC": "AE BH KW OM QA SA",
        "MENA": "AE BH DZ EG IQ IR JO KW LB LY MA OM PS QA SA SY TN YE",
        "MAGHREB": "DZ LY MA MR TN",
        "NORTH_AMERICA": "US CA MX",
        "LATAM": "AR BO BR CL CO CR CU DO EC GT HN MX NI PA PE PR PY SV UY VE",
        "ASEAN": "BN ID KH LA MM MY PH SG TH TL VN",
        "GREATER_CHINA": "CN HK MO TW",
        "ANZ": "AU NZ",
    }.items()
}

#: Country codes whose top-level domain says where somebody is. Left out are those sold to all the world (io, co, ai, …).
_DOMAINS = _codes(
    "ae af al am ao ar at au az ba bd be bg bh bo br by ca ch cl cn cr cu cy cz de dk do dz ec ee eg es et fi fr ge gh "
    "gr gt hk hn hr hu id ie il in iq ir is it jo jp ke kg kh kr kw kz lb lk lt lu lv ma md mk mm mn mo mt mx my mz na ng "
    "ni nl no np nz om pa pe ph pk pl ps pt py qa ro rs ru rw sa sd se sg si sk sn sv sy th tj tm tn tr tz ua ug uy uz ve "
    "vn ye za zm zw"
)
#: Longest prefix wins. Several countries: the number alone cannot tell them apart.
_CALLING: dict[str, frozenset[str]] = {
    code: frozenset(countries.split("+"))
    for code, countries in (
        entry.split("=")
        for entry in _codes(
            "1=US+CA 20=EG 211=SS 212=MA 213=DZ 216=TN 218=LY 220=GM 221=SN 222=MR 223=ML 225=CI 228=TG 229=BJ 233=GH "
            "234=NG 237=CM 243=CD 244=AO 249=SD 250=RW 251=ET 252=SO 254=KE 255=TZ 256=UG 258=MZ 260=ZM 261=MG 263=ZW "
            "264=NA 267=BW 27=ZA 30=GR 31=NL 32=BE 33=FR 34=ES 350=GI 351=PT 352=LU 353=IE 354=IS 355=AL 356=MT 357=CY "
            "358=FI 359=BG 36=HU 370=LT 371=LV 372=EE 373=MD 374=AM 375=BY 376=AD 377=MC 378=SM 380=UA 381=RS 382=ME "
            "383=XK 385=HR 386=SI 387=BA 389=MK 39=IT+VA 40=RO 41=CH 420=CZ 421=SK 423=LI 43=AT 44=GB 45=DK 46=SE 47=NO "
            "48=PL 49=DE 501=BZ 502=GT 503=SV 504=HN 505=NI 506=CR 507=PA 51=PE 52=MX 53=CU 54=AR 55=BR 56=CL 57=CO "
            "58=VE 591=BO 593=EC 595=PY 598=UY 60=MY 61=AU 62=ID 63=PH 64=NZ 65=SG 66=TH 673=BN 7=RU 76=KZ 77=KZ 81=JP "
            "82=KR 84=VN 852=HK 853=MO 855=KH 856=LA 86=CN 880=BD 886=TW 90=TR 91=IN 92=PK 93=AF 94=LK 95=MM 960=MV "
            "961=LB 962=JO 963=SY 964=IQ 965=KW 966=SA 967=YE 968=OM 970=PS 971=AE 972=IL 973=BH 974=QA 975=BT 976=MN "
            "977=NP 98=IR 992=TJ 993=TM 994=AZ 995=GE 996=KG 998=UZ"
        )
    )
}
_LONGEST = max(map(len, _CALLING))
_TAG = re.compile(r"([a-z]{2,3})(?:[-_](?:[a-z]{4}|[a-z]{2}|\d{3}))*", re.ASCII)
_FOLDER = re.compile(r"([a-z]{2})(?:[-_](?:[a-z]{4}|[a-z]{2}))?", re.ASCII)
#: The languages of ISO 639-1.
_LANGUAGES = _codes(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg "
    "ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn "
    "no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta "
    "te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The countries a piece of evidence allows (several where it cannot tell them apart), and what it rests on."""

    countries: frozenset[str]
    source: Source
    evidence: str
    subdivision: str = ""


def place_of(*, country: str = "", subdivision: str = "", phone: str = "", mail: str = "") -> Place | None:
    """Where somebody is: by the customer's record, else the calling code of the number, else the mail's top-level domain.

    `country` is an ISO 3166-1 code, `subdivision` an ISO 3166-2 one (DE-BY), which names the country too. A telephone
    counts only in its international form (+ or 00). None: nothing is known.
    """
    subdivision = subdivision.strip().upper()
    code = country.strip().upper() or (subdivision.split("-")[0] if "-" in subdivision else "")
    if len(code) == 2 and code.isalpha():
        part = subdivision if subdivision.startswith(code + "-") else ""
        return Place(frozenset({code}), "record", part or code, part)
    called = _countries_of_number(phone)
    if called:
        return Place(_CALLING[called], "phone", f"+{called}")
    domain = mail.strip().rstrip(".>").rpartition(".")[2].lower() if "@" in mail else ""
    if domain == "uk" or domain in _DOMAINS:
        return Place(frozenset({"GB" if domain == "uk" else domain.upper()}), "mail", f".{domain}")
    return None


def lies_in(place: Place, wanted: frozenset[str]) -> bool:
    """Whether the place surely lies in one of the countries, regions (EU) or subdivisions (DE-BY) wanted.

    A number that may be American or Canadian is in North America, and not surely in either.
    """
    if place.subdivision and place.subdivision in wanted:
        return True
    allowed = set(wanted).union(*(REGIONS[name] for name in wanted if name in REGIONS))
    return place.countries <= allowed


def page_language(path: str, lang: str = "") -> str:
    """The language of a page, such as "fr": of its `lang` attribute, else of the first folder of its path; "" if unknown.

    The attribute comes first, since it is a statement and the folder a guess. `/fr/`, `/fr-CA/`, `/pt_BR/` and whole
    addresses are understood. A folder may mean something else (/my/, /it/): who asks should pass over languages that
    the house does not know, as demand rules do.
    """
    named = language_code(lang)
    if named:
        return named
    inside = re.sub(r"^[a-z][a-z0-9+.-]*://[^/]*", "", path.strip(), flags=re.IGNORECASE)
    folders = [part for part in re.split(r"[?#]", inside, maxsplit=1)[0].lower().split("/") if part]
    found = _FOLDER.fullmatch(folders[0]) if folders else None
    return found[1] if found and found[1] in _LANGUAGES else ""


def language_code(tag: str) -> str:
    """The bare language of a tag such as fr, fr-CA or zh_Hans; "" for what is none."""
    found = _TAG.fullmatch(tag.strip().lower())
    return found[1] if found else ""


def _countries_of_number(phone: str) -> str:
    """The calling code that a number in international form begins with, or ""."""
    bare = re.sub(r"[\s().\-/]", "", phone)
    bare = bare[1:] if bare.startswith("+") else bare[2:] if bare.startswith("00") else ""
    if not bare.isdecimal() or len(bare) < 5:
        return ""
    digits = "".join(str(int(digit)) for digit in bare)
    return next((digits[:size] for size in range(_LONGEST, 0, -1) if digits[:size] in _CALLING), "")
