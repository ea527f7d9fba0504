"""The customers of Halden: forty invented people, written to by `demo.week` and `seed_demo`, played on the demo page.

Every address ends in .example (RFC 2606), every phone number is from a range set aside for fiction or is plainly made
up. `key` is how the week refers to a person; the page offers those with `on_page`.
"""

from dataclasses import dataclass
from typing import Literal

Tier = Literal["standard", "silver", "gold"]


@dataclass(frozen=True)
class CastMember:
    """One customer. `language` is the one the person writes in (BCP 47), `country` is ISO 3166-1 alpha-2."""

    key: str
    name: str
    email: str
    language: str
    country: str
    time_zone: str
    tier: Tier = "standard"
    organisation: str = ""
    phone: str = ""
    other_emails: tuple[str, ...] = ()
    since: int = 2024
    on_page: bool = False


def _member(key: str, name: str, email: str, where: str, tier: Tier = "standard", **rest: object) -> CastMember:
    """A row of the table below; `where` is "language country time-zone"."""
    language, country, time_zone = where.split()
    return CastMember(key, name, email, language, country, time_zone, tier, **rest)  # type: ignore[arg-type]


CAST: list[CastMember] = [
    # English
    _member(
        "katarzyna",
        "Katarzyna Nowak",
        "k.nowak@studio-nowak.example",
        "en PL Europe/Warsaw",
        "gold",
        organisation="Studio Nowak",
        phone="+48 22 555 01 47",
        other_emails=("katarzyna@nowak-home.example",),
        since=2021,
        on_page=True,
    ),
    _member(
        "grace",
        "Grace Mbeki",
        "grace.mbeki@ubuntu-books.example",
        "en ZA Africa/Johannesburg",
        "silver",
        organisation="Ubuntu Books",
        phone="+27 11 555 0133",
        since=2022,
        on_page=True,
    ),
    _member(
        "hiroshi",
        "Hiroshi Tanaka",
        "h.tanaka@tanaka-audio.example",
        "en JP Asia/Tokyo",
        "silver",
        organisation="Tanaka Audio",
        phone="+81 3 5550 0142",
        since=2022,
    ),
    _member("joao", "João Pereira", "joao.pereira@correio-lx.example", "en PT Europe/Lisbon", since=2024),
    _member(
        "elif", "Elif Yıldız", "elif@yildiz-mimarlik.example", "en TR Europe/Istanbul", organisation="Yıldız Mimarlık"
    ),
    _member("aroha", "Aroha Williams", "aroha.w@kauri-post.example", "en NZ Pacific/Auckland", since=2025),
    _member("sven", "Sven Bergström", "sven.bergstrom@norrnat.example", "en SE Europe/Stockholm", since=2020),
    _member(
        "daniel",
        "Daniel Okonkwo",
        "daniel@okonkwo-films.example",
        "en NG Africa/Lagos",
        "gold",
        organisation="Okonkwo Films",
        phone="+234 1 555 0108",
        since=2021,
        on_page=True,
    ),
    _member("maeve", "Maeve O'Sullivan", "maeve.osullivan@liffey-mail.example", "en IE Europe/Dublin", since=2023),
    _member(
        "ravi",
        "Ravi Menon",
        "ravi.menon@backwater-it.example",
        "en IN Asia/Kolkata",
        "silver",
        organisation="Backwater IT",
    ),
    _member(
        "chloe", "Chloé Fontaine", "chloe.fontaine@atelier-f.example", "en FR Europe/Paris", organisation="Atelier F"
    ),
    _member("oliver", "Oliver Hughes", "oliver.hughes@pennine-mail.example", "en GB Europe/London", since=2025),
    _member(
        "marisol",
        "Marisol Vega",
        "mvega@sierra-clinic.example",
        "en US America/Denver",
        "gold",
        organisation="Sierra Clinic",
        phone="+1 303 555 0119",
        since=2022,
    ),
    _member("pekka", "Pekka Laine", "pekka.laine@jarvinet.example", "en FI Europe/Helsinki", since=2023),
    _member(
        "thandiwe",
        "Thandiwe Dube",
        "thandi@dube-design.example",
        "en ZA Africa/Johannesburg",
        organisation="Dube Design",
    ),
    _member("connor", "Connor Blake", "connor.blake@harbour-post.example", "en CA America/Halifax", since=2025),
    # Arabic
    _member(
        "noura",
        "نورة الصباح",
        "noura@alsabah-trading.example",
        "ar KW Asia/Kuwait",
        "gold",
        organisation="الصباح للتجارة",
        phone="+965 555 0121",
        since=2021,
        on_page=True,
    ),
    _member("omar", "عمر الخطيب", "omar.alkhatib@barid-amman.example", "ar JO Asia/Amman", since=2023, on_page=True),
    _member(
        "layla",
        "ليلى بن عمار",
        "layla@dar-benammar.example",
        "ar TN Africa/Tunis",
        "silver",
        organisation="دار بن عمار",
        since=2022,
    ),
    _member("khaled", "خالد المنصوري", "khaled.m@sahil-post.example", "ar AE Asia/Dubai", "silver", since=2022),
    _member("huda", "هدى إبراهيم", "huda.ibrahim@nile-mail.example", "ar EG Africa/Cairo", since=2024),
    _member(
        "sami",
        "سامي حداد",
        "sami.haddad@arz-print.example",
        "ar LB Asia/Beirut",
        organisation="مطبعة الأرز",
        since=2023,
    ),
    _member("rania", "رانيا الشريف", "rania.sharif@atlas-post.example", "ar MA Africa/Casablanca", since=2025),
    _member(
        "fahad", "فهد العتيبي", "fahad@najd-schools.example", "ar SA Asia/Riyadh", "gold", organisation="مدارس نجد"
    ),
    # Persian
    _member(
        "fatemeh",
        "فاطمه کریمی",
        "fatemeh.karimi@alborz-mail.example",
        "fa IR Asia/Tehran",
        "silver",
        since=2022,
        on_page=True,
    ),
    _member(
        "reza",
        "رضا احمدی",
        "reza@ahmadi-arch.example",
        "fa IR Asia/Tehran",
        "gold",
        organisation="دفتر معماری احمدی",
        on_page=True,
    ),
    _member("maryam", "مریم رستمی", "maryam.rostami@zayandeh.example", "fa IR Asia/Tehran", since=2024),
    _member("behrouz", "بهروز نیک‌پور", "behrouz@nikpour.example", "fa DE Europe/Berlin", since=2023),
    _member("zahra", "زهرا موسوی", "z.mousavi@daneshgah-sabz.example", "fa IR Asia/Tehran", organisation="دانشگاه سبز"),
    _member(
        "kaveh",
        "کاوه شریفی",
        "kaveh.sharifi@nava-studio.example",
        "fa IR Asia/Tehran",
        "silver",
        organisation="استودیو نوا",
    ),
    _member("parisa", "پریسا هاشمی", "parisa.hashemi@karoon-post.example", "fa IR Asia/Tehran", since=2025),
    # Chinese
    _member(
        "xiaoming",
        "王晓明",
        "wang.xiaoming@jiangnan-mail.example",
        "zh CN Asia/Shanghai",
        "silver",
        since=2022,
        on_page=True,
    ),
    _member(
        "lihua",
        "李华",
        "lihua@huaxin-design.example",
        "zh CN Asia/Shanghai",
        "gold",
        organisation="华新设计",
        phone="+86 21 5550 0177",
        since=2021,
        on_page=True,
    ),
    _member("jingyi", "陈静怡", "chen.jingyi@formosa-post.example", "zh TW Asia/Taipei", since=2024),
    _member("haoran", "张浩然", "zhang.haoran@yuedong.example", "zh CN Asia/Shanghai", organisation="粤东电子"),
    _member("meifang", "林美芳", "lin.meifang@lionpost.example", "zh SG Asia/Singapore", "silver", since=2023),
    _member("zhiyuan", "赵志远", "zhao.zhiyuan@xueyuan.example", "zh CN Asia/Shanghai", since=2025),
    # German
    _member(
        "jonas",
        "Jonas Becker",
        "jonas.becker@becker-planung.example",
        "de DE Europe/Berlin",
        "gold",
        organisation="Becker Planung",
        phone="+49 30 5550 0155",
        since=2020,
        on_page=True,
    ),
    _member(
        "annika", "Annika Vogel", "annika.vogel@spreepost.example", "de DE Europe/Berlin", since=2024, on_page=True
    ),
    _member("lukas", "Lukas Gruber", "lukas.gruber@alpenpost.example", "de AT Europe/Vienna", "silver", since=2023),
]

_BY_KEY = {member.key: member for member in CAST}


def member(key: str) -> CastMember:
    """The cast member with this key. Raises KeyError when there is none."""
    return _BY_KEY[key]
