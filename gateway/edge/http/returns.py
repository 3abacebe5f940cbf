"""Handlers: what was wrong with a file, and what was sent, given back to be mended."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway import returning
from gateway.core.neutral import row_errors_csv
from gateway.core.stages import Outcome
from gateway.edge.http.exchange import credentials
from gateway.edge.http.keys import FRONT
from gateway.edge.http.submissions import find_own, outcome_of


async def errors(request: web.Request) -> web.Response:
    """GET /v1/submissions/{id}/errors: every row error kept, as JSON, as CSV, or in the workbook."""
    front = request.app[FRONT]
    wanted = request.headers.get("Accept", "").lower()
    caller, recorded = await find_own(request)
    if returning.XLSX in wanted:
        made = await returning.marked(caller, recorded.id, front.returns)
        return _file(made, f"{recorded.id}-errors.{made.ending}")
    outcome = Outcome() if recorded.state == "received" else outcome_of(front, recorded)
    if "text/csv" in wanted:
        return web.Response(text=row_errors_csv(outcome.errors), content_type="text/csv")
    return web.json_response(
        body=msgspec.json.encode({"errors": outcome.errors, "refused": recorded.rows.refused}),
    )


async def refused(request: web.Request) -> web.Response:
    """GET /v1/submissions/{id}/refused: the rows that are still open, to mend and send again."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), returning.SCOPE)
    identity = request.match_info["id"]
    made = await returning.refused_rows(caller, identity, front.returns)
    return _file(made, f"{identity}-refused.{made.ending}")


def _file(made: returning.Returned, name: str) -> web.Response:
    return web.Response(
        body=made.data,
        content_type=made.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
