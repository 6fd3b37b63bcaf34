"""The figures of figures.sql with DuckDB, from a recording or from a table that was loaded before.

    figures.py report RECORDING|DATABASE --from T --to T    writes JSON: agent -> figures, as `helptop report` has them
    figures.py load RECORDING DATABASE                      makes the table
    figures.py version

It is a peer in `cargo bench --bench history`, which checks that both give the same numbers.
"""

import argparse
import json
import pathlib

import duckdb

COLUMNS = {
    "type": "VARCHAR",
    "at": "TIMESTAMP",
    "conversation": "VARCHAR",
    "agent": "VARCHAR",
    "from": "VARCHAR",
    "public": "BOOLEAN",
    "status": "VARCHAR",
    "by": "VARCHAR",
    "direction": "VARCHAR",
}
DURATIONS = ["first_response_time", "response_time", "handling_time", "resolution_time"]


def recording(path):
    """The relation of a recording, with only the columns that are needed."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    return (
        f"FROM read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"
    )


def load(arguments):
    pathlib.Path(arguments.database).unlink(missing_ok=True)
    with duckdb.connect(arguments.database) as database:
        database.execute(f"CREATE TABLE events AS {recording(arguments.recording)}")


def report(arguments):
    path = arguments.source
    query = pathlib.Path(__file__).with_name("figures.sql").read_text()
    if path.endswith(".duckdb"):
        database = duckdb.connect(path, read_only=True)
    else:
        database = duckdb.connect()
        # The query looks at the events twice; the file need be read only once.
        query = query.replace("WITH\n", f"WITH events AS MATERIALIZED ({recording(path)}),\n", 1)
    # As literals they can be used to skip what lies outside of the range.
    for name in ["from", "to"]:
        query = query.replace(f"${name}", f"TIMESTAMP '{getattr(arguments, name)}'")
    groups = {}
    for agent, closed, *cells in database.execute(query).fetchall():
        figures = {"closed": closed}
        for i, key in enumerate(DURATIONS):
            n, mean, parts = cells[3 * i : 3 * i + 3]
            median, p90 = parts if parts else (None, None)
            seconds = [None if millis is None else millis / 1000 for millis in (mean, median, p90)]
            figures[key] = dict(zip(["n", "mean", "median", "p90"], [n, *seconds]))
        groups[agent] = figures
    print(json.dumps(groups))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    reporting = commands.add_parser("report")
    reporting.add_argument("source")
    reporting.add_argument("--from", required=True)
    reporting.add_argument("--to", required=True)
    loading = commands.add_parser("load")
    loading.add_argument("recording")
    loading.add_argument("database")
    commands.add_parser("version")
    arguments = parser.parse_args()
    match arguments.command:
        case "report":
            report(arguments)
        case "load":
            load(arguments)
        case "version":
            print(duckdb.__version__)


if __name__ == "__main__":
    main()
