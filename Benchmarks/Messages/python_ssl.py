#!/usr/bin/env python3
"""Messages as small Python libraries send them: a TLS 1.3 socket of the module ssl, a length of four bytes before each message,
one process at each end. The program reads lines of the form "send SIZE COUNT" or "ask IN_FLIGHT COUNT". For each line it writes
one line with the elapsed seconds and the seconds of processor time of both ends."""
import os
import resource
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

folder = tempfile.mkdtemp()
KEY, CERTIFICATE = f"{folder}/key.pem", f"{folder}/cert.pem"
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                "-days", "2", "-keyout", KEY, "-out", CERTIFICATE], check=True, stderr=subprocess.DEVNULL)


def send(connection, message):
    connection.sendall(struct.pack("!I", len(message)) + message)


class Receiver:
    """Splits the incoming bytes into messages."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, bytearray()

    def fill(self, count):
        while len(self.buffer) < count:
            part = self.connection.recv(1 << 18)
            if not part:
                return False
            self.buffer += part
        return True

    def next(self):
        if not self.fill(4):
            return None
        (count,) = struct.unpack_from("!I", self.buffer)
        if not self.fill(4 + count):
            return None
        message = bytes(self.buffer[4:4 + count])
        del self.buffer[:4 + count]
        return message


def serve(listener):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(CERTIFICATE, KEY)
    while True:
        plain, _ = listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_side=True) as connection:
            receiver = Receiver(connection)
            # A message is answered if its first byte is not 0.
            while (message := receiver.next()) is not None:
                if message[0]:
                    send(connection, message)


def connect(port):
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost")


def run(port, kind, first, count):
    with connect(port) as connection:
        receiver = Receiver(connection)
        if kind == "send":
            message = b"\0" + b"\7" * (first - 1)
            for _ in range(count - 1):
                send(connection, message)
            # The server answers the last message, which shows that all have arrived.
            send(connection, b"\1" + message[1:])
            receiver.next()
        else:
            message = b"\1" * 64
            for _ in range(first):
                send(connection, message)
            for number in range(count):
                receiver.next()
                if number + first < count:
                    send(connection, message)


def processor_time(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    port, parent = listener.getsockname()[1], os.getpid()
    child = os.fork()
    if child == 0:
        # The server must not outlive its parent, which measures: signal 9 when the parent dies.
        import ctypes
        ctypes.CDLL(None).prctl(1, 9)
        if os.getppid() == parent:
            serve(listener)
        os._exit(0)
    for line in sys.stdin:
        kind, first, count = line.split()
        wall, own, other = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF), processor_time(child)
        run(port, kind, int(first), int(count))
        now = resource.getrusage(resource.RUSAGE_SELF)
        cpu = now.ru_utime + now.ru_stime - own.ru_utime - own.ru_stime + processor_time(child) - other
        print(time.monotonic() - wall, cpu, flush=True)
    os.kill(child, 9)


main()
