"""What is said of an attempt, in the language of whoever reads it. Pure.

SIP's own phrases are those of RFC 3261 (21); causes are named as in Q.850.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from waybell.attempts.values import Attempt, Verdict, Why

Language = Literal["en", "ru"]

_EN_WHY = {
    Why.TALKED: "the recipient answered",
    Why.NO_ANSWER: "nobody answered",
    Why.BUSY: "the recipient's phone was busy",
    Why.DECLINED: "the recipient declined the call",
    Why.UNREACHABLE: "the recipient's phone could not be reached",
    Why.CALLER_GAVE_UP: "the caller hung up while it rang",
    Why.INTERRUPTED: "the call broke off",
    Why.CALLER_NOT_REACHED: "not dialled: the caller's own phone was not answered",
    Why.CALLER_NOT_CONFIRMED: "not dialled: the caller did not confirm the call",
    Why.CANCELLED: "not dialled: the call was taken back",
    Why.NOT_PLACED: "not dialled: a rule stood against it",
}
_RU_WHY = {
    Why.TALKED: "получатель ответил",
    Why.NO_ANSWER: "никто не ответил",
    Why.BUSY: "телефон получателя был занят",
    Why.DECLINED: "получатель отклонил звонок",
    Why.UNREACHABLE: "телефон получателя недоступен",
    Why.CALLER_GAVE_UP: "звонивший положил трубку, пока шёл вызов",
    Why.INTERRUPTED: "звонок прервался",
    Why.CALLER_NOT_REACHED: "не набирали: сам звонивший не взял трубку",
    Why.CALLER_NOT_CONFIRMED: "не набирали: звонивший не подтвердил звонок",
    Why.CANCELLED: "не набирали: звонок отменён",
    Why.NOT_PLACED: "не набирали: звонок не разрешён правилом",
}
_EN_VERDICT = {verdict: verdict.value for verdict in Verdict}
_RU_VERDICT = {
    Verdict.REACHED: "дозвонились",
    Verdict.GENUINE: "настоящая попытка",
    Verdict.TOO_SHORT: "слишком коротко",
    Verdict.UNREACHABLE: "недоступен",
    Verdict.REFUSED: "отклонён",
}
_EN_CAUSES = {
    1: "unallocated number",
    2: "no route to the network",
    3: "no route to destination",
    16: "normal call clearing",
    17: "user busy",
    18: "no user responding",
    19: "no answer from user",
    20: "subscriber absent",
    21: "call rejected",
    22: "number changed",
    26: "answered elsewhere",
    27: "destination out of order",
    28: "invalid number format",
    29: "facility rejected",
    31: "normal, unspecified",
    34: "no circuit available",
    38: "network out of order",
    41: "temporary failure",
    42: "switching equipment congestion",
    44: "requested circuit not available",
    47: "resource unavailable",
    50: "facility not subscribed",
    57: "bearer capability not authorized",
    58: "bearer capability not available",
    63: "service not available",
    65: "bearer capability not implemented",
    79: "service not implemented",
    88: "incompatible destination",
    96: "mandatory information missing",
    102: "timer expired",
    111: "protocol error",
    127: "interworking, unspecified",
}
_RU_CAUSES = {
    1: "номер не существует",
    2: "нет маршрута к сети",
    3: "нет маршрута к абоненту",
    16: "обычное завершение вызова",
    17: "абонент занят",
    18: "телефон абонента не отвечает сети",
    19: "абонент не ответил",
    20: "абонент вне сети",
    21: "вызов отклонён",
    22: "номер изменён",
    26: "ответили на другом телефоне",
    27: "линия абонента неисправна",
    28: "неверный формат номера",
    29: "услуга отклонена",
    31: "обычное завершение, без подробностей",
    34: "нет свободного канала",
    38: "сеть неисправна",
    41: "временный сбой",
    42: "перегрузка оборудования",
    44: "запрошенный канал недоступен",
    47: "нет ресурсов сети",
    50: "услуга не подключена",
    57: "вид связи не разрешён",
    58: "вид связи сейчас недоступен",
    63: "услуга недоступна",
    65: "вид связи не поддерживается",
    79: "услуга не поддерживается",
    88: "несовместимое оборудование абонента",
    96: "не хватает обязательных данных",
    102: "истекло время ожидания",
    111: "ошибка протокола",
    127: "взаимодействие сетей, без подробностей",
}
_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}


@dataclass(frozen=True, slots=True)
class Words:
    """All the words of one language. ``labels`` are those of the page."""

    language: Language
    why: Mapping[Why, str]
    verdicts: Mapping[Verdict, str]
    causes: Mapping[int, str]
    labels: Mapping[str, str]

    def cause(self, one: Attempt) -> str:
        """The Q.850 cause with its name; empty where none is known."""
        if one.cause is None:
            return ""
        name = self.causes.get(one.cause)
        return f"Q.850 {one.cause}" + (f" {name}" if name else "")

    def sip(self, one: Attempt) -> str:
        """The SIP status with its phrase; empty where none is known."""
        return f"SIP {one.sip_status} {_PHRASES.get(one.sip_status, '')}".rstrip() if one.sip_status else ""

    def ended(self, one: Attempt) -> str:
        """How it ended, in one line."""
        rule = f" ({one.rule})" if one.rule else ""
        details = ", ".join(filter(None, (self.cause(one), self.sip(one))))
        return self.why[one.why] + rule + (f"; {details}" if details else "")


_EN_LABELS = {
    "title": "Attempts to reach the recipient of parcel {parcel}",
    "summary": "{attempts} attempts: {verdicts}.",
    "none": "No attempt was made.",
    "at": "Time ({zone})",
    "by": "Who called",
    "number": "Number",
    "rang": "Rang, s",
    "ended": "How it ended",
    "verdict": "Verdict",
    "id": "Journal id",
    "contact": "the recipient called: {how}",
    "answered": "answered by {who}, talked {seconds} s",
    "unanswered": "nobody answered",
    "somebody": "somebody",
    "rule": "Ringing counts from dialling. It is a genuine attempt from {seconds} s on, or when the phone was busy.",
    "incomplete": "This is not all: there is more about this parcel than fits.",
    "made": "Made {made} by Waybell {version} from the telephone system's log. Numbers are shown in part.",
    "revealed": "Made {made} by Waybell {version} from the telephone system's log.",
    "check": "Checksum (SHA-256): {checksum}. To check: ask for the attempts of this parcel with until={until}.",
    "page": "page {page} of {pages}",
}
_RU_LABELS = {
    "title": "Попытки дозвониться до получателя отправления {parcel}",
    "summary": "Попыток: {attempts}; из них {verdicts}.",
    "none": "Попыток не было.",
    "at": "Время ({zone})",
    "by": "Кто звонил",
    "number": "Номер",
    "rang": "Вызов, с",
    "ended": "Чем кончилось",
    "verdict": "Оценка",
    "id": "Номер в журнале",
    "contact": "звонил получатель: {how}",
    "answered": "ответил(а) {who}, говорили {seconds} с",
    "unanswered": "никто не ответил",
    "somebody": "кто-то",
    "rule": "Время вызова считается с набора. От {seconds} с, или если телефон занят, это настоящая попытка.",
    "incomplete": "Это не всё: об этом отправлении есть больше, чем помещается.",
    "made": "Составлено {made}, Waybell {version}, по журналу телефонной станции. Номера показаны не полностью.",
    "revealed": "Составлено {made}, Waybell {version}, по журналу телефонной станции.",
    "check": "Контрольная сумма (SHA-256): {checksum}. Для проверки запросите попытки с until={until}.",
    "page": "страница {page} из {pages}",
}

WORDS: Mapping[Language, Words] = MappingProxyType(
    {
        "en": Words("en", _EN_WHY, _EN_VERDICT, _EN_CAUSES, _EN_LABELS),
        "ru": Words("ru", _RU_WHY, _RU_VERDICT, _RU_CAUSES, _RU_LABELS),
    }
)
