"""What the journal knows of an offset: who announced it, who inserted it, what was answered, what was killed
meanwhile."""
import re
import time

# <pipe's UUID>-<epoch>-<partition>-<first>-<last>-<hash>…: worker/replica/ledger/token.h
TOKEN = re.compile(r"^[0-9a-f-]{36}-\d+-(?P<partition>\d+)-(?P<first>\d+)-(?P<last>\d+)-")
AROUND_S = 20
SHOWN_PLACES = 5
SHOWN_LINES = 60
MARKERS = ("round", "fault", "made good", "failure")


def histories(stack, places):
    """Lines for the first few (topic, partition, offset)."""
    entries = stack.journal.entries()
    lines = []
    for place in places[:SHOWN_PLACES]:
        lines.append(f"history of {place[0]}/{place[1]}/{place[2]}:")
        lines += [f"  {line}" for line in history(entries, place)]
    return lines


def history(entries, place):
    topic, partition, offset = place
    concerned = [entry for entry in entries if concerns(entry, topic, partition, offset)]
    if not concerned:
        return ["nothing in the journal"]
    first, last = concerned[0]["at"] - AROUND_S, concerned[-1]["at"] + AROUND_S
    wanted = {id(entry) for entry in concerned}
    shown = [entry for entry in entries if first <= entry["at"] <= last
             and (id(entry) in wanted or entry["what"] in MARKERS)]
    return [line_of(entry, f"{topic}/{partition}") for entry in shown[:SHOWN_LINES]]


def concerns(entry, topic, partition, offset):
    """Whether the entry is about a range with this offset. A token has no topic in clear: an insert of the
    same partition of another topic is shown too. Commits: those that announce it, and those that confirm
    no more than 3,000 records beyond it."""
    token = TOKEN.match(entry.get("token") or "")
    if token is not None:
        return int(token["partition"]) == partition and int(token["first"]) <= offset <= int(token["last"])
    place = f"{topic}/{partition}"
    ranges = (entry.get("ranges") or {}).get(place)
    if ranges and any(first <= offset <= last for first, last in ranges):
        return True
    at = (entry.get("at_offsets") or {}).get(place)
    return at is not None and offset < at <= offset + 3000


def line_of(entry, place):
    moment = time.strftime("%H:%M:%S", time.gmtime(entry["at"])) + f"{entry['at'] % 1:.3f}"[1:]
    known = {key: value for key, value in entry.items() if key not in ("at", "what", "bytes", "relay")}
    for key in ("ranges", "at_offsets"):  # of this partition only
        if isinstance(known.get(key), dict):
            known[key] = known[key].get(place)
    return f"{moment} {entry['what']}: " + ", ".join(f"{k}={v}" for k, v in known.items() if v not in (None, {}))
