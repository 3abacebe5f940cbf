"""The address that stands in every letter: what it brings, and how it is answered.

One page for everybody, with nothing of anybody on it.
"""

from __future__ import annotations

from html import escape
from typing import Final

from aiohttp import web

from gateway.edge.http.keys import FRONT
from gateway.edge.http.pages import STYLE

_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Answer a request of the Child Maintenance Service</title><style>{style}</style></head><body><main>
<h1>Answer a request of the Child Maintenance Service</h1>
<p>You were asked for information, or sent an order. This is where it is read and answered.</p>
<h2>You have an account</h2>
<p>Your own software collects the request and sends the answer, or you use the command line:</p>
<pre>cms-gateway request list
cms-gateway request show REQUEST
cms-gateway submit ANSWER --request REQUEST</pre>
<h2>You have an access code</h2>
<p>The code in your letter or e-mail opens that one request, once, for two hours. Whoever looks after your
computers can use it so:</p>
<pre>curl {origin}/v1/access -H 'Content-Type: application/json' -d '{{"code": "XXXX-XXXX-XXXX-XXXX"}}'
curl {origin}/v1/requests/REQUEST -H 'Authorization: Bearer TOKEN'
curl {origin}/v1/requests/REQUEST/nil -H 'Authorization: Bearer TOKEN' -X POST
curl {origin}/v1/submissions -H 'Authorization: Bearer TOKEN' \\
     -H 'Request-Id: REQUEST' -H 'Content-Type: text/csv' --data-binary @answer.csv</pre>
<p>The first answers with the token and the id of the request; the third says that you hold nothing. A
code that was used is sent anew with <code>POST /v1/access/again</code>. <a href="/docs">Every call</a> is
described, and <a href="/v1/formats">every format</a>.</p>
<h2>You cannot do this</h2>
<p>Use the telephone number or address in your letter. You can answer by post.</p>
</main></body></html>"""


async def page(request: web.Request) -> web.Response:
    """GET /answer: how a request is answered."""
    text = _PAGE.format(style=STYLE, origin=escape(request.app[FRONT].issuer))
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return web.Response(
        text=text, content_type="text/html", headers={"Content-Security-Policy": policy}
    )
