"""A worker process: reads PDFs from its standard input until that ends.

In charge of: its own limits, and the form of question and answer. A question is a head (length, whether the
pages are wanted) and the file's bytes; the answer is a length and a pickled list of ``PdfSignature``, then,
if wanted, a length and its pages (``pdf_text.answer_of``). These come last and by themselves, so that a page
that cannot be read costs no verdict. Not in charge of: starting and ending it (``workers``).

    python -m gateway.signature.pdf_worker SECONDS MEMORY_BYTES
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import struct
import sys
from typing import BinaryIO

QUESTION = ">Q?"
LENGTH = ">Q"
READY = b"READY"
_OBJECTS = 500_000  # between two looks for garbage; some 50 MB


def main(seconds: float, memory_bytes: int) -> None:
    """Serve standard input and output; what else prints goes nowhere."""
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nowhere:
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    _limit(memory_bytes)
    from gateway.signature import pdf_read  # noqa: F401 (the warming up)
    from gateway.signature.pdf import read_pdf_signatures
    from gateway.signature.pdf_text import answer_of, read_pages

    read_pages(b"")  # warms up as well
    _tidy_between_files()
    _send(answers, READY)
    while (question := _receive(questions)) is not None:
        data, with_pages = question
        _allow_seconds(seconds)
        _answer(answers, pickle.dumps(read_pdf_signatures(data)))
        if with_pages:
            _answer(answers, answer_of(read_pages(data)))
        gc.collect()


def _tidy_between_files() -> None:
    """What is imported is never garbage, and the objects of a file seldom are before it is read: looking for
    garbage while reading costs a quarter of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS)


def _limit(memory_bytes: int) -> None:
    """No more memory than that, no files, no core dump."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_seconds(seconds: float) -> None:
    """CPU time for the next file: a worker whose server is gone must not run on."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 2, hard))


def _receive(questions: BinaryIO) -> tuple[bytes, bool] | None:
    """The next file and whether its pages are wanted, ``None`` when the server has gone."""
    head = questions.read(struct.calcsize(QUESTION))
    if len(head) < struct.calcsize(QUESTION):
        return None
    size, with_pages = struct.unpack(QUESTION, head)
    data = questions.read(size)
    return (data, with_pages) if len(data) == size else None


def _answer(answers: BinaryIO, data: bytes) -> None:
    _send(answers, struct.pack(LENGTH, len(data)) + data)


def _send(answers: BinaryIO, data: bytes) -> None:
    answers.write(data)
    answers.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
