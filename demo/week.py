"""One week at Halden: the conversations that `seed_demo` turns into tickets.

The texts stand in one file per language, English in two; this one joins them.
"""

from demo.conversation import CUSTOMER, TAGS, Conversation, Turn
from demo.week_ar import WEEK_AR
from demo.week_de import WEEK_DE
from demo.week_en import WEEK_EN
from demo.week_en_orders import WEEK_EN_ORDERS
from demo.week_fa import WEEK_FA
from demo.week_zh import WEEK_ZH

__all__ = ["CUSTOMER", "TAGS", "WEEK", "Conversation", "Turn"]

WEEK: list[Conversation] = sorted(
    [*WEEK_EN, *WEEK_EN_ORDERS, *WEEK_AR, *WEEK_FA, *WEEK_ZH, *WEEK_DE],
    key=lambda conversation: -conversation.hours_ago,
)
