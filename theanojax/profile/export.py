"""Profiles for programs and notebooks: as a pandas.DataFrame, and as HTML."""

import html

SHOWN = 20  # rows of a table in a notebook


def rows(stats):
    """A dict for each row of a profile: of each Apply node, and of each thing that belongs to no node."""
    positions, calls, whole = stats.positions(), stats.apply_callcount, stats.fct_call_time
    found = []
    for node, seconds in stats.apply_time.items():
        members = stats.members(node)
        found.append(
            {
                "what": str(node),
                "op": str(node.op),
                "class": str(type(node.op))[8:-2],
                "position": positions[node],
                "seconds": seconds,
                "calls": calls.get(node, 0),
                "share": seconds / whole if whole else 0.0,
                "on": "XLA" if stats.apply_cimpl.get(node) else "host",
                "nodes": len(members),
                "bytes": stats.bytes_of(node),
            }
        )
    for what, seconds in stats.other_time.items():
        share = seconds / whole if whole else 0.0
        found.append({"what": what, "seconds": seconds, "calls": stats.fct_callcount, "share": share, "on": "call"})
    for what, seconds in stats.making.items():
        found.append({"what": what, "seconds": seconds, "on": "compilation"})
    return sorted(found, key=lambda row: (row["on"] == "compilation", -row["seconds"]))


def to_pandas(stats):
    """The rows as a pandas.DataFrame. ImportError without pandas."""
    import pandas

    return pandas.DataFrame(rows(stats))


def to_html(stats):
    """The rows that take most, as a table."""
    found = rows(stats)
    calls = [row for row in found if row["on"] != "compilation"]
    lines = [
        "<div><b>%s</b>: %d calls, %.3g s; compilation %.3g s"
        % (html.escape(str(stats.message)), stats.fct_callcount, stats.fct_call_time, stats.compile_time),
        "<table><thead><tr><th>% of calls</th><th>seconds</th><th>per call</th><th>runs</th><th>on</th>"
        "<th>Apply node</th></tr></thead><tbody>",
    ]
    for row in calls[:SHOWN]:
        each = row["seconds"] / row["calls"] if row["calls"] else 0.0
        lines.append(
            "<tr><td>%.1f</td><td>%.3g</td><td>%.2e</td><td>%d</td><td>%s</td><td style='text-align:left'>%s</td></tr>"
            % (100 * row["share"], row["seconds"], each, row["calls"], row["on"], html.escape(row["what"][:200]))
        )
    rest = calls[SHOWN:]
    if rest:
        share = 100 * sum(row["share"] for row in rest)
        lines.append("<tr><td>%.1f</td><td colspan=5 style='text-align:left'>%d more</td></tr>" % (share, len(rest)))
    return "\n".join([*lines, "</tbody></table></div>"])
