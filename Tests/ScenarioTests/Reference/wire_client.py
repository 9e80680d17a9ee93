#!/usr/bin/env python3
"""A client of the protocol that shares no code with the product, over a socket, with a real password.

usage: wire_client.py PORT USER PASSWORD-FILE SERVICE

It asks for the realm, logs in, moves bytes through a stream to SERVICE, which must be an echo service, and updates its key
meanwhile. Then it asks for an unknown service, which the server must refuse, and closes. It writes every fault to standard
error and exits with status 1.

The arithmetic uses Python's integers and is not constant-time: for tests only.
"""
import hashlib, hmac, os, secrets, signal, socket, struct, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# ------------------------------------------------------------------------------------------------- P-521
PRIME = 2**521 - 1
ORDER = 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409
B = 0x051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00
G = (0x0c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66,
     0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650)


def add(p, q):
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0]:
        if (p[1] + q[1]) % PRIME == 0:
            return None
        slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, PRIME)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, PRIME)
    x = (slope * slope - p[0] - q[0]) % PRIME
    return x, (slope * (p[0] - x) - p[1]) % PRIME


def mul(k, p):
    result = None
    for bit in bin(k % ORDER)[2:]:
        result = add(result, result)
        if bit == '1':
            result = add(result, p)
    return result


def negative(p):
    return p[0], -p[1] % PRIME


def encode(p):
    return b'\4' + p[0].to_bytes(66, 'big') + p[1].to_bytes(66, 'big')


def decode(data):
    if data[0] == 4:
        assert len(data) == 133, 'point'
        p = int.from_bytes(data[1:67], 'big'), int.from_bytes(data[67:], 'big')
    else:
        x = int.from_bytes(data[1:], 'big')
        y = pow(x * x * x - 3 * x + B, (PRIME + 1) // 4, PRIME)
        p = x, y if y & 1 == data[0] & 1 else PRIME - y
    assert (p[1] * p[1] - p[0] ** 3 + 3 * p[0] - B) % PRIME == 0, 'a point that is not on the curve'
    return p


# The constants of RFC 9383.
M = decode(bytes.fromhex('02003f06f38131b2ba2600791e82488e8d20ab889af753a41806c5db18d37d85608cfae06b82e4a72cd744c7'
                         '19193562a653ea1f119eef9356907edc9b56979962d7aa'))
N = decode(bytes.fromhex('0200c7924b9ec017f3094562894336a53c50167ba8c5963876880542bc669e494b2532d76c5b53dfb349fdf6'
                         '9154b9e0048c58a42e8ed04cef052a3bc349d95575cd25'))


# ------------------------------------------------------------------------------------------------- keys
def sha(data):
    return hashlib.sha512(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha512).digest()


def sized(data):
    return len(data).to_bytes(8, 'little') + data


def expand(key, info, count):
    output, block = b'', b''
    while len(output) < count:
        block = mac(key, block + info + bytes([len(output) // 64 + 1]))
        output += block
    return output[:count]


def label(secret, name, context, count):
    name = b'sally1 ' + name
    return expand(secret, struct.pack('>HB', count, len(name)) + name + bytes([len(context)]) + context, count)


class Direction:
    """One direction of the records."""

    def __init__(self, secret):
        self.secret, self.number = secret, 0
        self.cipher, self.iv = AESGCM(label(secret, b'key', b'', 32)), label(secret, b'iv', b'', 12)

    def nonce(self):
        self.number += 1
        return bytes(a ^ b for a, b in zip(self.iv, (self.number - 1).to_bytes(12, 'big')))

    def seal(self, text):
        head = b'\xd1' + (len(text) + 16).to_bytes(3, 'big')
        return head + self.cipher.encrypt(self.nonce(), text, head)

    def open(self, head, sealed):
        return self.cipher.decrypt(self.nonce(), sealed, head)

    def next(self):
        return Direction(label(self.secret, b'upd', b'', 64))


# ------------------------------------------------------------------------------------------------- handshake
HELLO, ANSWER, FINISH, RETRY = 1, 2, 3, 4
TAG, SHARE, PARAMS, HINT, CONFIRM = 1, 2, 4, 5, 0x7ff0
WINDOW_SIZE = 1 << 18
OWN_PARAMS = struct.pack('>IIIIHHI', 65536, WINDOW_SIZE, WINDOW_SIZE, 1024, 0, 0, 0)


def message(kind, body):
    return b'\xf5SLY\1' + bytes([kind]) + struct.pack('>H', len(body)) + body


def element(tag, value):
    return struct.pack('>HH', tag, len(value)) + value


def elements(data):
    found = {}
    while data:
        tag, count = struct.unpack('>HH', data[:4])
        found[tag], data = data[4:4 + count], data[4 + count:]
    return found


class Link:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.sent = self.received = self.acknowledged = 0

    def take(self, count):
        data = b''
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, 'the server ended after %d of %d bytes' % (len(data), count)
            data += part
        return data

    def take_message(self, kind):
        head = self.take(8)
        assert head[:6] == b'\xf5SLY\1' + bytes([kind]), 'not message %d: %s' % (kind, head.hex())
        return head + self.take(struct.unpack('>H', head[6:])[0])

    def login(self, user, password):
        start = os.urandom(32) + bytes([1, 1, 1, 0, 1]) + struct.pack('>H', 0x0101)
        # A client that does not know the realm yet sends a hint of zeros.
        query = message(HELLO, start + element(PARAMS, OWN_PARAMS) + element(HINT, bytes(8)))
        self.socket.sendall(query)
        retry = self.take_message(RETRY)
        assert retry[8] == 3, 'no answer to the question for the realm'
        rest = retry[26:]
        realm, rest = rest[1:1 + rest[0]], rest[1 + rest[0]:]
        cost = rest[1:1 + rest[0]]
        name, power, block, lanes = cost.split(b':')
        assert (name, block, lanes) == (b'scrypt', b'8', b'1'), cost

        stretched = hashlib.scrypt(sized(password) + sized(user) + sized(realm), salt=b'sally1 scrypt', n=1 << int(power),
                                   r=8, p=1, maxmem=(1 << int(power) + 10) + (1 << 24), dklen=164)
        w0, w1 = (int.from_bytes(half, 'big') % ORDER for half in (stretched[:82], stretched[82:]))
        x = secrets.randbelow(ORDER - 1) + 1
        share = encode(add(mul(x, G), mul(w0, M)))
        tag = sha(b'sally1 tag\0' + sized(realm) + sized(user))[:16]
        hint = sha(b'sally1 realm\0' + sized(realm) + sized(cost))[:8]
        hello = message(HELLO, start + element(TAG, tag) + element(SHARE, share) + element(PARAMS, OWN_PARAMS)
                        + element(HINT, hint))
        self.socket.sendall(hello)
        answer = self.take_message(ANSWER)
        assert answer[40:46] == bytes([1, 1, 0, 1, 1, 0]), 'version, mode, flags, suite'
        fields = elements(answer[46:])
        self.params = struct.unpack('>IIIIHHI', fields[PARAMS])

        peer = decode(fields[SHARE])
        stripped = add(peer, negative(mul(w0, N)))
        said = query + retry + hello + answer
        context = b'sally1 spake2+ P521-SHA512-HKDF-SHA512-HMAC-SHA512\0' + sha(said[:-64])
        transcript = b''.join(sized(part) for part in (
            context, user, realm, encode(M), encode(N), share, fields[SHARE], encode(mul(x, stripped)),
            encode(mul(w1, stripped)), w0.to_bytes(66, 'big')))
        main = mac(bytes(64), sha(transcript))
        confirmation = expand(main, b'ConfirmationKeys', 128)
        assert hmac.compare_digest(mac(confirmation[64:], share), fields[CONFIRM]), 'the password is wrong'
        finish = message(FINISH, mac(confirmation[:64], fields[SHARE]))
        self.socket.sendall(finish)
        secret = mac(bytes(64), expand(main, b'SharedKey', 64))
        self.sending, self.opening = (Direction(label(secret, name, sha(said), 64)) for name in (b'c ap', b's ap'))


# ------------------------------------------------------------------------------------------------- frames
OPEN, DATA, WINDOW, RESET, OPEN_RESULT, PING, CLOSE, KEY_UPDATE, ACK = 1, 2, 3, 4, 5, 6, 8, 9, 13
NO_SERVICE = 0x105


def frame(kind, flags, stream, payload):
    return struct.pack('>BBHI', kind, flags, len(payload), stream) + payload


class Session(Link):
    def write(self, frames, new_key=False):
        text = frame(ACK, 0, 0, struct.pack('>Q', self.received)) + frames
        self.socket.sendall(self.sending.seal(text + (frame(KEY_UPDATE, 0, 0, b'\0') if new_key else b'')))
        self.sent += 1
        if new_key:
            self.sending = self.sending.next()

    def read(self):
        head = self.take(4)
        text = self.opening.open(head, self.take(int.from_bytes(head[1:], 'big')))
        self.received += 1
        while text and text[0]:
            kind, flags, count, stream = struct.unpack('>BBHI', text[:8])
            payload, text = text[8:8 + count], text[8 + count:]
            if kind == ACK:
                count = struct.unpack('>Q', payload)[0]
                assert self.acknowledged <= count <= self.sent, 'ACK of %d' % count
                self.acknowledged = count
            elif kind == KEY_UPDATE:
                assert not text, 'frames behind KEY_UPDATE'
                self.opening = self.opening.next()
            elif kind == PING and not flags:
                self.write(frame(PING, 1, 0, payload))
            else:
                yield kind, flags, stream, payload
        assert not any(text), 'padding'

    def echo(self, service, stream, text):
        """Sends a text and receives it back, within the credit of both sides."""
        limits = {stream: self.params[1], 0: self.params[2]}
        sent = ended = 0
        back, connected = b'', False
        self.write(frame(OPEN, 0, stream, bytes([len(service)]) + service))
        while not ended or not connected:
            part = text[sent:min(sent + 16000, *limits.values())]
            if part:
                sent += len(part)
                self.write(frame(DATA, int(sent == len(text)), stream, part), new_key=sent > len(text) // 2 > sent - len(part))
                # Echoed bytes may wait in the other direction up to the window, so keep few bytes unread.
                if sent - len(back) < WINDOW_SIZE // 4 and sent < len(text):
                    continue
            for kind, flags, number, payload in self.read():
                if kind == WINDOW:
                    limits[number] = max(limits[number], struct.unpack('>Q', payload)[0])
                elif kind == OPEN_RESULT:
                    assert number == stream and payload == bytes(6), 'OPEN_RESULT ' + payload.hex()
                    connected = True
                elif kind == DATA:
                    assert number == stream and not ended, 'DATA'
                    back, ended = back + payload, flags
                    offset = struct.pack('>Q', len(back) + WINDOW_SIZE)
                    if payload:
                        self.write(frame(WINDOW, 0, 0, offset) + (b'' if flags else frame(WINDOW, 0, stream, offset)))
                else:
                    assert kind not in (RESET, CLOSE), 'frame %d: %s' % (kind, payload.hex())
        assert back == text, '%d bytes came back, not those that were sent' % len(back)

    def is_refused(self, service, stream):
        self.write(frame(OPEN, 0, stream, bytes([len(service)]) + service))
        while True:
            for kind, _, number, payload in self.read():
                if number == stream and kind in (RESET, OPEN_RESULT):
                    assert payload[:2] == struct.pack('>H', NO_SERVICE), payload.hex()
                    return

    def close(self):
        self.write(frame(CLOSE, 0, 0, struct.pack('>H', 0) + b'done'))
        while self.socket.recv(65536):
            pass


# A test that hangs fails after 60 seconds.
signal.alarm(60)
session = Session(int(sys.argv[1]))
session.login(sys.argv[2].encode(), open(sys.argv[3], 'rb').read().rstrip(b'\n'))
session.echo(sys.argv[4].encode(), 1, os.urandom(3 << 20))
session.is_refused(b'no such service', 3)
session.close()
print('all was as it should be')
