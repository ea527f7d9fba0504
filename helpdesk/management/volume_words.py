"""Words for benchmark data: subjects, names and texts in four languages from a small vocabulary, with rare words between.

Pure. Called by `helpdesk.management.volume`. The texts mean nothing; their lengths, scripts and frequencies are what
a search index and a page have to bear.
"""

from __future__ import annotations

import random

LANGUAGES = ("en", "ar", "fa", "zh")
_WORDS = {
    "en": (
        "the dock stopped charging after update screen stays dark please help order arrived late invoice shows wrong "
        "amount battery drains fast sound crackles when moving cable replaced already tried another socket still nothing "
        "refund expected last week courier says delivered but neighbour has it not thank you for quick answer could you "
        "send new one tablet pen lags behind keyboard layout differs from picture warranty number is on label below"
    ),
    "ar": (
        "الجهاز لا يعمل بعد التحديث الأخير والشاشة سوداء أرجو المساعدة وصل الطلب متأخرا الفاتورة فيها خطأ البطارية تفرغ "
        "بسرعة الصوت متقطع جربت كابلا آخر دون فائدة متى يصل المبلغ المسترد شركة الشحن تقول تم التسليم شكرا على الرد السريع "
        "هل يمكن إرسال بديل لوحة المفاتيح مختلفة عن الصورة رقم الضمان على الملصق أدناه"
    ),
    "fa": (
        "دستگاه بعد از به‌روزرسانی شارژ نمی‌شود صفحه سیاه است لطفا راهنمایی کنید سفارش دیر رسید در فاکتور مبلغ اشتباه است "
        "باتری زود خالی می‌شود صدا قطع و وصل می‌شود کابل دیگری امتحان کردم فایده نداشت بازپرداخت کی انجام می‌شود پیک می‌گوید "
        "تحویل داده است از پاسخ سریع شما ممنونم آیا می‌توانید جایگزین بفرستید شماره ضمانت روی برچسب است"
    ),
    "zh": (
        "扩展坞 升级 以后 不能 充电 屏幕 一直 是 黑的 请 帮忙 看看 订单 到 得 太晚 发票 金额 不对 电池 掉电 很快 "
        "声音 断断续续 换过 线 还是 不行 退款 什么 时候 到账 快递 说 已经 签收 谢谢 您的 及时 回复 能否 补寄 一个 "
        "键盘 布局 与 图片 不同 保修 编号 在 标签 上"
    ),
}
_SUBJECTS = {
    "en": (
        "Dock does not charge",
        "Wrong amount on invoice",
        "Parcel is late",
        "Screen stays dark",
        "How do I pair two",
    ),
    "ar": ("الجهاز لا يشحن", "خطأ في الفاتورة", "تأخر الطلب", "الشاشة سوداء", "كيف أوصل جهازين"),
    "fa": ("دستگاه شارژ نمی‌شود", "اشتباه در فاکتور", "سفارش دیر رسید", "صفحه سیاه است", "اتصال هم‌زمان دو دستگاه"),
    "zh": ("扩展坞不充电", "发票金额不对", "包裹一直没到", "屏幕是黑的", "怎样同时连接两台"),
}
_NAMES = {
    "en": (
        "Ada Grace Noor Elena Jonas Maeve Pavel Ingrid Tomas Aroha",
        "Novak Dube Silva Hughes Larsen Okafor Becker Reid",
    ),
    "ar": (
        "ليلى عمر سلمى خالد نور يوسف هدى سامي رنا فهد",
        "الخطيب حداد المنصوري الصباح الشريف العتيبي بن عمار إبراهيم",
    ),
    "fa": ("مریم رضا زهرا کاوه پریسا بهروز فاطمه سینا نازنین آرش", "احمدی رستمی موسوی شریفی کریمی هاشمی نیک‌پور تهرانی"),
    "zh": ("伟 芳 静 磊 洋 艳 杰 娟 涛 敏", "王 李 张 刘 陈 杨 赵 黄"),
}
_SYLLABLES = ["ba", "ko", "ri", "te", "lu", "mi", "sa", "no", "ve", "da", "pi", "zu", "fe", "go", "ha", "ju"]
#: Texts to choose from in each language; a rare word and the message's own number make each message another.
_TEXTS_EACH = 300
_TEXT_BYTES = 560


class Words:
    """Chooses texts, subjects and names; the same seed gives the same choice."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.texts = {language: [self._text(language) for _ in range(_TEXTS_EACH)] for language in LANGUAGES}

    def _text(self, language: str) -> str:
        words = _WORDS[language].split()
        gap = "" if language == "zh" else " "
        length = self.rng.randint(_TEXT_BYTES // 3, _TEXT_BYTES * 5 // 3)
        out: list[str] = []
        size = 0
        while size < length:
            count = self.rng.randint(5, 14)
            sentence = gap.join(self.rng.choice(words) for _ in range(count)) + ("。" if language == "zh" else ".")
            out.append(sentence)
            size += len(sentence.encode()) + 1
        return " ".join(out)

    def rare(self) -> str:
        """A word that hardly another message has."""
        return "".join(self.rng.choices(_SYLLABLES, k=4))

    def text(self, language: str) -> str:
        """About 600 bytes of UTF-8, on average."""
        text = self.rng.choice(self.texts[language])
        return f"{text} {self.rare()}" if self.rng.random() < 0.3 else text

    def subject(self, language: str) -> str:
        """A subject; one in three carries a rare word."""
        subject = self.rng.choice(_SUBJECTS[language])
        return f"{subject} {self.rare()}" if self.rng.random() < 0.33 else subject

    def name(self, language: str) -> str:
        """A person's name."""
        first, last = (self.rng.choice(part.split()) for part in _NAMES[language])
        return last + first if language == "zh" else f"{first} {last}"
