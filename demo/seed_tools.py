"""What the agents of Halden have at hand: canned responses in their languages, and macros. Called by `demo.seed_house`."""

from __future__ import annotations

from typing import Any

from helpdesk.actions.macros import checked_steps

#: (shortcut, language, folder, name, text)
RESPONSES: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "hello",
        "en",
        "Greetings",
        "Hello and thank you",
        "Hello {{customer.first_name}},\n\nthank you for writing to us about “{{ticket.subject}}”. ",
    ),
    (
        "serial",
        "en",
        "Hardware",
        "Ask for the serial number",
        "Could you send us the serial number? It is on the back of the device and begins with two letters.\n\n"
        "Kind regards\n{{agent.first_name}}",
    ),
    (
        "parcel",
        "en",
        "Orders",
        "Where the parcel is",
        "Your order {{ticket.fields.order_number}} has left our house. The carrier needs one to three working days.",
    ),
    (
        "seriennummer",
        "de",
        "Hardware",
        "Nach der Seriennummer fragen",
        "Guten Tag,\n\nkönnten Sie uns bitte die Seriennummer nennen? Sie steht auf der Rückseite des Geräts.\n\n"
        "Viele Grüße\n{{agent.first_name}}",
    ),
    (
        "سریال",
        "fa",
        "سخت‌افزار",
        "پرسیدن شمارهٔ سریال",
        "سلام،\n\nلطفاً شمارهٔ سریال پشت دستگاه را برای ما بفرستید تا ضمانت آن را بررسی کنیم.\n\nبا احترام\n{{agent.first_name}}",
    ),
    (
        "شحنة",
        "ar",
        "الطلبات",
        "أين الشحنة",
        "مرحبًا،\n\nغادر طلبكم {{ticket.fields.order_number}} مستودعنا، ويصل عادةً خلال ثلاثة أيام عمل.\n\n"
        "مع التحية\n{{agent.first_name}}",
    ),
    (
        "序列号",
        "zh",
        "硬件",
        "询问序列号",
        "您好，\n\n请把设备背面的序列号发给我们，我们会马上查询保修情况。\n\n此致\n{{agent.first_name}}",
    ),
)
#: (folder, name, steps)
MACROS: tuple[tuple[str, str, list[dict[str, Any]]], ...] = (
    (
        "",
        "Ask for the serial number",
        [
            {"do": "assign_me"},
            {"do": "add_tags", "tags": ["warranty"]},
            {
                "do": "insert_text",
                "text": "Hello {{customer.first_name}},\n\ncould you send us the serial number on the back of the device?",
            },
            {"do": "snooze", "until": "customer"},
        ],
    ),
    (
        "",
        "Look again tomorrow",
        [{"do": "assign_me"}, {"do": "snooze", "until": "tomorrow"}],
    ),
    (
        "Hardware",
        "Known firmware trouble",
        [
            {"do": "add_tags", "tags": ["firmware"]},
            {"do": "set_priority", "priority": 3},
            {"do": "note", "text": "Known trouble of firmware 2.1; 2.1.1 mends it."},
        ],
    ),
)


def steps_of(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps as the house keeps them. Raises BadInput for one that will not do."""
    return checked_steps(steps)
