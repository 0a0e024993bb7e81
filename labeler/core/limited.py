"""Work in a process of its own, under limits of time and memory: what loops, eats memory or crashes ends alone.

The work is a function of a module, and its arguments and its result are pickled. It is ended at its limit, and whoever
asked for it reads how it ended, with the file and the line that it was at.
"""

import contextlib
import faulthandler
import multiprocessing
import os
import pickle
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Literal, Self, TypeVar

from labeler.core.errors import LabelerError
from labeler.core.processes import end_with_parent, yield_to_others
from labeler.i18n.messages import Message, mark, sentences

Ending = Literal["time", "memory", "killed", "crashed"]
Result = TypeVar("Result")

LOADING_SECONDS = 120.0  # for the process to start, which no limit of the work counts
WATCH_SECONDS = 0.05  # between two looks at the memory of the process
GRACE_SECONDS = 30.0  # after which a process ends itself that is past its limit
TRACE_SECONDS = 2.0  # that a process has to write down where it is before it is killed
MEBIBYTE = 1 << 20
# The operating system's killer of processes takes this one before the app or the worker.
FIRST_TO_GO = "800"
_FRAME = re.compile(r'File "(.+)", line (\d+)')


@dataclass(frozen=True)
class Limits:
    """What work may take.

    seconds: until its result, or until its next message where it sends some. megabytes: of memory (MiB), beyond what
    the process has when the work begins.
    """

    seconds: float
    megabytes: float


class LimitError(LabelerError):
    """Work was ended at a limit, or its process ended before its result.

    ending: "time" and "memory" are the limits; "killed": something outside ended the process; "crashed": the work did,
    by a fault of its code or a call of exit. place: the file and line that it was at; None where nobody knows.
    """

    ending: Ending = "killed"
    place: str | None = None


class LimitedProcess:
    """A process that does one piece of work after the other, each under the same limits. It ends with the block.

    After a `LimitError` it is gone, and the next call starts another.
    """

    def __init__(self, name: str, limits: Limits, code: Path | None = None, load: Sequence[str] = ()) -> None:
        """
        Args: name: of the work, in messages. code: the file or folder whose lines are told; None: whichever line it was
              at. load: modules that the process loads before the limits count.
        """
        self.name, self.limits, self.code, self.load = name, limits, code, tuple(load)
        self._process: Any = None
        self._calls: Connection
        self._traces: Connection
        self._memory_at_start = 0

    def call(
        self,
        function: Callable[..., Result],
        *arguments: object,
        on_message: Callable[[Any], None] | None = None,
        seconds: float | None = None,
    ) -> Result:
        """What `function(*arguments)` returns in the process.

        Args:   on_message: takes what the function sends by `tell`, which is its last argument then. What it raises,
                e.g. because somebody has cancelled the work, ends the process and is raised here.
                seconds: a limit for this call, in place of that of all calls.
        Raises: LimitError: the work was ended or its process ended. Whatever the function raises.
        """
        limit = self.limits.seconds if seconds is None else seconds
        try:
            if self._process is None:
                self._start()
            self._send((function, arguments, on_message is not None, limit))
            while True:
                kind, value = self._receive(limit)
                match kind:
                    case "result":
                        return value
                    case "message" if on_message is not None:
                        on_message(value)
                    case "memory":
                        raise self._ended("memory", limit, place_in(value, self.code))
                    case "exit":
                        raise self._ended("crashed", limit, place_in(value, self.code))
                    case "error":
                        raise value
        except LimitError:
            self.end()
            raise
        except BaseException:
            if self._process is not None and not self._is_idle:
                self.end()
            raise

    def end(self) -> None:
        """End the process, with the processes that it has started."""
        if self._process is None:
            return
        with contextlib.suppress(OSError, AttributeError):  # it is no leader of a group yet, or there are no groups
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        for connection in (self._calls, self._traces):
            connection.close()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    # ------------------------------------------------------------ the way to the process and back

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._calls, its_calls = context.Pipe()
        self._traces, its_traces = context.Pipe(duplex=False)
        arguments = (its_calls, its_traces, self.load, self.limits.megabytes)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        with _main_module_left_out:
            self._process.start()
        for connection in (its_calls, its_traces):  # only its own ends stay open, so that reading ends with it
            connection.close()
        self._receive(LOADING_SECONDS)
        self._memory_at_start = resident_bytes(self._process.pid)

    def _send(self, call: object) -> None:
        self._is_idle = False
        try:
            self._calls.send(call)
        except (BrokenPipeError, ConnectionResetError):
            raise self._ended_by_itself() from None

    def _receive(self, seconds: float) -> tuple[str, Any]:
        """The next message of the process, within its limits."""
        end = time.monotonic() + seconds
        try:
            while not self._calls.poll(WATCH_SECONDS):
                if time.monotonic() > end:
                    raise self._ended("time", seconds, self._place_now())
                if self._memory_is_over():
                    raise self._ended("memory", seconds, self._place_now())
            kind, value = self._calls.recv()
        except (EOFError, ConnectionResetError):
            raise self._ended_by_itself() from None
        self._is_idle = kind in ("result", "error")
        return kind, value

    def _memory_is_over(self) -> bool:
        if not self._memory_at_start:  # it is not known here
            return False
        return resident_bytes(self._process.pid) - self._memory_at_start > self.limits.megabytes * MEBIBYTE

    # ------------------------------------------------------------ how it ended

    def _place_now(self) -> str | None:
        """The line that the process is at, which it writes down when it is asked by a signal."""
        if not hasattr(signal, "SIGUSR1"):
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGUSR1)
        return place_in(self._trace(TRACE_SECONDS), self.code)

    def _trace(self, seconds: float) -> str:
        """What the process has written down of where it is, as Python's faulthandler does."""
        text = b""
        while self._traces.poll(seconds):
            part = os.read(self._traces.fileno(), 1 << 16)
            if not part:
                break
            text, seconds = text + part, 0.05
        return text.decode("ascii", "replace")

    def _ended(self, ending: Ending, seconds: float, place: str | None) -> LimitError:
        values = {"name": self.name, "seconds": seconds, "megabytes": self.limits.megabytes}
        reasons = {
            "time": mark("{name} took longer than {seconds:g} seconds and was ended.", **values),
            "memory": mark("{name} needed more than {megabytes:g} MB of memory and was ended.", **values),
            "killed": mark("{name} was ended from outside, mostly for want of memory.", **values),
            "crashed": mark("{name} ended its own process: its code crashed, or calls exit.", **values),
        }
        where = mark("It was at {place}.", place=place) if place else Message("")
        error = LimitError(sentences(reasons[ending], where))
        error.ending, error.place = ending, place
        return error

    def _ended_by_itself(self) -> LimitError:
        self._process.join()
        is_killed = self._process.exitcode == -signal.SIGKILL if hasattr(signal, "SIGKILL") else False
        return self._ended("killed" if is_killed else "crashed", 0, place_in(self._trace(0.05), self.code))


def run_limited(
    function: Callable[..., Result],
    *arguments: object,
    name: str,
    limits: Limits,
    on_message: Callable[[Any], None] | None = None,
    code: Path | None = None,
    load: Sequence[str] = (),
) -> Result:
    """What `function(*arguments)` returns in a process of its own, see `LimitedProcess`.

    Raises: LimitError: the work was ended or its process ended. Whatever the function raises.
    """
    with LimitedProcess(name, limits, code, load) as process:
        return process.call(function, *arguments, on_message=on_message)


def place_in(trace: str, code: Path | None = None) -> str | None:
    """The innermost line of a traceback that is in `code`, as "mine.py, line 4"; None where no line is.

    Args: trace: as faulthandler writes it, the innermost call first. code: a file, or a folder with files; None: any.
    """
    *others, main = trace.split("hread 0x")  # the work is done by the main thread, which is told last
    for match in _FRAME.finditer("".join([main, *others])):
        # faulthandler writes letters beyond ASCII as \uXXXX
        path = Path(re.sub(r"\\[ux]([0-9a-f]{4}|[0-9a-f]{2})", lambda letter: chr(int(letter[1], 16)), match[1]))
        if code is None or path == code or code in path.parents:
            return mark("{file}, line {line}", file=path.name, line=match[2])
    return None


def resident_bytes(process: int) -> int:
    """The memory that a process holds; 0 where that cannot be known."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class _MainModuleLeftOut:
    """A block in which a spawned process does not run the file of this process's main module: the app's script."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # pages are drawn in threads, and all have one main module

    def __enter__(self) -> None:
        self._lock.acquire()
        self._main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")

    def __exit__(self, *_: object) -> None:
        sys.modules["__main__"] = self._main
        self._lock.release()


_main_module_left_out = _MainModuleLeftOut()


# ---------------------------------------------------------------- in the process


def _serve(calls: Connection, traces: Connection, load: Sequence[str], megabytes: float) -> None:
    """Do one piece of work after the other, until the other end of `calls` is closed."""
    _stand_alone(traces)
    for module in load:
        import_module(module)
    _limit_memory(megabytes)
    calls.send(("loaded", None))
    while True:
        try:
            function, arguments, tells, seconds = calls.recv()

            def tell(message: object, seconds: float = seconds) -> None:
                calls.send(("message", message))
                _end_later(seconds, traces)

            _end_later(seconds, traces)
            calls.send(("result", function(*arguments, tell) if tells else function(*arguments)))
        except EOFError:
            return
        except MemoryError as error:
            calls.send(("memory", _trace_of(error)))
        except SystemExit as error:
            calls.send(("exit", _trace_of(error)))
        except Exception as error:
            calls.send(("error", _portable(error)))
        finally:
            faulthandler.cancel_dump_traceback_later()


def _end_later(seconds: float, traces: Connection) -> None:
    """End this process some time after its limit, should the one that watches it have been killed."""
    faulthandler.dump_traceback_later(seconds + GRACE_SECONDS, file=traces.fileno(), exit=True)


def _trace_of(error: BaseException) -> str:
    """Where an error came up, the innermost call first; what the calls held is free again."""
    traceback.clear_frames(error.__traceback__)
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    return "\n".join(f'File "{file}", line {line}' for file, line in reversed(frames))


def _portable(error: Exception) -> Exception:
    """The error, or what it says where it cannot be pickled; its traceback goes along as a note, for logs."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # somebody else's class may raise whatever it likes
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _stand_alone(traces: Connection) -> None:
    """End with the process that started this one, and write down where this one is when it crashes or is asked."""
    end_with_parent()
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl+C is for the process that started this one; what this one starts ends with its group
        yield_to_others(0)
    faulthandler.enable(traces.fileno())
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, traces.fileno())
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")


def _limit_memory(megabytes: float) -> None:
    """Let Python raise MemoryError where more is asked for, so that who reads of it knows the line.

    The process that started this one looks at the memory as well: not all of it counts here.
    """
    try:
        import resource  # deferred: it is not there on Windows

        status = Path("/proc/self/status").read_text(encoding="utf-8")
        now = int(re.search(r"VmData:\s+(\d+) kB", status)[1]) << 10  # type: ignore[index]
        highest = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = now + int(megabytes * MEBIBYTE)
        if highest == resource.RLIM_INFINITY or limit < highest:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, highest))
    except (ImportError, OSError, TypeError, ValueError):  # this system has no such limit
        return
