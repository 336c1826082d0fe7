"""Read each part again and again, and put it on the shelf."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed

from hosting_cli.errors import HostingError
from hosting_cli.exporter.parts import Part, Rhythm
from hosting_cli.exporter.shelf import Shelf, Told

APART_SECONDS = 5
"""How long after one part the next is read for the first time: all at once they would be in each other's way."""

Read = Callable[[Part, float], Told]
"""Read a part within so many seconds; raise ``HostingError`` when that came to nothing."""


def keep(
    rhythms: Mapping[Part, Rhythm],
    shelf: Shelf,
    read: Read,
    *,
    ended: threading.Event,
    clock: Callable[[], float],
    tell: Callable[[str], None],
    apart_seconds: float = APART_SECONDS,
) -> None:
    """Read every part at its rhythm, each in a thread of its own, until *ended*.

    What cannot be read is told, and read again when it is due.  Should a thread break, all end, and its exception is
    raised here: an exporter that quietly reads less would look like one that is well.
    """

    def keep_part(part: Part, after_seconds: float) -> None:
        try:
            ended.wait(after_seconds)
            while not ended.is_set():
                began = clock()
                try:
                    told = read(part, rhythms[part].at_most_seconds)
                except HostingError as error:
                    if not ended.is_set():
                        tell(f"{part}: {error.subject}: {error.what}")
                else:
                    shelf.put(part, told, clock())
                ended.wait(max(0.0, began + rhythms[part].every_seconds - clock()))
        finally:
            ended.set()

    with ThreadPoolExecutor(max_workers=len(rhythms)) as pool:
        for future in as_completed(
            [pool.submit(keep_part, part, number * apart_seconds) for number, part in enumerate(rhythms)]
        ):
            future.result()
