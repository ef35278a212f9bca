"""Whether a PDF opens, how many pages it has, which version: without trusting it."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfWriter

from gateway.signature.pdf import read_pdf
from gateway.signature.pdf_facts import Pages
from gateway.signature.pdf_text import answer_of, pages_in, read_pages
from tests.files_world import make_page


def written(pages: int, password: str = "") -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if password:
        writer.encrypt(password)
    writer.write(out)
    return out.getvalue()


def test_a_sound_file_opens_and_its_pages_are_counted() -> None:
    pages = read_pdf(written(3)).pages
    assert (pages.opens, pages.count, pages.version) == (True, 3, "1.3")


def test_a_file_with_a_password_does_not_open() -> None:
    assert read_pages(written(1, "x")).opens is False


@pytest.mark.parametrize("data", [b"%PDF-1.7\n%%EOF\n", b"%PDF-1.5 /Page", make_page()[:400]])
def test_a_file_without_readable_pages_does_not_open(data: bytes) -> None:
    pages = read_pdf(data).pages
    assert (pages.opens, pages.count) == (False, 0)


def test_what_a_worker_says_comes_back_as_it_was() -> None:
    pages = Pages(True, 2, "1.7", "Số: 362/UBND \ud800")
    assert pages_in(answer_of(pages)) == pages


@pytest.mark.parametrize(
    "answer", [b"", b"[1]", b'["yes",1,"1.7",""]', b'[true,1,"1.7 and more",""]', b"[true,1,1,1]"]
)
def test_an_answer_of_another_form_is_none(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"pages|Expecting|unpack"):
        pages_in(answer)
