# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP/2 as tests speak it, over python3-h2: a connection that takes the place
of http.client's, and whose frames can be reached."""
import io
import socket

import h2.config
import h2.connection
import h2.events


class Reply:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields
        self.headers = {name.title(): value for name, value in fields.items()}
        self.body = io.BytesIO(body)

    def read(self):
        return self.body.read()


class Connection:
    """As http.client.HTTPConnection, and HTTPSConnection with a context.

    streams   stream -> [status, fields, body, ended], what has come so far
    resets    stream -> the code it was reset with
    pongs     how many pings were answered
    goodbye   the code of a GOAWAY, else None
    """

    def __init__(self, host, port, timeout=10, context=None, window=1 << 20):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.authority = f"{host}:{port}"
        self.scheme = "https" if context else "http"
        if context:
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            assert self.socket.selected_alpn_protocol() == "h2"
        self.streams, self.resets, self.pongs = {}, {}, 0
        self.goodbye, self.ended = None, False
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False))
        self.h2.initiate_connection()
        self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.flush()
        self.last = None

    def close(self):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def pump(self):
        """Take what comes; False at the end."""
        data = b"" if self.ended else self.socket.recv(1 << 16)
        if not data:
            self.ended = True
            return False
        for event in self.h2.receive_data(data):
            stream = getattr(event, "stream_id", None)
            if isinstance(event, h2.events.ResponseReceived):
                fields = dict(event.headers)
                self.streams[stream] = [int(fields.pop(":status")), fields, b"", False]
            elif isinstance(event, h2.events.DataReceived):
                self.streams[stream][2] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                self.streams[stream][3] = True
            elif isinstance(event, h2.events.StreamReset):
                self.resets[stream] = event.error_code
            elif isinstance(event, h2.events.PingAckReceived):
                self.pongs += 1
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goodbye = event.error_code
        self.flush()
        return True

    def start(self, method, path, fields=(), end=True):
        """Send a head; its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [
            (":method", method), (":scheme", self.scheme), (":authority", self.authority),
            (":path", path), *((name.lower(), value) for name, value in fields)], end)
        self.flush()
        return stream

    def send_body(self, stream, body, end=True):
        while body and stream not in self.resets and not self.has_reply(stream):
            size = min(self.h2.local_flow_control_window(stream), 16384, len(body))
            if size == 0:
                assert self.pump()
                continue
            self.h2.send_data(stream, body[:size])
            self.flush()
            body = body[size:]
        if end and not body:
            self.h2.end_stream(stream)
            self.flush()

    def has_reply(self, stream):
        return stream in self.streams and self.streams[stream][3]

    def reply(self, stream):
        while not self.has_reply(stream):
            assert stream not in self.resets, self.resets
            assert self.pump(), "the connection has ended"
        status, fields, body, _ = self.streams.pop(stream)
        return Reply(status, fields, body)

    def request(self, method, path, body=None, headers=None):
        fields = list((headers or {}).items())
        if body:
            fields.append(("content-length", str(len(body))))
        self.last = self.start(method, path, fields, end=not body)
        if body:
            self.send_body(self.last, body)

    def getresponse(self):
        return self.reply(self.last)
