#!/usr/bin/env python3
"""Writes calls of the canonical log as other gateways would have logged them.

    convert.py FORMAT < canonical.ndjson > out
    convert.py --seconds ndjson < canonical.ndjson > canonical-seconds.ndjson

It shares no code with the command and is a second opinion on what these products write: their
field names, their escapes, what they put where there is nothing. README.md says how the data of
a call travels in each format. Lines that are no JSON object with a time are passed over.
"""

import argparse
import hashlib
import json
import re
import sys
import uuid
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

HOST = "api.bots.example"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
FIELDS = (
    "time licensee user conversation request_id event module scenario app items method path status"
    " latency_ms bytes_in bytes_out client_ip user_agent origin"
).split()
# Gateways that write micro- or nanoseconds would not write zeros there. The same digits on every
# line leave all distances between calls as they are.
BELOW_MILLISECONDS = 123_456


# The calls


class Call:
    """One call: its fields as text where they are text, absent ones as None."""

    def __init__(self, record, when):
        self.record = record
        self.when = when  # an aware datetime, whole milliseconds, in the zone that was written
        self.ms = round((when - EPOCH) / timedelta(milliseconds=1))
        self.method = self.text("method") or "POST"
        self.path = self.text("path") or "/"
        self.status = self.number("status", 200)
        self.latency = self.number("latency_ms", 0)
        self.bytes_in = self.number("bytes_in", 0)
        self.bytes_out = self.number("bytes_out", 0)
        self.client_ip = self.text("client_ip") or "198.51.100.1"
        self.agent = self.text("user_agent")
        self.origin = self.text("origin")

    def text(self, name):
        value = self.record.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return str(value)

    def number(self, name, otherwise):
        try:
            return int(self.record.get(name, otherwise))
        except (TypeError, ValueError):
            return otherwise

    def named(self, names):
        """The pairs of (a name here, its text) for the fields that are there."""
        return [(here, self.text(name)) for name, here in names if self.text(name) is not None]

    @property
    def target(self):
        """The request's target where all data travel in the query."""
        query = "&".join(f"{name}={quote(text, safe='')}" for name, text in self.named(QUERY))
        return self.path + ("?" + query if query else "")

    @property
    def request_line(self):
        return f"{self.method} {self.target} HTTP/1.1"

    def headers(self):
        """The request's headers, in their usual spelling."""
        headers = [("Host", HOST), ("Accept", "application/json")]
        if self.method == "POST":
            headers.append(("Content-Type", "application/json"))
            headers.append(("Content-Length", str(self.bytes_in)))
        return headers + self.named(HEADERS)

    # What a gateway makes up is a function of the user, whose connection is kept, or a count of the
    # lines: the same at every run, and easy on gzip.

    def digest(self):
        """Eight bytes of the user's connection."""
        return hashlib.sha256(f"{self.client_ip} {self.text('user')}".encode()).digest()[:8]

    @property
    def port(self):
        return 32768 + int.from_bytes(self.digest()[:2], "big") % 28232

    @property
    def upstream(self):
        return f"10.0.4.{11 + self.digest()[2] % 3}:8080"


QUERY = [
    ("licensee", "licensee"), ("user", "user"), ("conversation", "conversation"),
    ("request_id", "request_id"), ("scenario", "scenario"), ("app", "app"), ("items", "items"),
]  # fmt: skip
HEADERS = [
    ("user_agent", "User-Agent"), ("origin", "Origin"), ("licensee", "X-Licensee"),
    ("user", "X-User-Id"), ("conversation", "X-Conversation-Id"), ("request_id", "X-Request-Id"),
    ("scenario", "X-Scenario"), ("app", "X-App"), ("items", "X-Items"),
]  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:?\d\d)$"
)


def parsed_time(value):
    """A time in whole milliseconds, or None."""
    if isinstance(value, str):
        match = RFC3339.match(value)
        if not match:
            return None
        day, clock, fraction, zone = match.groups()
        zone = "+0000" if zone in "Zz" else zone.replace(":", "")
        try:
            when = datetime.strptime(f"{day}T{clock}{zone}", "%Y-%m-%dT%H:%M:%S%z")
        except ValueError:
            return None
        return when + timedelta(milliseconds=int(((fraction or "") + "000")[:3]))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        units = [unit for unit in (1000, 1, 1e-3, 1e-6) if 9e11 < value * unit < 9e12]
        return EPOCH + timedelta(milliseconds=int(value * units[0])) if units else None
    return None


def calls(lines):
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if not isinstance(record, dict):
            continue
        when = parsed_time(record.get("time"))
        if when is not None:
            yield Call(record, when)


# Times


def zone_of(when, colon=""):
    minutes = int(when.utcoffset().total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def common_time(when):
    """`29/Nov/2025:00:31:08 +0800`, of nginx, Apache and API Gateway."""
    return f"{when:%d}/{MONTHS[when.month - 1]}/{when:%Y:%H:%M:%S} {zone_of(when)}"


def rfc3339_zone(when):
    return "Z" if when.utcoffset() == timedelta(0) else zone_of(when, ":")


def utc(ms):
    return EPOCH + timedelta(milliseconds=ms)


def zulu(ms, digits):
    """`2025-11-28T16:31:08.698Z` with so many digits of the second."""
    fraction = f"{ms % 1000 * 1_000_000 + BELOW_MILLISECONDS:09}"[:digits]
    return f"{utc(ms):%Y-%m-%dT%H:%M:%S}.{fraction}Z"


# Escapes


def escaped_bytes(text, escape):
    return "".join(escape(byte) for byte in text.encode())


def nginx_default(text):
    """nginx, `escape=default`: quote, backslash, control bytes and all above 126 as \\xXX."""
    if text is None:
        return "-"
    return escaped_bytes(
        text, lambda b: f"\\x{b:02X}" if b < 32 or b > 126 or b in b'"\\' else chr(b)
    )


def nginx_json(text):
    """nginx, `escape=json`: what JSON demands and no more; a variable without a value is empty."""
    text = "" if text is None else str(text)
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    short |= {"\b": "\\b", "\f": "\\f"}
    return "".join(short.get(c) or (f"\\u{ord(c):04X}" if c < " " else c) for c in text)


def apache(text):
    """Apache: quote and backslash behind a backslash, C's short escapes, else \\xhh."""
    if text is None:
        return "-"
    short = {34: '\\"', 92: "\\\\", 8: "\\b", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v"}
    return escaped_bytes(
        text, lambda b: short.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}")
    )


def plain_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lua_json(value):
    """As lua-cjson: also DEL, and the slash behind a backslash."""
    return plain_json(value).replace("/", "\\/").replace("\x7f", "\\u007f")


def go_json(value):
    """As Go's encoding/json, which thinks of HTML; keys in order, as logrus has them in a map."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for c in "&<>\u2028\u2029":
        text = text.replace(c, f"\\u{ord(c):04x}")
    return text


class Digits:
    """Numbers with digits of one's own choice, which json.dumps has no way to write."""

    @staticmethod
    def mark(digits):
        return "\x00" + digits

    @staticmethod
    def unmark(text):
        return re.sub(r'"\\u0000([^"]*)"', r"\1", text)


# The formats: a call to a line


def nginx_combined(call):
    # '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent
    #  "$http_referer" "$http_user_agent"'
    return (
        f"{call.client_ip} - - [{common_time(call.when)}]"
        f' "{nginx_default(call.request_line)}" {call.status} {call.bytes_out}'
        f' "{nginx_default(call.origin)}" "{nginx_default(call.agent)}"'
    )


def nginx_json_line(call):
    headers = {name.lower().replace("-", "_"): text for name, text in call.headers()}
    variables = [
        ("time", f"{call.when:%Y-%m-%dT%H:%M:%S}{zone_of(call.when, ':')}"),
        ("msec", f"{call.ms // 1000}.{call.ms % 1000:03}"),
        ("remote_addr", call.client_ip),
        ("host", HOST),
        ("request_method", call.method),
        ("request_uri", call.path),
        ("server_protocol", "HTTP/1.1"),
        ("status", call.status),
        ("request_length", call.bytes_in),
        ("body_bytes_sent", call.bytes_out),
        ("request_time", f"{call.latency / 1000:.3f}"),
        ("upstream_addr", call.upstream),
        ("upstream_response_time", f"{max(call.latency - 1, 0) / 1000:.3f}"),
    ] + [
        (f"http_{name}", headers.get(name))
        for name in (h.lower().replace("-", "_") for _, h in HEADERS)
    ]
    return "{" + ",".join(f'"{name}":"{nginx_json(value)}"' for name, value in variables) + "}"


def apache_common(call):
    # "%h %l %u %t \"%r\" %>s %b"
    return (
        f"{call.client_ip} - - [{common_time(call.when)}]"
        f' "{apache(call.request_line)}" {call.status} {call.bytes_out or "-"}'
    )


def apache_combined(call):
    # The same, and \"%{Referer}i\" \"%{User-agent}i\"
    return f'{apache_common(call)} "{apache(call.origin)}" "{apache(call.agent)}"'


def envoy_flags(call):
    return {503: "UH", 504: "UT"}.get(call.status, "-")


def envoy(call):
    # The format that Envoy has when none is given; it escapes nothing.
    reached = envoy_flags(call) != "UH"
    text = [call.client_ip, call.agent, call.text("request_id"), HOST]
    text.append(call.upstream if reached else None)
    quoted = " ".join(f'"{value or "-"}"' for value in text)
    time = max(call.latency - 1, 0) if reached and call.status != 504 else "-"
    return (
        f'[{zulu(call.ms, 3)}] "{call.method} {call.target} HTTP/1.1" {call.status}'
        f" {envoy_flags(call)} {call.bytes_in} {call.bytes_out} {call.latency} {time} {quoted}"
    )


def envoy_json(call):
    # A json_format; Envoy writes the keys in order, numbers as numbers, and null for no value.
    reached = envoy_flags(call) != "UH"
    line = {
        "start_time": zulu(call.ms, 3),
        "method": call.method,
        "path": call.path,
        "protocol": "HTTP/1.1",
        "response_code": call.status,
        "response_flags": envoy_flags(call),
        "bytes_received": call.bytes_in,
        "bytes_sent": call.bytes_out,
        "duration": call.latency,
        "upstream_service_time": str(max(call.latency - 1, 0))
        if reached and call.status != 504
        else None,
        "upstream_host": call.upstream if reached else None,
        "x_forwarded_for": call.client_ip,
        "authority": HOST,
        "user_agent": call.agent,
        "origin": call.origin,
        "request_id": call.text("request_id"),
        "x_licensee": call.text("licensee"),
        "x_user_id": call.text("user"),
        "x_conversation_id": call.text("conversation"),
        "x_scenario": call.text("scenario"),
        "x_app": call.text("app"),
        "x_items": call.text("items"),
    }
    return plain_json(dict(sorted(line.items())))


def response_headers(call):
    return {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(call.bytes_out),
    }


def fixed_uuid(label):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{label}.{HOST}"))


def kong(call):
    host, port = call.upstream.split(":")
    licensee = call.text("licensee")
    request_id = f"6f2d8a1c{call.number_in_file:024x}"  # Kong's own, not the client's
    reached = call.status != 503
    line = {
        "request": {
            "id": request_id,
            "method": call.method,
            "uri": call.path,
            "url": f"https://{HOST}:443{call.path}",
            "size": call.bytes_in,
            "querystring": {},
            "headers": {name.lower(): text for name, text in call.headers()},
            "tls": {
                "version": "TLSv1.3",
                "cipher": "TLS_AES_256_GCM_SHA384",
                "client_verify": "NONE",
            },
        },
        "upstream_uri": call.path,
        "upstream_status": str(call.status),
        "source": "upstream" if reached else "error",
        "response": {
            "status": call.status,
            "size": call.bytes_out,
            "headers": response_headers(call)
            | {
                "via": "1.1 kong/3.8.0",
                "x-kong-proxy-latency": "1",
                "x-kong-upstream-latency": str(max(call.latency - 1, 0)),
                "x-kong-request-id": request_id,
            },
        },
        "tries": [
            {
                "ip": host,
                "port": int(port),
                "balancer_latency": 0,
                "balancer_start": call.ms + 1,
            }
        ],
        "latencies": {
            "kong": min(call.latency, 1),
            "proxy": max(call.latency - 1, 0),
            "request": call.latency,
            "receive": 0,
        },
        "workspace": fixed_uuid("workspace"),
        "workspace_name": "default",
        "route": {"id": fixed_uuid("route"), "name": "bots", "paths": ["/v1"]},
        "service": {
            "id": fixed_uuid("service"),
            "name": "bots",
            "host": "bots.internal",
            "port": 8080,
            "protocol": "http",
        },
        "client_ip": call.client_ip,
        "started_at": call.ms,
    }
    if not reached:
        del line["upstream_status"]
    if licensee:
        line["consumer"] = {"id": fixed_uuid(licensee), "username": licensee}
    return lua_json(line)


def apisix(call):
    # Latencies are differences of floats, with their noise: 291.99981689453
    start = call.ms / 1000
    latency = ((call.ms + call.latency) / 1000 - start) * 1000
    upstream = max(call.latency - 1, 0)
    licensee = call.text("licensee")
    line = {
        "start_time": call.ms,
        "client_ip": call.client_ip,
        "route_id": "bots-v1",
        "service_id": "bots",
        "upstream": call.upstream,
        "latency": Digits.mark(f"{latency:.14g}"),
        "upstream_latency": upstream,
        "apisix_latency": Digits.mark(f"{max(latency - upstream, 0):.14g}"),
        "request": {
            "method": call.method,
            "uri": call.path,
            "url": f"https://{HOST}:443{call.path}",
            "size": call.bytes_in,
            "querystring": {},
            "headers": {name.lower(): text for name, text in call.headers()},
        },
        "response": {
            "status": call.status,
            "size": call.bytes_out,
            "headers": response_headers(call) | {"server": "APISIX/3.9.1"},
        },
        "server": {"hostname": "gateway-01", "version": "3.9.1"},
    }
    if licensee:
        line["consumer"] = {"username": licensee}
    return Digits.unmark(plain_json(line))


def traefik(call):
    reached = call.status != 503
    ended = call.when + timedelta(milliseconds=call.latency)
    local = zulu(call.ms + int(call.when.utcoffset().total_seconds()) * 1000, 9)[:-1]
    line = {
        "StartUTC": zulu(call.ms, 9),
        "StartLocal": local + rfc3339_zone(call.when),
        "Duration": call.latency * 1_000_000,
        "Overhead": min(call.latency, 1) * 1_000_000,
        "OriginDuration": max(call.latency - 1, 0) * 1_000_000,
        "OriginContentSize": call.bytes_out,
        "OriginStatus": call.status,
        "DownstreamContentSize": call.bytes_out,
        "DownstreamStatus": call.status,
        "ClientAddr": f"{call.client_ip}:{call.port}",
        "ClientHost": call.client_ip,
        "ClientPort": str(call.port),
        "ClientUsername": "-",
        "RequestAddr": HOST,
        "RequestHost": HOST,
        "RequestPort": "-",
        "RequestMethod": call.method,
        "RequestPath": call.path,
        "RequestProtocol": "HTTP/2.0",
        "RequestScheme": "https",
        "RequestContentSize": call.bytes_in,
        "RequestCount": call.number_in_file,
        "RetryAttempts": 0,
        "GzipRatio": 0,
        "RouterName": "bots@file",
        "ServiceName": "bots@file",
        "ServiceURL": f"http://{call.upstream}",
        "ServiceAddr": call.upstream,
        "TLSVersion": "1.3",
        "TLSCipher": "TLS_AES_128_GCM_SHA256",
        "entryPointName": "websecure",
        "level": "info",
        "msg": "",
        "time": f"{ended:%Y-%m-%dT%H:%M:%S}{rfc3339_zone(ended)}",  # when the line was written
    }
    if not reached:
        for name in "ServiceURL ServiceAddr OriginDuration OriginStatus OriginContentSize".split():
            del line[name]
    for name, text in call.headers():
        if name != "Host":
            line[f"request_{name}"] = text
    return go_json(line)


def caddy(call):
    line = {
        "level": "info" if call.status < 400 else "error",
        "ts": Digits.mark(f"{call.ms // 1000}.{call.ms % 1000:03}{BELOW_MILLISECONDS // 1000:03}"),
        "logger": "http.log.access.log0",
        "msg": "handled request",
        "request": {
            "remote_ip": call.client_ip,
            "remote_port": str(call.port),
            "client_ip": call.client_ip,
            "proto": "HTTP/2.0",
            "method": call.method,
            "host": HOST,
            "uri": call.path,
            "headers": {name: [text] for name, text in call.headers() if name != "Host"},
            "tls": {
                "resumed": False,
                "version": 772,
                "cipher_suite": 4865,
                "proto": "h2",
                "server_name": HOST,
            },
        },
        "bytes_read": call.bytes_in,
        "user_id": "",
        "duration": Digits.mark(f"{call.latency / 1000:.3f}{BELOW_MILLISECONDS:06}"),
        "size": call.bytes_out,
        "status": call.status,
        "resp_headers": {
            "Content-Type": ["application/json; charset=utf-8"],
            "Server": ["Caddy"],
        },
    }
    return Digits.unmark(plain_json(line))


RESOURCES = [
    (re.compile(r"/v1/bots/[^/]+/"), "/v1/bots/{module}/"),
    (re.compile(r"/v1/kb/[^/]+/"), "/v1/kb/{module}/"),
]


def aws_api_gateway(call):
    resource = call.path
    for pattern, template in RESOURCES:
        resource = pattern.sub(template, resource)
    values = [
        # The template of the console, and the ids of the API.
        ("requestId", f"5d8c1f0a-3b62-4e97-9a41-{call.number_in_file:012x}"),
        ("extendedRequestId", f"VnQ8{call.number_in_file:07}EoMd="),
        ("ip", call.client_ip),
        ("caller", None),
        ("user", None),  # $context.identity.user: an IAM user, which these callers are not
        ("requestTime", common_time(utc(call.ms))),
        ("requestTimeEpoch", call.ms),
        ("httpMethod", call.method),
        ("resourcePath", resource),
        ("path", call.path),
        ("status", call.status),
        ("protocol", "HTTP/1.1"),
        ("responseLength", call.bytes_out),
        ("responseLatency", call.latency),
        ("integrationLatency", max(call.latency - 1, 0)),
        ("userAgent", call.agent),
        # $context.authorizer.…: what the authorizer took from the request
        ("licensee", call.text("licensee")),
        ("userId", call.text("user")),
        ("conversationId", call.text("conversation")),
        ("clientRequestId", call.text("request_id")),
        ("scenario", call.text("scenario")),
        ("app", call.text("app")),
        ("items", call.text("items")),
        ("origin", call.origin),
    ]
    return plain_json({name: "-" if value is None else str(value) for name, value in values})


ALB_ARN = "arn:aws:elasticloadbalancing:ap-east-1:123456789012:targetgroup/bots/73e2d6bc24d8a067"


def aws_alb(call):
    reached = call.status != 503
    target_status = str(call.status) if reached and call.status != 504 else "-"
    seconds = f"{max(call.latency - 1, 0) / 1000:.3f}"
    agent = call.agent or "-"
    return " ".join(
        [
            "https",  # type
            zulu(call.ms + call.latency, 6),  # time: of the response
            "app/bots/50dc6c495c0c9188",  # elb
            f"{call.client_ip}:{call.port}",  # client:port
            call.upstream if reached else "-",  # target:port
            "0.001" if reached else "-1",  # request_processing_time
            seconds if reached else "-1",  # target_processing_time
            "0.000" if reached else "-1",  # response_processing_time
            str(call.status),  # elb_status_code
            target_status,  # target_status_code
            str(call.bytes_in),  # received_bytes
            str(call.bytes_out),  # sent_bytes
            f'"{call.method} https://{HOST}:443{call.target} HTTP/1.1"',  # request
            f'"{nginx_default(agent)}"',  # user_agent
            "TLS_AES_128_GCM_SHA256",  # ssl_cipher
            "TLSv1.3",  # ssl_protocol
            ALB_ARN,  # target_group_arn
            f'"Root=1-{call.ms // 1000:08x}-{call.number_in_file:024x}"',  # trace_id
            f'"{HOST}"',  # domain_name
            '"arn:aws:acm:ap-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"',
            "1",  # matched_rule_priority
            zulu(call.ms, 6),  # request_creation_time: when the call came in
            '"forward"',  # actions_executed
            '"-"',  # redirect_url
            '"-"',  # error_reason
            f'"{call.upstream if reached else "-"}"',  # target:port_list
            f'"{target_status}"',  # target_status_code_list
            '"-"',  # classification
            '"-"',  # classification_reason
            f"TID_{call.digest().hex()}",  # conn_trace_id
            '"-"',  # transformed_host
            '"-"',  # transformed_uri
            '"-"',  # request_transform_status
        ]
    )


def values_of(call):
    for name in FIELDS:
        text = call.record["time"] if name == "time" else call.text(name)
        yield name, None if text is None else str(text)


def csv_row(values):
    return ",".join(
        '"' + v.replace('"', '""') + '"' if re.search('[",\r\n]', v) else v for v in values
    )


def csv(call):
    return csv_row(value or "" for _, value in values_of(call)) + "\r"


def tsv(call):
    escapes = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
    return "\t".join((value or "").translate(escapes) for _, value in values_of(call))


def logfmt(call):
    pairs = []
    for name, value in values_of(call):
        if value is None:
            continue
        if re.search('[\x00- ="\x7f\ufffd]', value):
            value = json.dumps(value, ensure_ascii=False)
        pairs.append(f"{name}={value}")
    return " ".join(pairs)


def ndjson(call):
    return plain_json(call.record)


FORMATS = {
    "ndjson": ndjson,
    "nginx-combined": nginx_combined,
    "nginx-json": nginx_json_line,
    "apache-common": apache_common,
    "apache-combined": apache_combined,
    "envoy": envoy,
    "envoy-json": envoy_json,
    "kong": kong,
    "apisix": apisix,
    "traefik": traefik,
    "caddy": caddy,
    "aws-api-gateway": aws_api_gateway,
    "aws-alb": aws_alb,
    "csv": csv,
    "tsv": tsv,
    "logfmt": logfmt,
}
HEADINGS = {"csv": csv_row(FIELDS) + "\r", "tsv": "\t".join(FIELDS)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", action="store_true", help="whole seconds, for ndjson")
    parser.add_argument("format", metavar="FORMAT", choices=FORMATS, help=", ".join(FORMATS))
    options = parser.parse_args()
    if options.seconds and options.format != "ndjson":
        parser.error("--seconds is for ndjson")

    out = open(sys.stdout.fileno(), "w", encoding="utf-8", newline="")
    if options.format in HEADINGS:
        out.write(HEADINGS[options.format] + "\n")
    for number, call in enumerate(calls(sys.stdin.buffer), 1):
        call.number_in_file = number
        if options.seconds:
            call.record["time"] = f"{call.when:%Y-%m-%dT%H:%M:%S}{rfc3339_zone(call.when)}"
        out.write(FORMATS[options.format](call) + "\n")
    out.close()


if __name__ == "__main__":
    main()
