"""Throw spoilt bytes at every parser of what services send: `python -m tests.fuzz`.

The invariant: whatever the bytes, a parser gives a value or raises WireError (a step of the walk
also Untrusted, a reader of HTTP answers CheckFailure), within MOST_MEMORY bytes and MOST_SECONDS
seconds. An input that breaks it is kept in tests/fuzz_findings/, and the exit code is 1.

Inputs are the vectors and the recordings, changed at random. Batch n of a target is the same for
the same --seed, however many processes share the work.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

from check_mapi_connectivity.base.clouds import MICROSOFT
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.mapihttp import (
    autodiscover,
    discovery,
    dump,
    envelope,
    lz77,
    properties,
    responses,
    rops,
    rpcext,
)
from check_mapi_connectivity.mapihttp.reader import Reader, WireError

from . import fuzz_answers, fuzz_carriers, fuzz_nspi
from .mapihttp.material import (
    CUT_COLUMNS,
    EXAMPLES,
    RECORDINGS,
    VECTORS,
    dechunked,
    flagged_row,
    plain,
    questions,
    standard_row,
)

FINDINGS = Path(__file__).resolve().parent / "fuzz_findings"

BATCH = 500
MOST_MEMORY = 256 << 20
MOST_SECONDS = 20

#: Numbers where counts, sizes and flags change their meaning.
INTERESTING = (0, 1, 2, 4, 7, 8, 0x0A, 0x7F, 0x80, 0xFF, 0x100, 0x478, 0x7FFF, 0x8000, 0xFFFF)
INTERESTING += (0x10000, 0x40380, 0x100000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

#: Words that mean something to one of the parsers.
WORDS = tuple(
    word.encode()
    for word in (
        *("PROCESSING", "PENDING", "DONE", "\r\n", "X-ResponseCode: 1", "\0\0", "sid=", "; ", ","),
        *("<Protocol Type='mapiHttp'>", "</Protocol>", "<Error>", "<Action>redirectUrl</Action>"),
        *("<Action>redirectAddr</Action>", "<RedirectAddr>a@b.example</RedirectAddr>", "&#0;"),
        *("<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "<![CDATA[", "]]>", "xmlns:x='y'", "<x:a/>"),
        *("<?xml version='1.0' encoding='", "utf-16", "utf-7", "hex", "\ufeff", "</Account>"),
        *("<RedirectUrl>https://autodiscover.contoso.com/</RedirectUrl>", "//", "@", "\\"),
    )
)

SESSION = [exchange for exchange in RECORDINGS if exchange.kind and exchange.status == 200]
EXECUTES = [exchange for exchange in SESSION if exchange.kind == "Execute"]
DOCUMENTS = [exchange.body for exchange in RECORDINGS if not exchange.kind]
REDIRECTS = [
    f"<Autodiscover><Response><Account>{account}</Account></Response></Autodiscover>".encode()
    for account in (
        "<Action>redirectAddr</Action><RedirectAddr>b@sub.contoso.com</RedirectAddr>",
        "<Action>redirectUrl</Action><RedirectUrl>https://contoso.com/x</RedirectUrl>",
    )
]
ENTITIES = [exchange.body for exchange in SESSION]


def bodies(kind: str) -> list[bytes]:
    """The recorded answers to a request type, and the vectors, without meta-tags."""
    found = [envelope.strip(entry.body).body for entry in SESSION if entry.kind == kind]
    layer = [vector for vector in VECTORS.values() if vector.layer == "http-body"]
    return found + [vector.data for vector in layer if not vector.asked]


def sent(kind: str) -> list[bytes]:
    """The recorded requests of a type, and the vectors."""
    layer = [vector for vector in VECTORS.values() if vector.layer == "http-body"]
    return [entry.sent for entry in SESSION if entry.kind == kind] + [
        vector.data for vector in layer if vector.asked
    ]


#: What an answer may have been asked with; the first byte of an input chooses.
ASKED = [questions(VECTORS[name].data) for name in ("C19-execute2-req", "C23-execute-oneshot-req")]
ASKED += [questions(EXECUTES[0].sent), questions(EXECUTES[-1].sent)]
ASKED += [
    [rops.Logon("/o=Contoso"), rops.OpenFolder(0, 1, bytes(8)), rops.Release(0)],
    [rops.GetPropertiesSpecific(0, CUT_COLUMNS), rops.QueryRows(0, 50)],
    [
        rops.SetColumns(0, tuple(0x30000000 | kind for kind in properties.TYPES)),
        rops.QueryRows(0, 9),
    ],
    [rops.SetColumns(0, (0x30000000, 0x3001101F, 0x30021102)), rops.QueryRows(0, 9)],
    [],
]


def _lz77(data: bytes) -> object:
    return lz77.decompress(data[2:], int.from_bytes(data[:2], "little"))


def _responses(data: bytes) -> object:
    """Payloads, each behind its length; the first byte chooses the requests."""
    reader = Reader(data, "input")
    asked = ASKED[reader.u8() % len(ASKED)]
    payloads = []
    while reader.remaining > 2:
        size = min(reader.u16(), reader.remaining)
        payloads.append(reader.take(size))
    return responses.read(payloads, asked)


def _rows(data: bytes) -> object:
    return properties.row(Reader(data, "row"), [tag for tag, *_ in EXAMPLES])


def _dump_request(data: bytes) -> object:
    kinds = (*envelope.REQUESTS, "PING")
    return dump.request(kinds[data[0] % 4] if data else "", data[1:])


def _dump_answer(data: bytes) -> object:
    exchange = SESSION[data[0] % len(SESSION)] if data else SESSION[0]
    return dump.answer(exchange.kind, exchange.sent, data[1:], lambda _: "ecSome")


def _cookies(data: bytes) -> object:
    found: dict[str, str] = {}
    envelope.keep_cookies(found, data.decode("latin-1").split("\n"))
    return envelope.headers("Execute", "a", "b", 1, found)


def _walk(data: bytes) -> object:
    walk = discovery.Walk("a@contoso.com", discovery.Trust("a@contoso.com", (), MICROSOFT))
    try:
        if data[:1] == b"<":
            return walk.answered(data)
        return walk.redirected(data.decode("latin-1"))
    except discovery.Untrusted as error:
        return str(error)


def _framed(payloads: list[bytes]) -> bytes:
    return b"".join(len(payload).to_bytes(2, "little") + payload for payload in payloads)


def _payload_corpus() -> list[bytes]:
    answers = [
        envelope.execute_response(body).payloads for body in bodies("Execute") if len(body) > 150
    ]
    rest = [
        vector.data for vector in VECTORS.values() if vector.layer == "rop" and not vector.asked
    ]
    answers += [[rops.RopList(data, (1,)).encode()] for data in rest]
    return [
        bytes([number]) + _framed(payloads) for number in range(len(ASKED)) for payloads in answers
    ]


class Target(NamedTuple):
    """A parser and what its inputs are made of: at first only what it reads."""

    parser: object
    corpus: list[bytes]


def targets() -> dict[str, Target]:
    """All targets by name."""
    compressed = [
        len(plain(vector)).to_bytes(2, "little") + vector.data
        for vector in VECTORS.values()
        if vector.layer == "lz77"
    ]
    frames = [vector.data for vector in VECTORS.values() if vector.layer == "rop-ext"]
    frames += [envelope.strip(entry.body).body[16:-4] for entry in EXECUTES]
    blocks = [VECTORS["C02-connect-ok"].data[53:]]
    lists = [request.encode() for asked in ASKED for request in asked] + [
        b"".join(request.encode() for request in asked) for asked in ASKED
    ]
    inner = [vector.data for vector in VECTORS.values() if vector.layer == "http-inner"]
    inner.append(dechunked(VECTORS["C31-http-chunked"].data))
    found = {
        "lz77": Target(_lz77, compressed),
        "unpack": Target(rpcext.unpack, frames),
        "auxiliary": Target(rpcext.auxiliary, blocks + frames),
        "row": Target(_rows, [standard_row(EXAMPLES), flagged_row(EXAMPLES)]),
        "requests": Target(lambda data: rops.requests(rops.RopList(data, ())), lists),
        "responses": Target(_responses, _payload_corpus()),
        "strip": Target(envelope.strip, ENTITIES + inner),
        "cookies": Target(
            _cookies, [b"sid=a\nsequence=b; Path=/mapi; Secure\nMapiContext=MAPI=x=="]
        ),
        "autodiscover": Target(autodiscover.read, DOCUMENTS + REDIRECTS),
        "autodiscover.json": Target(
            autodiscover.read_json, [b'{"Protocol":"AutodiscoverV1","Url":"https://a.example/x"}']
        ),
        "walk": Target(
            _walk, [*DOCUMENTS, *REDIRECTS, b"https://autodiscover.contoso.com/x", b"/a?b#c"]
        ),
        "dump.request": Target(
            _dump_request,
            [bytes([n]) + data for n, kind in enumerate(envelope.REQUESTS) for data in sent(kind)],
        ),
        "dump.answer": Target(
            _dump_answer,
            [bytes([n]) + body for n, entry in enumerate(SESSION) for body in (entry.body, *inner)],
        ),
    }
    for kind in envelope.REQUESTS:
        found[f"{kind} request"] = Target(partial(envelope.read_request, kind), sent(kind))
        found[f"{kind} response"] = Target(envelope.RESPONSES[kind], bodies(kind))
    for named in (fuzz_answers.TARGETS, fuzz_carriers.TARGETS, fuzz_nspi.TARGETS):
        found.update({name: Target(*both) for name, both in named.items()})
    return {
        name: Target(parser, [data for data in corpus if _reads(parser, data)])
        for name, (parser, corpus) in found.items()
    }


def _reads(parser, data: bytes) -> bool:
    try:
        parser(data)
    except (WireError, CheckFailure):
        return False
    return True


def changed(rng: random.Random, corpus: list[bytes]) -> bytes:
    """One input: an entry of the corpus, changed in one to six places."""
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        position = rng.randrange(len(data) + 1)
        way = rng.randrange(9)
        if way <= 1 and position < len(data):
            data[position] ^= 1 << rng.randrange(8)
        elif way == 2 and position < len(data):
            data[position] = rng.randrange(256)
        elif way == 3:
            size = rng.choice((1, 2, 2, 4))
            value = rng.choice(INTERESTING) & ((1 << 8 * size) - 1)
            data[position : position + size] = value.to_bytes(size, rng.choice(("little", "big")))
        elif way == 4:
            end = rng.choice((len(data), position + rng.randrange(16)))
            del data[position:end]
        elif way == 5:
            other = rng.choice(corpus)
            start = rng.randrange(len(other) + 1)
            data[position:] = other[start:]
        elif way == 6:
            block = data[position : position + rng.randrange(1, 64)]
            data[position:position] = block * rng.choice((1, 1, 2, 16, 200))
        elif way == 7:
            data[position:position] = rng.choice(WORDS)
        else:
            data[position : position + rng.randrange(4)] = rng.randbytes(rng.randrange(1, 9))
    return bytes(data)


def keep(name: str, data: bytes, error: BaseException) -> str:
    """Write an input that breaks the invariant, and say so."""
    FINDINGS.mkdir(exist_ok=True)
    path = FINDINGS / f"{name.replace(' ', '-')}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return f"{name}: {error!r} escapes, kept in {path}"


def _too_slow(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"more than {MOST_SECONDS} s")


TARGETS = targets()


def _prepare() -> None:
    """Of a worker: bound its memory from here on, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _too_slow)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def batch(work: tuple[str, int, int, int]) -> tuple[int, int, list[str]]:
    """Run one batch: how many executions, how many values they gave, and what was found."""
    name, seed, number, size = work
    target, rng = TARGETS[name], random.Random(f"{seed}/{name}/{number}")
    inputs = [changed(rng, target.corpus) for _ in range(size)]
    found, values = [], 0
    for data in inputs:
        signal.alarm(MOST_SECONDS)
        try:
            target.parser(data)
            values += 1
        except (WireError, CheckFailure):
            pass
        except BaseException as error:
            found.append(keep(name, data, error))
    signal.alarm(0)
    return len(inputs), values, found


def run(name: str, pool, options: argparse.Namespace) -> list[str]:
    """Fuzz one target for the given time or number of executions."""
    begin = time.monotonic()
    count, values, number, found = 0, 0, 0, []
    wanted = options.executions or sys.maxsize
    while count < wanted and (options.executions or time.monotonic() - begin < options.seconds):
        batches = min(8 * options.processes, -(-(wanted - count) // BATCH))
        work = [(name, options.seed, number + further, BATCH) for further in range(batches)]
        number += batches
        for executions, read, broken in pool.imap_unordered(batch, work):
            count, values = count + executions, values + read
            found += broken
    elapsed = time.monotonic() - begin
    print(
        f"{name:20} {count:>9} executions in {elapsed:6.1f} s, {count / elapsed:>7.0f} per second,"
        f" {100 * values // count:>3} % read, {len(found)} findings",
        flush=True,
    )
    for line in found[:20]:
        print(f"  {line}", flush=True)
    return found


def main() -> int:
    """Run all targets, or those named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__.split("\n")[0]
    )
    names = list(TARGETS)
    parser.add_argument("--seconds", type=float, default=60, help="for each target (default: 60)")
    parser.add_argument("--executions", type=int, help="for each target, instead of --seconds")
    parser.add_argument(
        "--target", action="append", choices=names, help="only this one; repeatable"
    )
    parser.add_argument("--seed", type=int, default=1, help="(default: 1)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    found = []
    with multiprocessing.get_context("fork").Pool(options.processes, _prepare) as pool:
        for name in options.target or names:
            found += run(name, pool, options)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
