"""Who may speak to the server: a browser on this machine that was given the token, from the server's own pages."""

import hmac
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from tornado.web import RequestHandler

from instructor.grading.shown import shown
from instructor.marking.desk import LONGEST_GRADER

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would hide a form's origin from us
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "marking",
}
REFUSED = "Open the address that `python -m instructor mark` has printed: it holds the key to these pages."


class Refusing(RequestHandler):
    """Every handler is one: whatever is not let in is answered before anything is looked at."""

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        port = self.settings["port"]
        hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        if self.request.host not in hosts:  # another name that leads here: somebody else's page
            self.refuse("This server answers to its own address only.")
        elif self.request.method not in ("GET", "HEAD") and self.origin_problem(hosts):
            self.refuse("This came from another page.")
        elif token := self.get_argument("token", ""):
            self.let_in(token)
        elif not self.is_known(self.get_cookie(self.cookie("token"), "")):
            self.refuse(REFUSED)

    def origin_problem(self, hosts: set[str]) -> bool:
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        return self.request.headers.get("Origin") != f"http://{self.request.host}" or site != "same-origin"

    def cookie(self, name: str) -> str:
        """Cookies belong to a host, whatever the port: the port stands in their names."""
        return f"marking-{self.settings['port']}-{name}"

    def is_known(self, token: str) -> bool:
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.settings["token"].encode())

    def let_in(self, token: str) -> None:
        """Keep the key in a cookie, and go on to an address without it.

        A browser sends a strict cookie only along a way that began in our own page: this one.
        """
        if self.request.method != "GET" or not self.is_known(token):
            self.refuse(REFUSED)
            return
        self.keep("token", token)
        self.set_header("Refresh", "0; url=/")
        self.finish("<!doctype html><title>Marking</title><a href='/'>Go on</a>")

    def keep(self, name: str, value: str) -> None:
        self.set_cookie(self.cookie(name), quote(value, safe=""), path="/", httponly=True, samesite="Strict")

    @property
    def grader(self) -> str:
        """The grader's name, as given in this browser or with the command; "" where nobody has said it."""
        kept = unquote(self.get_cookie(self.cookie("grader"), ""))
        return shown(kept.strip()[:LONGEST_GRADER]) or self.settings["grader"]

    def get(self, *arguments: str) -> None:
        """Where no page is."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def refuse(self, words: str) -> None:
        self.set_status(HTTPStatus.FORBIDDEN)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(words)

    def write_error(self, status_code: int, **about: Any) -> None:
        """Without a traceback."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(HTTPStatus(status_code).phrase)
