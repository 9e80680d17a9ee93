#!/usr/bin/env python3
"""A peer that speaks the protocol with an independent model of it, over standard input and output.

usage: reference_peer.py DIRECTORY server|client|asking-client

DIRECTORY holds the model, protocol.py. The credentials are those of the tests: alice, in the realm example.net#7c1f,
w0 and w1 consist of the bytes 11 and 12. The peer writes every fault to standard error and exits with status 1.
"""
import os, signal, struct, sys

sys.path.insert(0, sys.argv[1])
import protocol as p

ID, REALM, COST = b'alice/1', b'example.net#7c1f', b'scrypt:17:8:1'
W0, W1 = (int.from_bytes(bytes([0]) + bytes([n]) * 65, 'big') for n in (11, 12))
OPEN, DATA, WINDOW, OPEN_RESULT, PING, CLOSE, KEY_UPDATE, MESSAGE, ACK = 1, 2, 3, 5, 6, 8, 9, 11, 13


def read(count):
    data = sys.stdin.buffer.read(count)
    if len(data) != count:
        raise SystemExit('the other end said %d of %d bytes' % (len(data), count))
    return data


def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def read_hello():
    head = read(8)
    return head + read(struct.unpack('>H', head[6:])[0])


class Link:
    """Records in both directions, under keys that both ends update."""

    def __init__(self, sending, opening):
        self.sending, self.opening = p.Dir(sending), p.Dir(opening)
        self.received = self.sent = self.acknowledged = 0

    def read(self):
        head = read(4)
        text = self.opening.open(head + read(int.from_bytes(head[1:], 'big')))
        self.received += 1
        frames = []
        while text and text[0]:
            kind, flags, count, stream = struct.unpack('>BBHI', text[:8])
            frames.append((kind, flags, stream, text[8:8 + count]))
            text = text[8 + count:]
        assert not any(text), 'padding'
        for place, (kind, _, _, payload) in enumerate(frames):
            if kind == ACK:
                count = struct.unpack('>Q', payload)[0]
                assert self.acknowledged <= count <= self.sent, 'ACK'
                self.acknowledged = count
            if kind == KEY_UPDATE:
                assert place == len(frames) - 1 and payload == b'\0', 'KEY_UPDATE'
                self.opening.ratchet()
        return frames

    def write(self, frames, ratchet=False):
        text = p.frame(ACK, 0, 0, struct.pack('>Q', self.received)) + frames
        write(self.sending.seal(text + (p.frame(KEY_UPDATE, 0, 0, b'\0') if ratchet else b'')))
        self.sent += 1
        if ratchet:
            self.sending.ratchet()


def serve():
    """Logs a client in and sends back its bytes in reverse order; updates its key with every fourth record."""
    look = lambda tag: (ID, W0, p.C.mul(W1, p.C.G)) if tag == p.client_tag(ID, REALM) else None
    said, hello = [], read_hello()
    while True:
        try:
            answer, state = p.pake_server(hello, os.urandom(32), p.scal(os.urandom(16)), look, REALM, pre=b''.join(said))
            break
        except p.Fail as fault:
            assert str(fault) == 'RETRY_REALM' and not said, fault
            retry = p.retry_realm(os.urandom(16), REALM, COST)
            write(retry)
            said, hello = [hello, retry], read_hello()
    write(answer)
    finish = read(72)
    p.server_check_cf(finish, state)
    secrets = p.session(state['K_shared'], p.Gate(None), said + [hello, answer, finish])
    link = Link(secrets['s_ap0'], secrets['c_ap0'])
    while True:
        reply = b''
        for kind, flags, stream, payload in link.read():
            if kind == OPEN:
                assert payload[:5] == b'\4echo', 'OPEN'
                reply += p.frame(OPEN_RESULT, 0, stream, struct.pack('>HI', 0, 0))
                reply += p.frame(WINDOW, 0, stream, struct.pack('>Q', 1 << 40))
            elif kind == DATA:
                reply += p.frame(DATA, flags, stream, payload[::-1])
            elif kind == PING and not flags:
                reply += p.frame(PING, 1, 0, payload)
            elif kind == CLOSE:
                return
        if reply or link.received % 4 == 0:
            link.write(reply, ratchet=link.sent % 4 == 3)


def call(asks):
    """Logs in, sends bytes on three streams, checks that they come back in another order, and closes."""
    random, x = os.urandom(32), p.scal(os.urandom(16))
    said = []
    if asks:
        query = p.pake_client_hello(random, None, 0, b'')
        write(query)
        said = [query, read_hello()]
        assert said[1][5] == p.RETRY and said[1][8] == 3 and REALM in said[1] and COST in said[1], 'Retry'
    hello = p.pake_client_hello(random, x, W0, p.client_tag(ID, REALM), hint=p.realm_hint(REALM, COST))
    write(hello)
    answer = read_hello()
    finish, shared, suite = p.pake_client_finish(hello, answer, x, W0, W1, ID, REALM, pre=b''.join(said))
    assert suite == p.SUITE
    secrets = p.session(shared, p.Gate(None), said + [hello, answer, finish])
    link = Link(secrets['c_ap0'], secrets['s_ap0'])
    write(finish)
    words = {1: b'the quick brown fox', 3: bytes(range(256)) * 100, 5: b''}
    for stream, text in words.items():
        half = len(text) // 2
        link.write(p.frame(OPEN, 0, stream, b'\4echo') + p.frame(DATA, 0, stream, text[:half]) if half
                   else p.frame(OPEN, 0, stream, b'\4echo'), ratchet=stream == 3)
        link.write(p.frame(DATA, 1, stream, text[half:]))
    # A MESSAGE is allowed; the other end ignores it.
    link.write(p.frame(MESSAGE, 0, 0, struct.pack('>HQ', 7, 99) + b'ask'))
    back, ended = {stream: b'' for stream in words}, set()
    while len(ended) < len(words):
        for kind, flags, stream, payload in link.read():
            if kind == DATA:
                back[stream] += payload
                if flags:
                    ended.add(stream)
    for stream, text in words.items():
        assert len(back[stream]) == len(text) and sorted(back[stream]) == sorted(text), 'stream %d' % stream
    link.write(p.frame(CLOSE, 0, 0, struct.pack('>H', 10) + b'enough'))


# A test that hangs fails after 60 seconds.
signal.alarm(60)
serve() if sys.argv[2] == 'server' else call(asks=sys.argv[2] == 'asking-client')
