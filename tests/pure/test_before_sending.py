"""Words by which a writer announces a file, in the languages people write to us in."""

from __future__ import annotations

import pytest

from helpdesk.before_sending import announces_a_file, unfilled


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\nplease find attached the invoice.",
        "The invoice is ATTACHED.",
        "See the attachment for details",
        "I've attached a photo",
        "Enclosed is the form.",
        "Anbei die Rechnung.",
        "Vous trouverez la facture ci-jointe",
        "تجدون الفاتورة مرفقة مع هذه الرسالة",
        "مرفق لكم الملف",
        "لقد أرفقت الصورة",
        "المرفقات تحتوي على التفاصيل",
        "فایل به پیوست ارسال شد.",
        "فاكتور را پيوست كردم",  # typed on an Arabic keyboard
        "رسید ضمیمه است",
        "请见附件。",
        "发票已附上，请查收",
    ],
)
def test_an_announced_file_is_noticed(text: str) -> None:
    assert announces_a_file(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your message.",
        "Please attach a photo of the label.",
        "Could you attach the log?",
        "We are very attentive to detachment.",
        "Thank you for your attachment.",
        "> see attached\n\nI will look into it.",
        "I reattached nothing to the wall",
        "لطفاً تصویر را پیوست کنید.",
        "شكرا لرسالتك",
        "您的附件已收到",
        "附近的商店",
        "",
    ],
)
def test_what_is_asked_of_the_customer_or_quoted_is_no_announcement(text: str) -> None:
    assert announces_a_file(text) == ""


def test_the_sentence_itself_is_named() -> None:
    assert announces_a_file("Good morning. The form is attached! Bye.") == "The form is attached"


def test_places_left_open_are_found_but_not_in_quotes() -> None:
    assert unfilled("Dear {{customer.name}},\n> {{ticket.number}}\nyours") == ("customer.name",)
