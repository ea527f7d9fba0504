"""The words mail programs write around quoted history, by language: header labels, verbs of attribution, separator
phrases.

Data only, read by `quote_headers`. Languages: en de fr es it pt nl sv da no fi pl cs ru uk ja ko zh (both scripts) ar
fa he tr hu ro el, and single forms of a few others. Everything is compared in the normal form of
`quote_headers.normal`.
"""

from __future__ import annotations

FROM = (
    "from|von|de|de la part de|expéditeur|remitente|da|mittente|remetente|van|afzender|från|fra|avsender|"
    "lähettäjä|od|nadawca|odesílatel|от|от кого|отправитель|від|від кого|відправник|差出人|送信者|送信元|"
    "发件人|发信人|寄件人|寄件者|發件人|보낸 사람|보낸사람|보낸이|발신|발신자|من|المرسل|از|فرستنده|מאת|שולח|"
    "kimden|gönderen|feladó|de la|expeditor|από|αποστολέας|từ|dari|จาก"
)

DATE = (
    "date|sent|sent on|sent at|received|gesendet|gesendet am|datum|envoyé|envoyé le|envoyé à|message du|"
    "enviado|enviado el|enviado em|enviada|enviada em|enviado a|fecha|data|data de envio|inviato|inviato il|"
    "verzonden|verzonden op|verstuurd|skickat|skickat den|dato|sendt|sendt den|lähetetty|lähetysaika|päiväys|"
    "päivämäärä|pvm|wysłano|wysłane|wysłany|data wysłania|odesláno|odeslané|posláno|отправлено|отправлен|"
    "дата|дата отправки|надіслано|відправлено|送信日時|送信日|日時|日付|发送时间|发送日期|日期|时间|發送時間|"
    "發送日期|傳送時間|傳送日期|寄件日期|寄送日期|時間|보낸 날짜|보낸날짜|보낸 시간|날짜|일시|발송일|"
    "تاريخ الإرسال|التاريخ|تاريخ|تم الإرسال|أرسلت|أرسل|الإرسال|إرسال|تاریخ|ارسال شده|ارسال|ارسال شد|"
    "زمان ارسال|تاریخ ارسال|נשלח|נשלחה|נשלח בתאריך|תאריך|gönderildi|gönderilme tarihi|gönderme tarihi|"
    "gönderim tarihi|tarih|elküldve|küldve|dátum|küldés ideje|trimis|trimis la|trimisă|στάλθηκε|εστάλη|"
    "αποστολή|ημερομηνία|ngày|đã gửi|tanggal|dikirim|วันที่|ส่ง"
)

TO = (
    "to|an|empfänger|à|a|pour|destinataire|para|destinatario|destinatário|aan|naar|till|til|mottagare|"
    "modtager|mottaker|vastaanottaja|kenelle|do|adresat|komu|příjemce|кому|получатель|отримувач|宛先|收件人|"
    "收信人|收件者|받는 사람|받는사람|받는이|수신|수신자|إلى|الى|المستلم|به|گیرنده|אל|לכבוד|נמען|kime|alıcı|"
    "címzett|către|destinatar|προς|παραλήπτης|đến|tới|kepada|ถึง"
)

SUBJECT = (
    "subject|betreff|objet|sujet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|otsikko|temat|předmět|"
    "predmet|věc|тема|件名|題名|主题|主題|主旨|标题|標題|제목|الموضوع|موضوع|נושא|הנושא|konu|tárgy|subiect|"
    "θέμα|chủ đề|subjek|perihal|เรื่อง"
)

CC = (
    "cc|bcc|kopie|kopie an|copie à|copie|copia|copia a|cópia|con copia|kopia|kopia till|kopi|kopi til|kopio|"
    "dw|udw|do wiadomości|копия|копія|скрытая копия|抄送|密送|副本|密件副本|참조|숨은참조|نسخة|نسخة إلى|"
    "رونوشت|עותק|העתק|bilgi|gizli|másolat|másolatot kap|κοιν|κοινοποίηση|kópia|tembusan|สำเนา"
)

OTHER = (
    "reply-to|reply to|antwort an|répondre à|responder a|rispondi a|risposta|antwoord aan|svar till|"
    "svara till|svar til|odpowiedz do|ответить|返信先|回复|回復|回覆|답장|importance|priority|wichtigkeit|"
    "priorität|importance de|importancia|importanza|prioriteit|urgentie|prioritet|vigtighed|attachments|"
    "attachment|anlagen|anhang|pièces jointes|pièce jointe|datos adjuntos|allegati|anexos|bijlagen|bilagor|"
    "vedhæftede filer|liitteet|załączniki|přílohy|вложения|вкладення|添付ファイル|附件|첨부 파일|첨부|"
    "المرفقات|پیوست ها|קבצים מצורפים|ekler|mellékletek|atașări|συνημμένα|organization|organisation|"
    "newsgroups|sensitivity|size"
)

# Verbs and phrases of "X wrote"; longest forms need not come first, they are only searched for.
WROTE = (
    "wrote",
    "writes",
    "said the following",
    "schrieb",
    "schreibt",
    "hat geschrieben",
    "hat folgendes geschrieben",
    "a écrit",
    "écrivait",
    "escribió",
    "ha escrito",
    "ha scritto",
    "scrisse",
    "escreveu",
    "schreef",
    "heeft geschreven",
    "skrev",
    "skreiv",
    "kirjoitti",
    "napisał",
    "napisała",
    "napisał(a)",
    "napisał/a",
    "napisali",
    "pisze",
    "napsal",
    "napsala",
    "napsal(a)",
    "napsal/a",
    "napísal",
    "napísal(a)",
    "написал",
    "написала",
    "написал(а)",
    "пишет",
    "писал",
    "написав",
    "написала",
    "написав(-ла)",
    "пише",
    "a scris",
    "írta",
    "έγραψε",
    "yazdı",
    "yazmış",
    "napisao",
    "napisala",
    "napisao/la",
    "đã viết",
    "menulis",
)
# Scripts without spaces between words, or with prefixes: found anywhere, not only as whole words.
WROTE_ANYWHERE = (
    "写道",
    "寫道",
    "写到",
    "寫到",
    "来信说",
    "のメール",
    "のメッセージ",
    "は書きました",
    "が書きました",
    "書き込みました",
    "さんが書いた",
    "작성",
    "님이 쓴 글",
    "썼습니다",
    "كتب",
    "كتبت",
    "تمت كتابة ما يلي",
    "نوشت",
    "نوشته",
    "כתב",
    "כתבה",
    "מאת",
    "เขียนว่า",
    "เขียน",
)

# "On 5 May I wrote:" is the writer speaking of himself, not a mail program.
FIRST_PERSON = ("i wrote", "schrieb ich", "schreef ik", "skrev jag", "skrev jeg", "we wrote", "schrieben wir", "yazdım")

# Words an attribution opens with when it does not open with a date or a name.
OPENERS = (
    "on|am|at|le|el|il|em|op|den|il giorno|in data|w dniu|dnia|dne|în|στις|в|во|у|o|на|в/на|a|po|fre|den|ב|"
    "בתאריך|ביום|في|بتاريخ|در|در تاریخ|vào|pada|em|na|no dia|le jour|från|am datum|time|datum"
)

ORIGINAL = (
    "original message|original e-mail|original email|original mail|reply message|original appointment|"
    "original message processed by david|ursprüngliche nachricht|originalnachricht|original-nachricht|"
    "original nachricht|ursprüngliche mail|ursprüngliche e-mail|originalmail|message d'origine|"
    "message original|message initial|mail original|courriel original|mensaje original|correo original|"
    "messaggio originale|messaggio originario|mensagem original|oorspronkelijk bericht|origineel bericht|"
    "oorspronkelijke bericht|ursprungligt meddelande|originalmeddelande|ursprungligt mejl|ursprungligt mail|"
    "oprindelig meddelelse|oprindelig besked|original besked|oprindelig mail|den oprindelige meddelelse|"
    "opprinnelig melding|original melding|opprinnelig e-post|alkuperäinen viesti|wiadomość oryginalna|"
    "oryginalna wiadomość|treść oryginalnej wiadomości|původní zpráva|původní e-mail|originální zpráva|"
    "исходное сообщение|оригинальное сообщение|первоначальное сообщение|исходное письмо|"
    "оригінальне повідомлення|вихідне повідомлення|початкове повідомлення|元のメッセージ|"
    "オリジナルメッセージ|元のメール|원본 메시지|원본 메일|원본메일|원래 메시지|원본 이메일|原始邮件|原邮件|"
    "回复的原邮件|原始信件|邮件原件|原始郵件|原始訊息|原來的郵件|原郵件|الرسالة الأصلية|رسالة أصلية|"
    "پیام اصلی|پیغام اصلی|ایمیل اصلی|הודעה מקורית|ההודעה המקורית|özgün ileti|orijinal mesaj|asıl ileti|"
    "orijinal ileti|özgün mesaj|orijinal e-posta|eredeti üzenet|eredeti levél|mesaj original|"
    "mesajul original|mesaj inițial|αρχικό μήνυμα|πρωτότυπο μήνυμα|izvorna poruka|thư gốc|pesan asli|"
    "ข้อความต้นฉบับ"
)

FORWARDED = (
    "forwarded message|begin forwarded message|forwarded email|forwarded mail|forwarded by|"
    "weitergeleitete nachricht|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail|"
    "weitergeleitete mail|weitergeleitete e-mail|beginn der weitergeleiteten nachricht|message transféré|"
    "début du message transféré|début du message réexpédié|message réexpédié|courriel transféré|"
    "mensaje reenviado|inicio del mensaje reenviado|comienza el mensaje reenviado|messaggio inoltrato|"
    "inizio messaggio inoltrato|inizio del messaggio inoltrato|mensagem encaminhada|"
    "início da mensagem reencaminhada|mensagem reencaminhada|início da mensagem encaminhada|"
    "começo da mensagem encaminhada|doorgestuurd bericht|begin doorgestuurd bericht|doorgestuurde bericht|"
    "doorgezonden bericht|vidarebefordrat meddelande|vidarebefordrat brev|påbörjat vidarebefordrat brev|"
    "början på vidarebefordrat meddelande|vidarebefordrat mail|vidarebefordrat mejl|videresendt meddelelse|"
    "videresendt besked|start på videresendt besked|begynd videresendt besked|videresendt mail|"
    "videresendt melding|videresendt e-post|start på videresendt melding|begynnelse på videresendt melding|"
    "välitetty viesti|edelleenlähetetty viesti|välitetty viesti alkaa|alkaa välitetty viesti|"
    "przekazana wiadomość|wiadomość przekazana|początek przekazywanej wiadomości|"
    "początek przekazanej wiadomości|treść przekazanej wiadomości|treść przekazywanej wiadomości|"
    "přeposlaná zpráva|začátek přeposlané zprávy|předaná zpráva|přeposlaný e-mail|пересылаемое сообщение|"
    "пересланное сообщение|начало переадресованного сообщения|начало пересылаемого сообщения|"
    "начало пересылаемого письма|перенаправленное сообщение|переадресованное сообщение|пересылаемое письмо|"
    "переслане повідомлення|початок листа, що пересилається|початок пересланого повідомлення|"
    "переадресоване повідомлення|пересилане повідомлення|転送されたメッセージ|転送メッセージ|"
    "転送されたメール|転送メール|전달된 메시지|전달된 메일|전달한 메시지|다음은 전달된 메시지|전달 메시지|"
    "转发的邮件|转发邮件|转发的原邮件|转发邮件信息|转发的信息|转发的消息|开始转发邮件|开始转发的邮件|"
    "以下是转发的邮件|已转发邮件|轉寄的郵件|轉寄郵件|轉寄郵件內容|開始轉寄郵件|以下為轉寄郵件|轉發的郵件|"
    "轉寄訊息|轉發郵件|已轉寄郵件|開始轉寄訊息|رسالة محولة|رسالة معاد توجيهها|الرسالة المعاد توجيهها|"
    "بدء الرسالة المعاد توجيهها|بداية الرسالة المعاد توجيهها|إعادة توجيه الرسالة|رسالة مُعاد توجيهها|"
    "بدء الرسالة المُعاد توجيهها|الرسالة المحولة|پیام هدایت شده|پیام ارسال شده|شروع پیام هدایت شده|"
    "پیام فوروارد شده|پیام بازارسال شده|نامه هدایت شده|הודעה שהועברה|הודעה מועברת|תחילת ההודעה שהועברה|"
    "תחילת הודעה שהועברה|iletilen mesaj|yönlendirilmiş mesaj|yönlendirilen ileti|iletilen ileti|"
    "iletilmiş mesaj|iletilmiş ileti|başlangıç iletilen mesaj|yönlendirilen mesaj|iletilen e-posta|"
    "továbbított üzenet|továbbított levél|továbbított üzenet kezdete|a továbbított levél kezdete|"
    "mesaj redirecționat|mesaj redirecţionat|mesaj transmis|mesaj retrimis|începe mesajul redirecționat|"
    "începe mesajul retransmis|προωθημένο μήνυμα|προωθούμενο μήνυμα|αρχή προωθημένου μηνύματος|"
    "έναρξη προωθημένου μηνύματος|proslijeđena poruka|thư được chuyển tiếp|pesan terusan|ข้อความที่ส่งต่อ"
)

# Month names by their first letters, in normal form; the longest stem that fits wins, so that "mart" is not "mar".
MONTHS: tuple[tuple[int, str], ...] = (
    (1, "jan|ene|gen|janv|stycz|sty|led|янв|січ|янв|ian|oca|ocak|tammi|يناير|كانون الثاني|ژانویه|ינו|ιαν|ιανουαρ"),
    (2, "feb|fév|fev|febr|lut|úno|unor|фев|лют|şub|sub|helmi|فبراير|شباط|فوریه|פבר|φεβ"),
    (3, "mar|mär|mars|mrt|maa|marz|bře|bre|мар|бер|márc|maaliskuu|maalis|مارس|آذار|מרץ|μαρ|μάρ"),
    (4, "apr|avr|abr|kwi|dub|апр|кві|nis|huhti|ápr|abril|أبريل|ابريل|نيسان|آوریل|אפר|απρ"),
    (5, "may|mai|maj|mei|mag|maio|mayo|kvě|kve|май|мая|тра|máj|touko|مايو|أيار|مه|מאי|μαΐ|μαι|μάι"),
    (6, "jun|juin|giu|cze|čer|cer|июн|чер|haz|iun|kesä|يونيو|حزيران|ژوئن|יונ|ιουν|jún|ιούν"),
    (7, "jul|juil|lug|lip|čvc|červenc|июл|лип|tem|iul|heinä|يوليو|تموز|ژوئیه|יול|ιουλ|júl|ιούλ"),
    (8, "aug|août|aoû|aou|ago|sie|srp|авг|сер|ağu|agu|elo|أغسطس|آب|اوت|אוג|αυγ|αύγ"),
    (9, "sep|set|wrz|zář|zar|сен|вер|eyl|syys|szept|سبتمبر|أيلول|سپتامبر|ספט|σεπ"),
    (10, "oct|okt|ott|out|paź|paz|říj|rij|окт|жов|eki|loka|أكتوبر|تشرين الأول|اکتبر|אוק|οκτ|ekim"),
    (11, "nov|lis|list|ноя|лис|kas|marras|noi|نوفمبر|تشرين الثاني|نوامبر|נוב|νοε|νοέ|kasım"),
    (12, "dec|dez|déc|dic|gru|pro|дек|гру|ara|aralık|joulu|ديسمبر|كانون الأول|دسامبر|דצמ|δεκ"),
)
