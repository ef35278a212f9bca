"""The nursery of PDF workers, and one worker: reads PDFs from its socket until that ends.

In charge of: importing once and forking on demand, a worker's limits, and the form of question and answer.
A question is a head (length, whether the pages are wanted) and the file's bytes; the answer is a length and a
pickled list of ``PdfSignature``, then, if wanted, a length and its pages (``pdf_text.answer_of``). These come
last and by themselves, so that a page that cannot be read costs no verdict. Not in charge of: starting and
ending processes (``nursery``, ``workers``).

    python -m gateway.signature.pdf_worker SECONDS MEMORY_BYTES     (standard input: a socket of ``nursery``)
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from typing import BinaryIO

QUESTION = ">Q?"
LENGTH = ">Q"
CHILD = ">I"  # process id of a worker, beside its pidfd
READY = b"READY"
FORK = b"FORK"
_OBJECTS = 500_000  # between two looks for garbage; some 50 MB


def main(seconds: float, memory_bytes: int) -> None:
    """Fork a worker for each socket that comes; what prints goes nowhere. Ends when the server is gone."""
    control = socket.socket(fileno=os.dup(0))
    control.setblocking(True)
    with open(os.devnull, "r+b") as nowhere:
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which tells us
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries our children
    _warm_up()
    control.send(READY)
    while True:
        said, fds, _, _ = socket.recv_fds(control, len(FORK), 1)
        if said != FORK or len(fds) != 1:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _work(socket.socket(fileno=fds[0]), seconds, memory_bytes)
        os.close(fds[0])
        pidfd = os.pidfd_open(pid)
        socket.send_fds(control, [struct.pack(CHILD, pid)], [pidfd])
        os.close(pidfd)


def _warm_up() -> None:
    """Import what reading needs. What is imported is never garbage, and the objects of a file seldom are
    before it is read: looking for garbage while reading costs a quarter of the time, and would make each
    worker write to pages that they share."""
    from gateway.signature import pdf_read  # noqa: F401 (the warming up)
    from gateway.signature.pdf import read_pdf_signatures
    from gateway.signature.pdf_text import read_pages

    read_pages(b"")  # warms up as well
    read_pdf_signatures(b"")
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS)


def _work(peer: socket.socket, seconds: float, memory_bytes: int) -> None:
    """The life of one worker; does not return."""
    code = 1
    try:
        _limit(memory_bytes)
        _answer_all(peer.makefile("rb"), peer.makefile("wb"), seconds)
        code = 0
    finally:
        os._exit(code)


def _answer_all(questions: BinaryIO, answers: BinaryIO, seconds: float) -> None:
    from gateway.signature.pdf import read_pdf_signatures
    from gateway.signature.pdf_text import answer_of, read_pages

    while (question := _receive(questions)) is not None:
        data, with_pages = question
        _allow_seconds(seconds)
        _answer(answers, pickle.dumps(read_pdf_signatures(data)))
        if with_pages:
            _answer(answers, answer_of(read_pages(data)))
        del data, question
        gc.collect()


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
    answers.write(struct.pack(LENGTH, len(data)) + data)
    answers.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
