"""A token server: the refresh grant of RFC 6749, and the place where a mail server asks whose a token is."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class TokenServer:
    """Gives a new access token for each refresh token it knows; `answers` come first, as (status, body)."""

    def __init__(self) -> None:
        self.grants = {"refresh-1": "oauth@desk.example"}
        self.tokens: dict[str, str] = {}
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.rotates = False
        self.seconds: Any = 3600
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                server.asked.append({key: values[0] for key, values in form.items()})
                self.answer(*server.grant(server.asked[-1]))

            def do_GET(self) -> None:
                token = parse_qs(urlsplit(self.path).query).get("access_token", [""])[0]
                user = server.tokens.get(token)
                self.answer(200 if user else 401, {"email": user, "active": "yes"} if user else {"error": "invalid"})

            def answer(self, status: int, body: Any) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if status in (301, 302, 307):
                    self.send_header("Location", server.url + "/elsewhere")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def grant(self, form: dict[str, str]) -> tuple[int, Any]:
        if self.answers:
            return self.answers.pop(0)
        user = self.grants.get(form.get("refresh_token", ""))
        if form.get("grant_type") != "refresh_token" or user is None:
            return 400, {"error": "invalid_grant"}
        token = f"token-{len(self.tokens) + 1}"
        self.tokens[token] = user
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.seconds}
        if self.rotates:
            fresh = f"refresh-{len(self.tokens) + 100}"
            self.grants = {fresh: user}
            answer["refresh_token"] = fresh
        return 200, answer

    def __enter__(self) -> "TokenServer":
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
