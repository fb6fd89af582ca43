"""What is done to whom, when: a deck of cards per mode, shuffled by the seed and dealt again and again, so
that every card is played before any is played twice. The same seed deals the same rounds; which
records are in flight then is the machine's business.
"""
import collections
import random

# Exactly-once by token, at-least-once, and exactly-once by check: a table without a deduplication window is asked.
EXACTLY, AT_LEAST, CHECK = "exactly", "at-least", "check"
MODES = (EXACTLY, AT_LEAST)
ALL_MODES = (EXACTLY, AT_LEAST, CHECK)

# Named steps of one block, in order. The first two exist only where ranges are stored.
BEFORE_RANGE = "before the range is stored"
AFTER_RANGE = "after the range is stored"
BEFORE_INSERT = "before the insert"
MID_BODY = "mid-body"
BEFORE_ANSWER = "committed, not answered"
BEFORE_CONFIRM = "answered, not confirmed"
AFTER_CONFIRM = "confirmed, not told"
# ClickHouse writes a block's token into its log and then puts the part in place. A crash between the two is too
# short to be hit; its result is brought about at the moment before the insert.
TOKEN_ONLY = "the token kept, the rows not"
STEPS = {
    EXACTLY: (BEFORE_RANGE, AFTER_RANGE, BEFORE_INSERT, MID_BODY, BEFORE_ANSWER, BEFORE_CONFIRM),
    AT_LEAST: (BEFORE_INSERT, MID_BODY, BEFORE_ANSWER, BEFORE_CONFIRM, AFTER_CONFIRM),
}
STEPS[CHECK] = STEPS[EXACTLY]
# Where bytes that a killed process has sent may still be on their way.
LATE_STEPS = {
    EXACTLY: (BEFORE_RANGE, BEFORE_INSERT, MID_BODY, BEFORE_CONFIRM),
    AT_LEAST: (BEFORE_INSERT, MID_BODY, BEFORE_CONFIRM),
    # An insert that begins after its range was looked for is what only a token can refuse (docs/delivery-guarantees.md);
    # libchdb begins one when its body is whole.
    CHECK: (BEFORE_RANGE, BEFORE_CONFIRM)}

REPLICA, SUPERVISOR, API, BROKER = "replica", "supervisor", "api", "broker"
CLICKHOUSE, POSTGRES, CONNECTION, PIPE = "ClickHouse", "PostgreSQL", "connection", "pipe"
KILL, FREEZE, CUT, SCALE = "kill", "freeze", "cut", "scale"
# What becomes of the bytes held at the step: gone with the process, or delivered when others have gone on.
GONE, LATE = "gone", "late"

RANDOM_TIMES = {
    (REPLICA, KILL): 2, (REPLICA, FREEZE): 1, (SUPERVISOR, KILL): 2, (SUPERVISOR, FREEZE): 1, (API, KILL): 1,
    (BROKER, KILL): 1, (BROKER, FREEZE): 1, (CLICKHOUSE, KILL): 2, (CLICKHOUSE, FREEZE): 1,
    (POSTGRES, KILL): 1, (POSTGRES, FREEZE): 1, (PIPE, SCALE): 2}
SCALES = (1, 3)  # replicas for a while
# Which server may die at which step.
SERVER_STEPS = {
    CLICKHOUSE: (BEFORE_INSERT, MID_BODY, BEFORE_ANSWER),
    BROKER: (BEFORE_RANGE, AFTER_RANGE, BEFORE_CONFIRM, AFTER_CONFIRM)}

Card = collections.namedtuple("Card", "target how step bytes", defaults=(None, GONE))
# card: what; delay_s: after the round's start; nth: of the step's occurrences; in_errors: of the inserts into
# the error table; down_s: until it is brought back; choice: which of several replicas or hosts, 0 … 1.
Fault = collections.namedtuple("Fault", "mode card delay_s nth in_errors down_s choice")


def deck(mode):
    """Every card of a mode, in order."""
    cards = [Card(target, how) for (target, how), times in RANDOM_TIMES.items() for _ in range(times)]
    for step in STEPS[mode]:
        cards += [Card(REPLICA, KILL, step), Card(REPLICA, FREEZE, step), Card(CONNECTION, CUT, step)]
        if step in LATE_STEPS[mode]:
            cards.append(Card(REPLICA, KILL, step, LATE))
        cards += [Card(server, KILL, step) for server, steps in SERVER_STEPS.items() if step in steps]
    if mode == EXACTLY:
        cards.append(Card(CLICKHOUSE, KILL, TOKEN_ONLY))
    return cards


def fault(card, mode, chance):
    """The card with its numbers drawn."""
    down_s = chance.uniform(0, {KILL: 2.0, SCALE: 5.0, CUT: 0.0, FREEZE: 0.0}[card.how])
    if card.how == FREEZE:
        # A replica, and the broker, longer than the group's session; a host longer than its lease.
        down_s = chance.uniform(7.5, 9.5) if card.target in (REPLICA, BROKER) else chance.uniform(3, 9)
    return Fault(mode, card, round(chance.uniform(0, 2.5), 3), chance.randint(1, 4), chance.random() < 0.2,
                 round(down_s, 3), chance.random())


class Schedule:
    """Rounds without end: each is a list with one Fault for every mode."""

    def __init__(self, modes, seed):
        self.modes = tuple(modes)
        self._chance = {mode: random.Random(f"{seed}/{mode}") for mode in self.modes}
        self._decks = {mode: [] for mode in self.modes}

    def round(self):
        return [self._next(mode) for mode in self.modes]

    def _next(self, mode):
        chance = self._chance[mode]
        if not self._decks[mode]:
            self._decks[mode] = deck(mode)
            chance.shuffle(self._decks[mode])
        return fault(self._decks[mode].pop(), mode, chance)


def scale_of(fault_):
    """How many replicas a SCALE gives the pipe."""
    return SCALES[int(fault_.choice * len(SCALES))]


def described(fault_):
    """One fault in words."""
    card = fault_.card
    words = {KILL: "killed", FREEZE: f"frozen for {fault_.down_s:.1f} s", CUT: "cut",
             SCALE: f"scaled to {scale_of(fault_)} for {fault_.down_s:.1f} s"}[card.how]
    if card.step is None:
        return f"{card.target} {words} after {fault_.delay_s:.2f} s"
    what = "rejected" if fault_.in_errors else "rows"
    late = ", its bytes late" if card.bytes == LATE else ""
    return f"{card.target} {words} at '{card.step}' ({what}, no. {fault_.nth}){late}"
