#!/usr/bin/env python3
"""Sends a gateway some hundred requests of a chat service, and prints what must be counted.

    drive.py PORT > truth.json

Every visit is of a user of its own, so that no one has to wait for an idle timeout. What a visit
must come to is written beside it by hand; no rule is computed here. A call's data are in the query
and in headers alike, so that the gateway's log can have them from either.
"""

import collections
import http.client
import json
import sys
import threading
from urllib.parse import quote

THREADS = 4
ROUNDS = 7

# A visit's calls, one after the other. The first letter is what is called:
#   o open, c close, m message, p ping, i a message of the knowledge base with 3 items
# then come, in any order:
#   !  it fails           =  it has the request id of the call before         2  of the order bot
# Then, by module: billable conversations, and successful calls that belong to conversations, opens
# and closes among them. A call without success belongs to none; a repeat is not counted.
TEXT, ORDER, BASE = "text-bot", "order-bot", "kb-qa"
VISITS = [
    ("o m m m p c", {TEXT: (1, 5)}),
    ("m m p m m", {TEXT: (1, 4)}),
    ("o c", {TEXT: (0, 2)}),
    ("o m o m", {TEXT: (2, 4)}),
    ("m m c m", {TEXT: (2, 4)}),
    ("m! m= m", {TEXT: (1, 2)}),
    ("m! m m", {TEXT: (1, 2)}),
    ("m m= m m=", {TEXT: (1, 2)}),
    ("m!", {}),
    ("c", {}),
    ("p p", {}),
    ("o m c! c= m", {TEXT: (2, 4)}),
    ("o! o= m c", {TEXT: (1, 3)}),
    ("i i i= i", {BASE: (1, 3)}),
    ("o2 m2 m2 c2", {ORDER: (1, 4)}),
    ("m m2 m2", {TEXT: (1, 3)}),
]
LICENSEES = ["acme", "acme-mini", "umbrella"]
USERS = [
    "u-{:08x}", "{}", "li.wei+{}@shop.example", "张敏-{}", "a b&c=d#{}?", '"quoted" \\{}',
    "100%-{}", "ü-{}", "😀-{}",
]  # fmt: skip
AGENTS = [
    "okhttp/4.12.0 ShopApp/8.4.1", 'Shop "App" \\ 8.4', "商店/8.4", "Mozilla/5.0 (X11; rv:133.0)",
]  # fmt: skip
# Requests that are no calls of the service, whoever they name.
OTHERS = [
    ("GET", "/healthz", False), ("GET", "/favicon.ico", False), ("GET", "/v1/account", True),
    ("HEAD", "/", False), ("POST", "/v1/feedback", True),
]  # fmt: skip


def request(connection, method, path, fields, agent, answer=None):
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value)
    connection.putrequest(method, path + ("?" + query if query else ""), skip_accept_encoding=True)
    connection.putheader("User-Agent", agent.encode())
    for name, header in HEADERS.items():
        if fields.get(name):
            connection.putheader(header, fields[name].encode())  # UTF-8, byte by byte
    if fields.get("app") == "web":
        connection.putheader("Origin", "https://shop.example")
        connection.putheader("Referer", "https://shop.example/帮助".encode())
    if answer:
        connection.putheader("X-Answer", answer)
    body = b'{"text":"?"}' if method == "POST" else b""
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    response.read()
    return response.status


HEADERS = {
    "licensee": "X-Licensee",
    "user": "X-User-Id",
    "conversation": "X-Conversation-Id",
    "request_id": "X-Request-Id",
    "scenario": "X-Scenario",
    "app": "X-App",
    "items": "X-Items",
}


def visit(connection, number, calls, licensee, user, sent):
    app = ["web", "app-ios", "app-android"][number % 3]
    last = ""
    for place, call in enumerate(calls.split()):
        # Ids grow with time, as UUIDs of version 7 do: where calls of one user have the same time,
        # as in a log of whole seconds, their ids decide which was first.
        last = last if "=" in call else f"{number:04x}-{place:04x}-{number * 7919 % 65536:04x}"
        module = BASE if call[0] == "i" else ORDER if "2" in call else TEXT
        method, path = {
            "o": ("POST", f"/v1/bots/{module}/conversations"),
            "c": ("DELETE", f"/v1/bots/{module}/conversations"),
            "m": ("POST", f"/v1/bots/{module}/messages"),
            "p": ("GET", f"/v1/bots/{module}/ping"),
            "i": ("POST", f"/v1/kb/{module}/items"),
        }[call[0]]
        fields = {
            "licensee": licensee,
            "user": user,
            "conversation": f"c-{number}" if app == "app-ios" else "",
            "request_id": last,
            "scenario": "after-sales" if number % 2 else "售前",
            "app": app,
            "items": "3" if call[0] == "i" else "",
        }
        answer = ["503", "429"][number % 2] if "!" in call else None
        status = request(connection, method, path, fields, AGENTS[number % len(AGENTS)], answer)
        expected = int(answer or 200)
        assert status == expected, f"{method} {path}: {status}, not {expected}"
        sent["calls"] += 1
        sent["failed"] += expected != 200
    if number % 2 == 0:
        method, path, named = OTHERS[number // 2 % len(OTHERS)]
        fields = {"licensee": licensee, "user": user, "request_id": f"{last}-x"} if named else {}
        request(connection, method, path, fields, AGENTS[0])
        sent["others"] += 1


def main():
    port = int(sys.argv[1])
    truth, sent = collections.defaultdict(lambda: [0, 0]), collections.Counter()
    work = []
    for number in range(ROUNDS * len(VISITS)):
        calls, due = VISITS[number % len(VISITS)]
        licensee = LICENSEES[(number + number // len(VISITS)) % len(LICENSEES)]
        user = USERS[(number + number // len(USERS)) % len(USERS)].format(number + 10_000_000)
        work.append((number, calls, licensee, user))
        for module, (conversations, messages) in due.items():
            truth[licensee, module][0] += conversations
            truth[licensee, module][1] += messages
    for number in range(len(work), len(work) + 3):  # nobody's: no conversation can be theirs
        work.append((number, "m m c", LICENSEES[number % len(LICENSEES)], ""))

    errors, lock = [], threading.Lock()

    def run(share):
        mine = collections.Counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            for each in share:
                visit(connection, *each, mine)
            connection.close()
        except Exception as error:  # the thread's own end, told by main
            errors.append(error)
        with lock:
            sent.update(mine)

    threads = [threading.Thread(target=run, args=(work[n::THREADS],)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    rows = [
        {"licensee": licensee, "module": module, "conversations": both[0], "messages": both[1]}
        for (licensee, module), both in sorted(truth.items())
    ]
    json.dump({"sent": sent, "counts": rows}, sys.stdout, ensure_ascii=False, indent=2)
    print()


if __name__ == "__main__":
    main()
