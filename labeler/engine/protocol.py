"""The protocol by which large work is shared out.

Whatever does the work, the same chunks give the same results, to the last bit: how work is cut into chunks never
depends on who does it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")
# Called with how many more parts of the work are done, such as items; with 0 to say that it still goes on.
Report = Callable[[int], None]
# What is done to a chunk. Large values that all chunks share belong into it (`functools.partial`): they travel once.
Function = Callable[[Chunk, Report], Result]

BEAT = 0.3  # seconds after which a report is made though nothing is done, so that work can be ended


def ignore(parts: int) -> None:
    """A report that nobody reads."""


class Engine(Protocol):
    """What does large work."""

    @property
    def apart(self) -> bool:
        """Whether chunks leave this machine: then they hold no more than is needed."""
        ...

    def map(
        self,
        function: Function[Chunk, Result],
        chunks: Iterable[Chunk],
        report: Report = ignore,
        *,
        processes: int = 0,
        gpu: bool = False,
    ) -> Iterator[Result]:
        """The function's result for each chunk, in the order of the chunks.

        Args:   report: called as the function calls its own; what it raises ends the work at once.
                processes: of this machine among which an engine that works here shares the chunks; 0: this one alone.
                gpu: whether a call uses a GPU, or all cores where there is none; else one core.
        Raises: EngineError: nobody is there to do the work. LabelerError: a process that did it was ended. Any error
                of the function.
        """
        ...

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What the function returns for the arguments, on one GPU, or on this machine's number of cores.

        Raises: as `map`.
        """
        ...
