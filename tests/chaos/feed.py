"""Records without end into several topics and partitions, each with an id of its own, and the memory of
which record has which offset: what every reconciliation is measured by."""
import array
import random
import threading

import confluent_kafka

from tests.e2e.orders import bad, good

TICK_S = 0.02
BAD_EVERY = 41
BURST_CHANCE = 0.02
BURST_TICKS = 20
FLUSH_S = 180
UNKNOWN = -1
QUIET = 2  # of syslog: that the broker is away is known


def is_bad(number):
    """Whether the record with this id must be rejected."""
    return number % BAD_EVERY == BAD_EVERY - 1


def value_of(number):
    return bad(number) if is_bad(number) else good(number)


class Feed:
    """Produces about `rate` records a second in a thread of its own until `stop`, with bursts, and with
    more in some partitions than in others. The producer is idempotent: an acknowledged record has one
    offset, whatever becomes of the broker."""

    def __init__(self, kafka, topics, partitions, rate, seed):
        self.places = [(topic, partition) for topic in topics for partition in range(partitions)]
        self.rate = rate
        self.failures = []
        self._random = random.Random(seed)
        self._weights = [1 + index % 3 for index in range(len(self.places))]
        self._number = 0
        self._ids = {place: array.array("q") for place in self.places}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._producer = confluent_kafka.Producer(kafka.client_config(**{
            "enable.idempotence": True, "linger.ms": 5, "message.timeout.ms": 300000,
            "queue.buffering.max.messages": 500000, "log_level": QUIET}))
        self._thread = None

    def start(self):
        """Produce (again)."""
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """End and wait for every acknowledgement."""
        self._ending.set()
        self._thread.join()
        left = self._producer.flush(FLUSH_S)
        if left or self.failures:
            raise RuntimeError(f"{left} records unanswered, {len(self.failures)} refused: {self.failures[:3]}")

    def marks(self):
        """{(topic, partition): how many records are acknowledged there without a gap}."""
        with self._lock:
            return {place: len(ids) if UNKNOWN not in ids[-10000:] else ids.index(UNKNOWN)
                    for place, ids in self._ids.items()}

    def ids(self, place, first, end):
        """The ids of the records at offsets first … end − 1."""
        with self._lock:
            return self._ids[place][first:end]

    def count(self):
        with self._lock:
            return sum(len(ids) for ids in self._ids.values())

    def _run(self):
        burst = 0
        while not self._ending.wait(TICK_S):
            if burst == 0 and self._random.random() < BURST_CHANCE:
                burst = BURST_TICKS
            many = max(1, int(self.rate * TICK_S * (5 if burst else 1)))
            burst = max(0, burst - 1)
            for place in self._random.choices(self.places, self._weights, k=many):
                self._one(place)
            self._producer.poll(0)

    def _one(self, place):
        number = self._number
        self._number += 1

        def delivered(error, message):
            if error is not None:
                self.failures.append(error)
                return
            with self._lock:
                ids = self._ids[place]
                while len(ids) <= message.offset():
                    ids.append(UNKNOWN)
                ids[message.offset()] = number

        while True:
            try:
                self._producer.produce(place[0], value_of(number), key=str(number % 100),
                                       partition=place[1], on_delivery=delivered)
                return
            except BufferError:
                self._producer.poll(0.1)
