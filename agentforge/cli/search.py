"""`agentforge search`: functions by what is said of them."""

from __future__ import annotations

import agentforge
from agentforge.cli.database import open_database
from agentforge.cli.embed_notes import partly, say_left_out
from agentforge.cli.output import functions_console, print_json, say
from agentforge.errors import EXIT_CLEAN
from agentforge.pipeline.search import Request, search_text
from agentforge.report import search as report
from agentforge.store import requests
from agentforge.store.connection import DatabaseSettings
from agentforge.store.similar import Search
from agentforge.store.text_search import TextSearch


def run(request: Request, settings: DatabaseSettings, *, show_code: bool, as_json: bool) -> int:
    """Look it up and print it."""
    with open_database(settings, say, requests.Request("search"), needs_session=False) as connection:
        found = search_text(TextSearch(connection, Search(connection)), request)
    if found.words_only:
        say(f"Found by words only. {found.words_only}")
    if found.without_meaning:
        say(partly(found.without_meaning))
    if not found.words_only:
        say_left_out(found.left_out)
    if as_json:
        tool = {"name": "agentforge", "version": agentforge.__version__}
        print_json(
            {
                "tool": tool,
                "text": request.text,
                "model": found.model,
                "without_meaning": found.without_meaning,
                "without_vector": found.left_out.functions,
                "matches": report.matches_object(found.matches),
            }
        )
    else:
        shown = report.table(found.matches, show_code=show_code)
        functions_console(show_code=show_code).print(shown)
    return EXIT_CLEAN
