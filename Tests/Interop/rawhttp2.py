"""An HTTP/2 client that does what well-behaved gRPC libraries do not."""

import socket
import ssl
import time

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9)
ACK, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
ENHANCE_YOUR_CALM = 11
LARGEST_WINDOW = 2**31 - 1
DEFAULT_WINDOW = 2**16 - 1


def frame(kind, flags, stream, payload=b""):
    """One HTTP/2 frame."""
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
            + payload)


def header(name, value):
    """One header, literal and not indexed."""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


class RawConnection:
    """One connection on which frames are written by hand; what arrives is read only on demand."""

    def __init__(self, orderer, stream_window=DEFAULT_WINDOW, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", orderer.port))
        if orderer.settings["General"]["TLS"]["Enabled"]:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket)
        self.streams = 0
        self.unread = b""
        initial_window = (4).to_bytes(2, "big") + stream_window.to_bytes(4, "big")
        self.socket.sendall(
            PREFACE + frame(SETTINGS, 0, 0, initial_window)
            + frame(WINDOW_UPDATE, 0, 0, (LARGEST_WINDOW - DEFAULT_WINDOW).to_bytes(4, "big"))
            + frame(SETTINGS, ACK, 0))

    def call(self, path, message, announced=None):
        """Open a stream, send one gRPC message on it, and leave it open; the stream's number.

        The message can be announced as longer than it is.
        """
        number = 2 * self.streams + 1
        self.streams += 1
        body = bytes(1) + (announced or len(message)).to_bytes(4, "big") + message
        headers = b"".join(header(name, value) for name, value in (
            (b":method", b"POST"), (b":scheme", b"http"), (b":path", path.encode()),
            (b":authority", b"orderer"), (b"content-type", b"application/grpc"),
            (b"te", b"trailers")))
        self.socket.sendall(frame(HEADERS, END_HEADERS, number, headers)
                            + frame(DATA, 0, number, body))
        return number

    def ping(self):
        """Send a PING frame."""
        self.socket.sendall(frame(PING, 0, 0, bytes(8)))

    def read(self, seconds):
        """(kind, flags, stream, payload) of the frames that arrive; ends with the connection."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                received = self.socket.recv(65536)
            except (TimeoutError, ConnectionError):
                return
            if not received:
                return
            self.unread += received
            while len(self.unread) >= 9:
                end = 9 + int.from_bytes(self.unread[:3], "big")
                if len(self.unread) < end:
                    break
                head, payload = self.unread[:9], self.unread[9:end]
                self.unread = self.unread[end:]
                yield head[3], head[4], int.from_bytes(head[5:9], "big"), payload

    def close(self):
        """Close the connection."""
        self.socket.close()
