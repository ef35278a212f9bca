"""State secrets never enter: marks in the header, in file names and in other systems' elements.

In charge of: finding a mark wherever the contract looks for one, in any case, accent form, Unicode form or
spacing, and saying so without quoting a word. Not in charge of: the words (``secrecy_table.py``), the text
inside PDFs (``flow`` asks ``mark_on_page``).

As words, *tối mật* and *tuyệt mật* refuse. *Mật* alone refuses only in a delimited slot (a whole field, in
brackets, around a colon or dash, after "độ mật"), because bí mật, bảo mật and mật ong are harmless. In file
names an unaccented MAT holds the document for a person.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from gateway.checks import secrecy_table as table
from gateway.checks.subject import Subject, hold, refuse
from gateway.checks.wording import clean, fold, plain, visible
from gateway.model.envelope import Envelope
from gateway.model.finding import Finding, Severity

_GAP = r"[ ._\-·•*|]{0,3}"  # what may stand between the letters of M Ậ T
_DELIMITERS = re.compile(r"[()\[\]{}<>«»:;/\n\r]|(?<= )[-–]+(?= )|—|\.(?= )")
_FILE_DELIMITERS = re.compile(r"[()\[\]{}_.,\-–—]+")
_EDGES = " .,*-–—_!#~=+\"'“”‘’"

MARKED = "secrecy.marked"  # refused as secret; "secrecy.suspected" holds


def _spaced(word: str) -> str:
    letters = (
        "[uy]" if letter == "u" else letter for letter in word
    )  # Cyrillic У: a U in sound, a Y in shape
    return _GAP.join(letters)


def _any(words: tuple[str, ...]) -> str:
    return "|".join(_spaced(word) for word in words)


_TOP = re.compile(rf"(?<!\w)(?:{_any(table.TOP_WORDS)}){_GAP}(?:{_any(table.SECRET_WORDS)})(?!\w)")
_ONE = re.compile(rf"(?<!\w)(?:{_any(table.SECRET_WORDS)})(?!\w)")
_AFTER_FRAME = re.compile(rf"(?<!\w)độ mật[ :=\-–]{{1,3}}(?:{_any(table.SECRET_WORDS)})(?!\w)")


def check_secrecy(subject: Subject) -> Iterator[Finding]:
    """QĐ 28/2018 Đ1.2: the rules of electronic sending do not apply to content that is a state secret."""
    envelope = subject.envelope
    for where, vi, en, text in _texts(envelope):
        yield from _said(mark_in_text(text), where, vi, en)
    for name in _file_names(envelope):
        yield from _said(
            mark_in_file_name(name), "AttachmentName", "Tên tệp đính kèm", "An attachment's name"
        )
    for extension in envelope.extensions:
        if _is_level(extension.path) and fold(clean(extension.text)) not in table.HARMLESS_VALUES:
            yield from _said(Severity.REFUSE, extension.path, "Thành phần mở rộng", "An extension element")


def mark_in_text(text: str) -> Severity | None:
    """REFUSE for a mark in a text field, HOLD for words that may be one, ``None`` for harmless text."""
    cleaned = clean(text)
    slots = map(_unframed, frozenset(_DELIMITERS.split(cleaned)))
    if any(_TOP.fullmatch(slot) or _ONE.fullmatch(slot) for slot in slots) or _AFTER_FRAME.search(cleaned):
        return Severity.REFUSE
    return _top_words(cleaned)


def mark_in_file_name(name: str) -> Severity | None:
    """As ``mark_in_text``, for names: words stick together by ``_``, ``-``, digits and capitals."""
    parts = [part.strip(_EDGES) for part in _FILE_DELIMITERS.split(plain(_seamed(visible(name))))]
    slots = frozenset(parts)
    joined = " ".join(parts)
    words = joined.split()
    found = [_top_words(joined)]
    for at, word in enumerate(words):
        if _ONE.fullmatch(word) and not _harmless(words, at):
            alone = word in slots and word != fold(word)  # an accented mark in a slot of its own
            found.append(Severity.REFUSE if alone else Severity.HOLD)
    if any(" " in match[0] for match in _ONE.finditer(joined)):
        found.append(Severity.HOLD)  # M_A_T
    return max((severity for severity in found if severity is not None), default=None)


def mark_on_page(text: str) -> bool:
    """True when a line of a page's text carries a mark: the flow then holds the document for a person."""
    return any(mark_in_text(line) is not None for line in text.splitlines())


def found_on_page(number: int) -> Finding:
    """The finding on a mark in the first page of attachment ``number`` (from 1); it quotes nothing."""
    return hold(
        "secrecy.on_page",
        f"Attachment {number}",
        f"Trang đầu của tệp đính kèm thứ {number} có chữ có thể là dấu chỉ độ mật. Văn bản được tạm giữ để "
        "người phụ trách xem: không mật thì cho gửi tiếp, mật thì từ chối và xử lý theo quy định.",
        f"The first page of attachment {number} holds words that may be a secrecy mark. A person decides: "
        "release the document if it is not secret, reject it if it is.",
        table.CLAUSE,
    )


def _seamed(seen: str) -> str:
    """Spaces where a digit meets a letter and where a capital follows a small letter (``QD12Mat``)."""
    rest = (f" {b}" if _seam(a, b) else b for a, b in itertools.pairwise(seen))
    return seen[:1] + "".join(rest)


def _seam(a: str, b: str) -> bool:
    digit_meets_letter = a.isalnum() and b.isalnum() and a.isalpha() != b.isalpha()
    return digit_meets_letter or (a.islower() and b.isupper())


def _top_words(cleaned: str) -> Severity | None:
    found = [match[0] for match in _TOP.finditer(cleaned)]
    if not found:
        return None
    sure = any(re.sub(_GAP, "", word) not in _AMBIGUOUS for word in found)
    return Severity.REFUSE if sure else Severity.HOLD


_AMBIGUOUS = frozenset(words.replace(" ", "") for words in table.AMBIGUOUS)


def _unframed(part: str) -> str:
    """A slot without the words that introduce a mark (``độ mật tối mật`` -> ``tối mật``)."""
    slot = part.strip(_EDGES)
    folded = fold(slot)
    frame = next((frame for frame in table.FRAMES if folded.startswith(frame + " ")), "")
    return slot[len(frame) :].strip(_EDGES)


def _harmless(words: list[str], at: int) -> bool:
    """True when the neighbours of ``words[at]`` make it a part of a common word."""
    before = words[at - 1] if at else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    if " ".join(words[max(0, at - 2) : at]) in table.NOT_BEFORE:
        before = ""
    return before in _BEFORE or after in _AFTER


def _in_both_forms(words: tuple[str, ...]) -> frozenset[str]:
    """``words``, accented alike or without any accents."""
    return frozenset(words) | frozenset(map(fold, words))


_BEFORE = _in_both_forms(table.HARMLESS_BEFORE)
_AFTER = _in_both_forms(table.HARMLESS_AFTER)


def _is_level(path: str) -> bool:
    names = re.split(r"[/@]+", path)
    return any(re.sub(r"[^a-z0-9]", "", fold(clean(name))) in table.ELEMENTS for name in names)


def _texts(envelope: Envelope) -> Iterator[tuple[str, str, str, str]]:
    """(field, its Vietnamese and English name, text). Not the reason of a recall: that may name secrecy."""
    yield "Subject", "Trích yếu", "The subject", envelope.subject
    yield "Content", "Nội dung tóm tắt", "The summary", envelope.content
    yield "DocumentType/TypeName", "Tên loại văn bản", "The type name", envelope.document_type.name
    for appendix in envelope.other.appendixes:
        yield "OtherInfo/Appendixes/Appendix", "Tên phụ lục", "An appendix title", appendix
    described = [item.description for item in envelope.references]
    described += [item.description for item in envelope.attachments]
    for text in dict.fromkeys(described):
        yield "Attachment/Description", "Mô tả tệp đính kèm", "An attachment's description", text


def _file_names(envelope: Envelope) -> list[str]:
    promised = [item.name for item in envelope.references]
    return list(dict.fromkeys([*promised, *(item.name for item in envelope.attachments)]))


def _said(severity: Severity | None, where: str, vi: str, en: str) -> Iterator[Finding]:
    if severity is Severity.REFUSE:
        yield refuse(
            MARKED,
            where,
            f"{vi} có dấu chỉ độ mật. Trục không nhận văn bản mật: hãy gửi theo quy định về bảo vệ bí mật "
            "nhà nước. Nếu văn bản không mật, hãy sửa mục này rồi gửi lại.",
            f"{en} carries a secrecy mark. Secret documents never enter here: use the channel for state "
            "secrets. If the document is not secret, correct this field and send again.",
            table.CLAUSE,
        )
    elif severity is Severity.HOLD:
        yield hold(
            "secrecy.suspected",
            where,
            f"{vi} có chữ có thể là dấu chỉ độ mật. Văn bản được tạm giữ để người phụ trách xem: không mật "
            "thì cho gửi tiếp, mật thì từ chối và xử lý theo quy định.",
            f"{en} holds words that may be a secrecy mark. A person decides: release the document if it is "
            "not secret, reject it if it is.",
            table.CLAUSE,
        )
