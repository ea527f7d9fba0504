"""The lines there are: which have items, which ask for certain agents, which are kept empty since the like will come again.

Only the pool uses this. It keeps lines and buckets alive; what stands in them is `buckets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routing.core.buckets import Bucket, Desk, Line, LineKey, Place

#: Buckets and lines kept although nothing waits in them.
SPARE = 512
#: Buckets of one queue in which something waits, before further needs have to stand aside (`parking`).
MOST_BUCKETS = 500
#: Members of all buckets together, beyond which the same holds: some 200 MB.
MOST_MEMBERS = 1_000_000


class Lines:
    """Lines by their key, made when needed and forgotten when many others have been used since."""

    def __init__(self, desks: Mapping[int, Desk]) -> None:
        self._desks = desks
        self._lines: dict[LineKey, Line] = {}
        self._spare_lines: dict[Line, None] = {}
        self._spare_buckets: dict[Bucket, None] = {}
        #: Buckets in which something waits, but for lines that ask for certain agents.
        self.busy: set[Bucket] = set()
        #: Agent -> lines with items that ask for certain agents, him among them.
        self.asking: dict[int, set[Line]] = {}
        #: How many buckets were ever made.
        self.made = 0
        self.members = 0
        self.most_buckets, self.most_members = MOST_BUCKETS, MOST_MEMBERS

    def has_room(self, key: LineKey) -> bool:
        """Whether a line with this key would need no more buckets than there may be."""
        for queue in key.queues:
            desk = self._desks[queue]
            bucket = desk.buckets.get(key.needs)
            if bucket is not None and bucket.regular:
                continue
            if desk.busy >= self.most_buckets:
                return False
            if bucket is None and self.members + len(desk.places) > self.most_members:
                return False
        return True

    def at(self, key: LineKey) -> Line:
        """The line with this key, made where there is none."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key, tuple(self._bucket(queue, key) for queue in key.queues))
        return line

    def opened(self, line: Line) -> None:
        """The line has its first item."""
        self._spare_lines.pop(line, None)
        for bucket in line.buckets:
            bucket.open += 1
        if line.key.only is not None:
            for agent in line.key.only:
                self.asking.setdefault(agent, set()).add(line)
            return
        for bucket in line.buckets:
            bucket.lines.add(line)
            self.busy.add(bucket)

    def closed(self, line: Line) -> None:
        """The line has lost its last item."""
        for bucket in line.buckets:
            bucket.open -= 1
            if bucket.open == 0 and bucket.regular:
                bucket.regular = False
                bucket.desk.busy -= 1
        for agent in line.key.only or ():
            lines = self.asking[agent]
            lines.discard(line)
            if not lines:
                del self.asking[agent]
        for bucket in line.buckets:
            bucket.lines.discard(line)
            if not bucket.lines:
                self.busy.discard(bucket)
        self.put_away(line)

    @staticmethod
    def take_room(line: Line) -> None:
        """An item that is not beyond the cap waits in the line: its buckets count."""
        for bucket in line.buckets:
            if not bucket.regular:
                bucket.regular = True
                bucket.desk.busy += 1

    def put_away(self, line: Line) -> None:
        """A line without items is kept as long as few others are, if the like of it may come again."""
        if line.key.plain:
            self._spare_lines[line] = None
            if len(self._spare_lines) <= SPARE:
                return
            line = next(iter(self._spare_lines))
            del self._spare_lines[line]
        self._forget(line)

    def for_agent(self, place: Place) -> Iterable[Line]:
        """Lines with items of which he has the skills and the queue, or that ask for him."""
        for bucket in place.buckets & self.busy:
            yield from bucket.lines
        yield from self.asking.get(place.agent.key, ())

    def _bucket(self, queue: int, key: LineKey) -> Bucket:
        desk = self._desks[queue]
        bucket = desk.buckets.get(key.needs)
        if bucket is None:
            self.made += 1
            bucket = desk.buckets[key.needs] = Bucket(self.made, desk, key.needs)
            self.members += bucket.size
        self._spare_buckets.pop(bucket, None)
        bucket.users += 1
        return bucket

    def _forget(self, line: Line) -> None:
        del self._lines[line.key]
        for bucket in line.buckets:
            bucket.users -= 1
            if not bucket.users:
                self._spare_buckets[bucket] = None
        while len(self._spare_buckets) > SPARE:
            bucket = next(iter(self._spare_buckets))
            del self._spare_buckets[bucket]
            del bucket.desk.buckets[bucket.needs]
            self.members -= bucket.size
            for place in tuple(bucket.members.values()):
                bucket.forget(place)
