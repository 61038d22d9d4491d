"""The marking page lets in nobody but the graders, and sends nothing that runs or fetches."""

import asyncio
import http.client
import json
import re
import threading
from contextlib import contextmanager

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from instructor.marking.access import POLICY
from instructor.marking.desk import Desk
from instructor.marking.intake import take_in
from instructor.marking.records import open_records
from instructor.marking.rendering import Renderer
from instructor.marking.scheme import load_scheme
from instructor.marking.server import make_application
from instructor.marking.sharing import warn_of_sharing
from instructor.tests.support.marking import HOSTILE, ten_submissions

TOKEN = "a-token"


@contextmanager
def served(out, **options):
    """The port of a server with these records, in a thread of its own."""
    ready, found = threading.Event(), {}

    async def serve():
        (socket,) = bind_sockets(0, "127.0.0.1")
        port, renderer, records = socket.getsockname()[1], Renderer(), open_records(out)
        grader = options.pop("grader", "Ada")
        desk = Desk(records, load_scheme(), **options)
        server = HTTPServer(make_application(desk, renderer, TOKEN, port, grader))
        server.add_sockets([socket])
        stop = asyncio.Event()
        found.update(port=port, end=stop.set, loop=asyncio.get_running_loop())
        ready.set()
        await stop.wait()
        server.stop()
        renderer.close()
        records.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield found["port"]
    finally:
        found["loop"].call_soon_threadsafe(found["end"])
        thread.join(30)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The ten made submissions, read."""
    folder = tmp_path_factory.mktemp("marking")
    ten_submissions(folder / "submissions")
    records = open_records(folder / "out")
    take_in(folder / "submissions", records)
    warn_of_sharing(records)
    records.close()
    return folder / "out"


@pytest.fixture(scope="module")
def port(out):
    with served(out) as port:
        yield port


def ask(port, address, method="GET", body=None, cookie=True, **headers):
    """Status, headers and text of a reply to a browser that was let in, or one that differs in a header."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    known = {"Cookie": f"marking-{port}-token={TOKEN}"} if cookie else {}
    own = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"} if method == "POST" else {}
    sent = {**known, **own, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, address, body, {name: value for name, value in sent.items() if value is not None})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, reply.headers, text.decode("utf-8", "replace")


def address_of(port, question, submission, out):
    records = open_records(out)
    code = Desk(records, load_scheme()).order.code(submission)
    records.close()
    return f"/question/{question}/{code}"


def entry(page, **changes):
    """What the script sends from a page in which nothing was touched but what is given."""
    data = dict(re.findall(r'data-(version|answer)="([^"]*)"', page))
    whole = {"version": int(data["version"]), "answer": data["answer"], "criteria": [], "misconceptions": []}
    return json.dumps({**whole, "comment": "", "flagged": False, "done": True, **changes})


# ------------------------------------------------------------------------------------------------------ who is let in


def test_the_token_in_the_address_becomes_a_cookie_that_no_script_and_no_other_site_sees(port):
    status, headers, text = ask(port, f"/?token={TOKEN}", cookie=False)
    assert status == 200
    cookie = headers["Set-Cookie"]
    assert f"marking-{port}-token={TOKEN};" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert headers["Refresh"] == "0; url=/"
    assert "student" not in text


@pytest.mark.parametrize("address", ["/", "/question/paper", "/marking.js", "/?token=", "/?token=b-token", "/nowhere"])
def test_without_the_token_nothing_is_told(port, address):
    status, _, text = ask(port, address, cookie=False)
    assert (status, text.startswith("Open the address")) == (403, True)
    assert ask(port, address, Cookie=f"marking-{port}-token=b-token")[0] in ((200, 302) if TOKEN in address else (403,))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example"])
def test_another_name_for_this_machine_is_refused(port, host):
    assert ask(port, "/", Host=host)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Cookie": None},
    ],
)
def test_another_page_can_send_no_mark(port, out, headers):
    address = address_of(port, "paper", "guo", out)
    page = ask(port, address)[2]
    for path, body in ((address, entry(page, done=True)), ("/undo", "{}"), ("/grader", "grader=Eve")):
        assert ask(port, path, "POST", body, **headers)[0] == 403
    assert 'data-version="0"' in ask(port, address)[2]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_mark_from_a_plain_form_is_refused(port, out, kind):
    address = address_of(port, "paper", "guo", out)
    assert ask(port, address, "POST", entry(ask(port, address)[2]), Content_Type=kind)[0] in (400, 415)


def test_every_reply_forbids_scripts_frames_and_other_sites(port, out):
    page = address_of(port, "own-pair", "ada", out)
    for path in ("/", page, f"{page}/figure/0", "/marking.js", "/nowhere", "/question/nothing"):
        _, headers, _ = ask(port, path)
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in POLICY


# ----------------------------------------------------------------------------------------------------- what is shown


@pytest.mark.parametrize("question", HOSTILE)
def test_a_hostile_answer_is_text_in_its_page(port, out, question):
    status, _, page = ask(port, address_of(port, question, "dan 'eve' <b>", out))
    assert status == 200
    assert len(page) < 2**19
    tags = set(re.findall(r"<(\w+)", page))
    assert not tags & {"iframe", "svg", "style", "base", "object", "embed"}
    assert re.findall(r"<script\b[^>]*>", page) == ['<script src="/marking.js" type="module">']
    assert not re.search(r"<[^>]*\son\w+\s*=", page)
    assert {
        found for found in re.findall(r'\b(?:src|href|action)="([^"]*)"', page) if not found.startswith("/")
    } == set()


def test_names_are_shown_only_when_asked_for(port, out):
    addresses = ["/", *(address_of(port, name, "farida", out) for name in ("paper", "own-pair"))]
    for address in addresses:
        assert "farida" not in ask(port, address)[2]
        assert "kim" not in ask(port, address)[2]
    with served(out, names=True) as other:
        assert "farida" in ask(other, addresses[1])[2]
        assert "kim: it is damaged" in ask(other, "/")[2]


def test_students_come_in_another_order_for_each_question_and_always_in_the_same(out):
    orders = []
    for _ in range(2):
        records = open_records(out)
        orders.append(Desk(records, load_scheme()).orders)
        records.close()
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders[0].values()}) == len(orders[0])
    assert all(sorted(order) == sorted(orders[0]["paper"]) for order in orders[0].values())


def test_a_shared_figure_and_its_other_owner_are_named_in_the_page(port, out):
    page = ask(port, address_of(port, "own-pair", "jan", out))[2]
    assert "looks the same" in page
    assert address_of(port, "own-pair", "hal", out) in page


def test_the_question_stands_above_the_answer_as_students_read_it(port, out):
    page = ask(port, address_of(port, "one-pass", "bob", out))[2]
    assert "1 · One backward pass</h1>" in page
    asked = page.index("Name a layer that breaks it, and the\nmode that breaks it.".replace("\n", " "))
    assert asked < page.index('id="answer-heading"')
    assert "Show that the gradient of this sum with respect to image <math" in page
    assert "{#one-pass" not in page


def test_each_kind_of_warning_is_one_line(port, out):
    page = ask(port, address_of(port, "one-pass", "ada", out))[2]
    assert page.count("An answer with the same words") == 1
    assert len(re.findall(r'<a href="/question/one-pass/[^"]*" target', page)) == 4
    assert page.count("The same words as the model answer.") == 1


def test_no_answer_is_taken_for_the_model_answer(port, out):
    assert "The same words as the model answer." not in ask(port, address_of(port, "one-pass", "bob", out))[2]


def test_a_figure_is_drawn_anew_and_what_is_none_is_missing(port, out):
    page = address_of(port, "own-pair", "ada", out)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"{page}/figure/0", headers={"Cookie": f"marking-{port}-token={TOKEN}"})
    reply = connection.getresponse()
    assert (reply.status, reply.getheader("Content-Type")) == (200, "image/jpeg")
    assert reply.read().startswith(b"\xff\xd8")
    connection.close()
    assert ask(port, f"{page}/figure/1")[0] == 404
    assert ask(port, "/question/own-pair/ffffffffff")[0] == 404
    assert ask(port, "/question/nothing")[0] == 404


def test_nobody_marks_without_a_name(out):
    with served(out, grader="") as port:
        address = address_of(port, "paper", "ada", out)
        status, headers, _ = ask(port, address)
        assert (status, headers["Location"]) == (302, "/")
        assert ask(port, address, "POST", "{}")[0] == 403
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        status, headers, _ = ask(port, "/grader", "POST", "grader=Zo%C3%AB+%3Cb%3E", **form)
        kept = re.match(r"[^;]*", headers["Set-Cookie"])[0]
        page = ask(port, address, Cookie=f"marking-{port}-token={TOKEN}; {kept}")[2]
        assert "by Zoë &lt;b&gt;" in page


# ------------------------------------------------------------------------------------------------------ what is saved


def test_a_mark_is_counted_by_the_scheme_and_saved_at_once(port, out):
    address = address_of(port, "one-pass", "ada", out)
    sent = entry(ask(port, address)[2], criteria=["independent images", "linearity"], misconceptions=["dropout"])
    status, _, text = ask(port, address, "POST", sent)
    assert status == 200
    said = json.loads(text)
    assert (said["points"], said["version"], said["own"], said["marked"]) == (1.5, 1, 1, 1)
    assert said["criteria"] == ["linearity", "independent images"]
    records = open_records(out)
    assert records.marks()["ada"]["one-pass"].points == 1.5
    records.close()


def test_points_beside_the_criteria_are_counted_with_their_reason_and_undone(port, out):
    address = address_of(port, "one-pass", "farida", out)
    sent = entry(ask(port, address)[2], criteria=["linearity"], adjustment="−0,5 the sign is wrong")
    said = json.loads(ask(port, address, "POST", sent)[2])
    assert (said["points"], said["adjustment"]) == (0.5, "-0.5 the sign is wrong")
    assert 'value="-0.5 the sign is wrong"' in ask(port, address)[2]
    ask(port, "/undo", "POST", "{}")
    assert "the sign is wrong" not in ask(port, address)[2].replace('placeholder="-0.5 the sign is wrong"', "")


def test_two_graders_on_one_answer_meet_a_conflict(port, out):
    address = address_of(port, "ascent", "ada", out)
    with served(out, grader="Zoe") as other:
        mine, theirs = ask(port, address)[2], ask(other, address)[2]
        assert "Also open at: Ada." in theirs
        assert ask(other, address, "POST", entry(theirs, criteria=["the sign"], comment="Good."))[0] == 200
        status, _, text = ask(port, address, "POST", entry(mine))
        current = json.loads(text)
        assert (status, current["grader"], current["comment"], current["criteria"]) == (
            409,
            "Zoe",
            "Good.",
            ["the sign"],
        )
        assert (current["mine"]["points"], current["mine"]["criteria"]) == (0, [])
        assert ask(port, address, "POST", entry(mine, version=current["version"]))[0] == 200
        assert ask(other, "/undo", "POST", "{}")[0] == 409


def test_two_graders_are_not_sent_to_the_same_answer(port, out):
    with served(out, grader="Zoe") as other:
        first = ask(port, "/question/early-layer")[1]["Location"]
        ask(port, first)
        second = ask(other, "/question/early-layer")[1]["Location"]
        ask(other, second)
        assert first != second
        code = first.rpartition("/")[2]
        assert ask(port, f"/question/early-layer?after={code}")[1]["Location"] not in (first, second)


def test_undo_leads_to_the_answer_whose_mark_was_taken_back(port, out):
    address = address_of(port, "fooling", "guo", out)
    ask(port, address, "POST", entry(ask(port, address)[2], criteria=["many dimensions"], comment="Hm."))
    assert "Hm.</textarea>" in ask(port, address)[2]
    said = json.loads(ask(port, "/undo", "POST", "{}")[2])
    assert said["address"] == address
    code = address.rpartition("/")[2]
    assert said["words"] == (
        f"Undone in 7 · Fooling the network, answer of {code}: before 1 point, finished; now 0 points, not finished. "
        "Taken back: “many dimensions”, the comment."
    )
    assert "Hm.</textarea>" not in ask(port, address)[2]


def test_two_graders_who_enter_the_same_meet_no_conflict(port, out):
    address = address_of(port, "ascent", "guo", out)
    with served(out, grader="Zoe") as other:
        mine, theirs = ask(port, address)[2], ask(other, address)[2]
        assert ask(other, address, "POST", entry(theirs, criteria=["the sign"], comment="Good."))[0] == 200
        status, _, text = ask(port, address, "POST", entry(mine, criteria=["the sign"], comment="Good. "))
        said = json.loads(text)
        assert (status, said["grader"], said["version"], said["done"]) == (200, "Zoe", 1, True)


def test_only_finished_marks_count_as_marked(port, out):
    address = address_of(port, "regularization", "guo", out)
    sent = entry(ask(port, address)[2], criteria=["blurring"], done=False)
    assert json.loads(ask(port, address, "POST", sent)[2])["marked"] == 0
    page = ask(port, address)[2]
    assert "Not marked yet</p>" in page
    assert '<span id="marked">0</span> marked' in page


def test_a_finished_question_is_opened_again_at_its_first_answer_and_read_through_to_its_last(port, out):
    records = open_records(out)
    order = Desk(records, load_scheme()).orders["style-transfer"]
    records.close()
    addresses = [address_of(port, "style-transfer", name, out) for name in order]
    for address in addresses:
        ask(port, address, "POST", entry(ask(port, address)[2]))
    assert ask(port, "/question/style-transfer")[1]["Location"] == addresses[0]
    onward = [re.search(r'data-next="([^"]*)"', ask(port, address)[2])[1] for address in addresses]
    assert onward == [*addresses[1:], "/"]
    code = addresses[-1].rpartition("/")[2]
    assert ask(port, f"/question/style-transfer?after={code}")[1]["Location"] == "/?finished=style-transfer"


@pytest.mark.parametrize(
    "changes",
    [
        {"criteria": ["no such"]},
        {"criteria": "linearity"},
        {"criteria": [["linearity"]]},
        {"misconceptions": [1]},
        {"comment": 5},
        {"comment": "x" * 5000},
        {"adjustment": "-0.5"},
        {"adjustment": "the sign is wrong"},
        {"adjustment": "+9 too much"},
        {"adjustment": 1},
        {"version": "1"},
        {"version": True},
        {"answer": None},
    ],
)
def test_an_entry_that_no_page_sends_is_refused(port, out, changes):
    address = address_of(port, "one-pass", "bob", out)
    page = ask(port, address)[2]
    assert ask(port, address, "POST", entry(page, **changes))[0] == 400
    assert ask(port, address)[2].count('data-version="0"') == 1


@pytest.mark.parametrize("body", ["", "[]", "no json", "[" * 50_000])
def test_a_body_that_is_no_entry_is_refused(port, out, body):
    assert ask(port, address_of(port, "one-pass", "bob", out), "POST", body)[0] == 400
